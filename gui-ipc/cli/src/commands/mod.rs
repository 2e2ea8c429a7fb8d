//! The commands, one file each where there is more to them than a call.

mod check;
mod interrupt;
mod monitor;
mod play;
mod plugin;
mod program;
mod record;
mod service;
mod show;

use padgate_ipc::Client;
use padgate_ipc::method::{
    Empty, Explain, ExplainParams, Method, Mode, ModeParams, Panic, Press, PressParams, PressPhase,
};

use crate::args::{self, Arguments, Command};
use crate::exit::Code;
use crate::output::Output;

/// Does what was typed.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> anyhow::Result<Code> {
    match &arguments.command {
        Command::Status(json) => show::status(json.json, output),
        Command::Devices(json) => show::devices(json.json, output),
        Command::Monitor(arguments) => monitor::monitor(arguments, output),
        Command::Explain(arguments) => explain(arguments, output),
        Command::Check(arguments) => check::check(arguments, output),
        Command::Reload(json) => check::reload(json.json, output),
        Command::Mode(arguments) => mode(arguments, output),
        Command::Press(arguments) => press(arguments, output),
        Command::Play(arguments) => play::play(arguments, output),
        Command::Panic(json) => panic(json.json, output),
        Command::Record(arguments) => record::record(arguments, output),
        Command::Replay(arguments) => program::replay(arguments),
        Command::Plugin(arguments) => plugin::plugin(arguments, output),
        Command::Audit(arguments) => plugin::audit(arguments, output),
        Command::Service(arguments) => service::service(arguments.action, output),
        Command::Completions { shell } => completions(*shell, output),
    }
}

/// Connects to the daemon.
fn connect() -> anyhow::Result<Client> {
    Ok(Client::connect("padgate")?)
}

/// Calls one method of the daemon.
fn call<M: Method>(params: &M::Params) -> anyhow::Result<M::Result> {
    Ok(connect()?.call::<M>(params)?)
}

fn explain(arguments: &args::Explain, output: &mut Output) -> anyhow::Result<Code> {
    let params = ExplainParams { device: arguments.device.clone(), control: arguments.control.clone() };
    let explanation = call::<Explain>(&params)?;
    if arguments.json.json {
        output.json(&explanation)?;
    } else {
        for sentence in &explanation.sentences {
            output.line(sentence)?;
        }
    }
    Ok(Code::Done)
}

fn mode(arguments: &args::Mode, output: &mut Output) -> anyhow::Result<Code> {
    let params = match arguments {
        args::Mode { switch: Some(mode), .. } => ModeParams::Switch(mode.clone()),
        args::Mode { push: Some(mode), .. } => ModeParams::Push(mode.clone()),
        args::Mode { toggle: Some(mode), .. } => ModeParams::Toggle(mode.clone()),
        args::Mode { pop: true, .. } => ModeParams::Pop,
        args::Mode { .. } => ModeParams::Get,
    };
    let state = call::<Mode>(&params)?;
    if arguments.json.json {
        output.json(&state)?;
        return Ok(Code::Done);
    }
    let (top, below) = state.stack.split_last().map_or(("", &[][..]), |(top, below)| (top.as_str(), below));
    output.line(top)?;
    if params == ModeParams::Get {
        for mode in below.iter().rev() {
            output.line(&format!("  above {mode}"))?;
        }
        let others: Vec<&str> = state
            .known
            .iter()
            .map(String::as_str)
            .filter(|mode| !state.stack.iter().any(|it| it == mode))
            .collect();
        if !others.is_empty() {
            output.line(&format!("not active: {}", others.join(", ")))?;
        }
    }
    Ok(Code::Done)
}

fn press(arguments: &args::Press, output: &mut Output) -> anyhow::Result<Code> {
    let phase = match (arguments.down, arguments.up) {
        (true, _) => PressPhase::Down,
        (_, true) => PressPhase::Up,
        _ => PressPhase::Tap,
    };
    let params = PressParams {
        device: arguments.device.clone(),
        control: arguments.control.clone(),
        midi: arguments.midi.clone(),
        phase,
        value: arguments.value,
        hold_ms: arguments.hold,
    };
    let result = call::<Press>(&params)?;
    if arguments.json.json {
        output.json(&result)?;
    } else {
        for message in &result.messages {
            output.line(&format!("{}: {message}", result.device))?;
        }
    }
    Ok(Code::Done)
}

fn panic(json: bool, output: &mut Output) -> anyhow::Result<Code> {
    let result = call::<Panic>(&Empty {})?;
    if json {
        output.json(&result)?;
        return Ok(Code::Done);
    }
    if result.released.is_empty() && result.stopped == 0 {
        output.line("nothing was held, and nothing was running")?;
    }
    for held in &result.released {
        output.line(&format!("released {held}"))?;
    }
    if result.stopped > 0 {
        output.line(&format!("stopped {} running", result.stopped))?;
    }
    Ok(Code::Done)
}

fn completions(shell: clap_complete::Shell, output: &mut Output) -> anyhow::Result<Code> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut <Arguments as clap::CommandFactory>::command(), "padgate", &mut text);
    output.line(String::from_utf8_lossy(&text).trim_end())?;
    Ok(Code::Done)
}
