//! `plugin grant`: who asks for what and what that means, then the question, then the grant of exactly that.

use std::io::{self, BufRead, IsTerminal as _, Write as _};

use padgate_ipc::Client;
use padgate_ipc::method::GrantPlugin;
use padgate_ipc::plugin::{GrantParams, GrantPart, GrantView, Risk, Tie};

use super::super::connect;
use super::hints;
use crate::args::plugin as args;
use crate::exit::Code;
use crate::output::{Output, Style, plain};

/// `padgate plugin grant`.
pub(super) fn grant(arguments: &args::Grant, output: &mut Output) -> anyhow::Result<Code> {
    let mut client = connect()?;
    let params = GrantParams {
        plugin: arguments.name.clone(),
        rights: (!arguments.rights.is_empty()).then(|| arguments.rights.clone()),
        tie: match arguments.tie {
            args::Tie::File => Tie::Sha256,
            args::Tie::Key => Tie::Key,
        },
        dry_run: true,
        confirm: None,
    };
    let view = client.call::<GrantPlugin>(&params)?;
    let params = GrantParams { dry_run: false, confirm: Some(view.confirm.clone()), ..params };
    if arguments.json {
        return as_json(&mut client, &params, view, arguments.yes, output);
    }
    show(&view, output)?;
    if view.grants.is_empty() {
        return nothing(&view, output);
    }
    if arguments.dry_run {
        output.line("nothing was granted: this was only shown")?;
        return Ok(Code::Done);
    }
    if !arguments.yes {
        // What is shown and what is typed must be the same person's.
        let somebody = io::stdin().is_terminal() && io::stdout().is_terminal();
        let answer = if somebody { ask(io::stdin().lock(), output)? } else { Answer::Nobody };
        if let Some(code) = refused(answer, output)? {
            return Ok(code);
        }
    }
    done(&client.call::<GrantPlugin>(&params)?, output)
}

/// For programs: the answer alone, of the grant if it was agreed to.
fn as_json(
    client: &mut Client,
    params: &GrantParams,
    view: GrantView,
    agreed: bool,
    output: &mut Output,
) -> anyhow::Result<Code> {
    let grants = agreed && !view.grants.is_empty();
    let view = if grants { client.call::<GrantPlugin>(params)? } else { view };
    output.json(&view)?;
    Ok(if view.grants.is_empty() && !view.refused.is_empty() { Code::Refused } else { Code::Done })
}

fn show(view: &GrantView, output: &mut Output) -> anyhow::Result<()> {
    let title = format!("{} {}", plain(&view.plugin), plain(&view.version));
    output.line(&output.styled(Style::Heading, &title))?;
    if !view.description.is_empty() {
        output.folded(11, &format!("says       \"{}\"", plain(&view.description)))?;
    }
    let author = match view.author.as_str() {
        "" => "it does not say".to_owned(),
        author => format!("\"{}\", as it says itself", plain(author)),
    };
    output.folded(11, &format!("author     {author}"))?;
    output.folded(11, &format!("signature  {}", plain(&view.signature.text)))?;
    output.line(&format!("sha256     {}", plain(&view.sha256)))?;
    if !view.has.is_empty() {
        output.folded(11, &format!("has        {}", plain(&view.has.join(", "))))?;
    }
    if let Some(risk) = view.risk {
        output.line(&format!("risk       {}", risk_word(risk, output)))?;
    }
    // What can't be granted is shown once, as that.
    let is_refused = |part: &GrantPart| {
        view.refused.iter().any(|it| (&it.capability, &it.scope) == (&part.capability, &part.scope))
    };
    for part in view.grants.iter().filter(|part| !is_refused(part)) {
        output.line("")?;
        let direct = if part.direct { ", by itself inside its sandbox" } else { "" };
        let of = part.of.as_ref().map(|of| format!(", of {}", plain(of))).unwrap_or_default();
        let what = format!("{} {}", plain(&part.capability), plain(&part.scope));
        let what = output.styled(Style::Heading, what.trim_end());
        output.folded(6, &format!("  {what}{of}  ({} risk{direct})", risk_word(part.risk, output)))?;
        output.folded(6, &format!("      {}", plain(&part.meaning)))?;
    }
    for part in &view.refused {
        output.line("")?;
        let what = format!("{} {}", plain(&part.capability), plain(&part.scope));
        let refused = output.styled(Style::Bad, "can't be granted");
        output.folded(6, &format!("  {}: {refused}: {}", what.trim_end(), plain(&part.reason)))?;
    }
    output.line("")?;
    hints(&view.warnings, output)?;
    Ok(())
}

fn risk_word(risk: Risk, output: &Output) -> String {
    match risk {
        Risk::Low => risk.word().to_owned(),
        Risk::Medium | Risk::High | Risk::Unknown => output.styled(Style::Bad, risk.word()),
    }
}

fn nothing(view: &GrantView, output: &mut Output) -> anyhow::Result<Code> {
    let name = plain(&view.plugin);
    if view.refused.is_empty() {
        output.line(&format!("there is nothing to grant: {name} has all of that, or asks for nothing"))?;
        return Ok(Code::Done);
    }
    output.line("nothing was granted: all of it is refused")?;
    Ok(Code::Refused)
}

/// What came of the question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Answer {
    Yes,
    No,
    /// There is nobody to be asked.
    Nobody,
}

/// Asks, and reads one line. Whatever is not a clear yes is a no.
fn ask(person: impl BufRead, output: &mut Output) -> io::Result<Answer> {
    output.part("Allow this? [y/N] ")?;
    output.flush()?;
    let mut line = String::new();
    let read = person.take(ANSWER_BYTES_MAX).read_line(&mut line);
    if !line.ends_with('\n') {
        output.line("")?;
    }
    Ok(match (read, line.trim().to_lowercase().as_str()) {
        // What was cut off could have gone on with anything.
        (Ok(bytes), "y" | "yes") if (bytes as u64) < ANSWER_BYTES_MAX => Answer::Yes,
        _ => Answer::No,
    })
}

/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 256;

/// How the command ends without a yes; `None` with one.
fn refused(answer: Answer, output: &mut Output) -> anyhow::Result<Option<Code>> {
    match answer {
        Answer::Yes => Ok(None),
        Answer::No => {
            output.line("nothing was granted")?;
            Ok(Some(Code::Failure))
        }
        Answer::Nobody => {
            output.flush()?;
            // If it can't be told, the exit code still says it.
            let _ = writeln!(
                io::stderr(),
                "padgate: nothing was granted: there is no terminal to ask at; look at what is shown, and add --yes to agree"
            );
            Ok(Some(Code::Usage))
        }
    }
}

fn done(view: &GrantView, output: &mut Output) -> anyhow::Result<Code> {
    let capabilities: Vec<&str> = view.grants.iter().map(|part| part.capability.as_str()).collect();
    let state = view.after.as_ref().map(|plugin| {
        let reason = plugin.reason.as_ref().map(|reason| format!("; {}", plain(reason)));
        format!("; it is {}{}", plugin.state.word(), reason.unwrap_or_default())
    });
    let holds = match view.tie {
        Tie::Sha256 => "for this file",
        Tie::Key => "for all its files signed with this key",
        Tie::Unknown => "for now",
    };
    let text = format!(
        "granted to {} {holds}: {}{}",
        plain(&view.plugin),
        plain(&capabilities.join(", ")),
        state.unwrap_or_default()
    );
    output.folded(4, &text)?;
    Ok(Code::Done)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};

    use super::{Answer, ask, refused};
    use crate::exit::Code;
    use crate::output::Output;

    #[test]
    fn only_a_clear_yes_is_a_yes() {
        for (typed, expected) in [
            ("y\n", Answer::Yes),
            (" YES \n", Answer::Yes),
            ("y", Answer::Yes),
            ("\n", Answer::No),
            ("n\n", Answer::No),
            ("yep\n", Answer::No),
            ("", Answer::No),
            ("y\u{0}\n", Answer::No),
            ("\n y\n", Answer::No),
        ] {
            let mut file = tempfile::tempfile().unwrap();
            let mut output = Output::file(file.try_clone().unwrap());
            assert_eq!(ask(typed.as_bytes(), &mut output).unwrap(), expected, "{typed:?}");
            output.flush().unwrap();
            let mut shown = String::new();
            file.rewind().unwrap();
            file.read_to_string(&mut shown).unwrap();
            assert!(shown.starts_with("Allow this? [y/N] "), "{shown:?}");
        }
    }

    #[test]
    fn an_answer_without_an_end_is_not_read_to_the_end() {
        let typed = format!("y{}no\n", " ".repeat(1 << 20));
        let mut output = Output::file(tempfile::tempfile().unwrap());
        let mut typed = typed.as_bytes();
        assert_eq!(ask(&mut typed, &mut output).unwrap(), Answer::No);
        assert!(typed.len() > 1 << 19, "and not all of it is read");
        let bad = [b"y".as_slice(), &[0xff, b'\n']].concat();
        assert_eq!(ask(bad.as_slice(), &mut output).unwrap(), Answer::No);
    }

    #[test]
    fn without_a_yes_it_ends_and_the_code_says_how() {
        let mut output = Output::file(tempfile::tempfile().unwrap());
        assert_eq!(refused(Answer::Yes, &mut output).unwrap(), None);
        assert_eq!(refused(Answer::No, &mut output).unwrap(), Some(Code::Failure));
        assert_eq!(refused(Answer::Nobody, &mut output).unwrap(), Some(Code::Usage));
    }
}
