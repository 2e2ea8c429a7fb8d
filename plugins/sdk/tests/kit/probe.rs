//! A plugin that does whatever a test wants.

use std::io::{Read as _, Write as _};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use padgate_plugin::json::Value;
use padgate_plugin::{
    ActionPlugin, Brightness, Command, Context, Error, ErrorKind, Event, Host, HttpRequest, Media, Volume,
};

/// Does whatever a test wants.
#[derive(Default)]
pub(crate) struct Probe {
    count: u64,
}

/// What it does.
#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Params {
    Count,
    Panic { text: String },
    PanicInThread,
    Everything,
    Http { url: String },
    Run { program: String, arguments: Vec<String>, input: String, timeout_ms: u64 },
    Talk { port: u16 },
    Play { notes: Vec<u8> },
    Listen { device: String },
    SaveTooMuch,
}

impl ActionPlugin for Probe {
    type Params = Params;

    fn start(&mut self, host: &Host, saved: &[u8]) -> Result<(), Error> {
        self.count = match saved {
            [] => 0,
            b"panic" => panic!("at the start"),
            saved => std::str::from_utf8(saved)
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| Error::invalid("what was saved is no number"))?,
        };
        host.debug(&format!("started with {}", self.count));
        Ok(())
    }

    fn check(&mut self, params: &Params, host: &Host) -> Result<(), Error> {
        match params {
            Params::Play { notes } if notes.is_empty() => Err("there are no notes to play".into()),
            Params::Listen { device } => host.midi().listen(device),
            _ => Ok(()),
        }
    }

    fn execute(&mut self, params: &Params, context: &Context, host: &Host) -> Result<(), Error> {
        match params {
            Params::Count | Params::Listen { .. } => self.count += 1,
            Params::Panic { text } => panic!("{text}"),
            Params::PanicInThread => {
                let ended = std::thread::spawn(|| panic!("in a thread")).join();
                return if ended.is_err() { Err("the thread panicked".into()) } else { Ok(()) };
            }
            Params::SaveTooMuch => self.count = u64::MAX,
            Params::Everything => everything(host)?,
            Params::Http { url } => {
                let answer = host.http(&HttpRequest::get(url.as_str()).timeout(Duration::from_micros(1)))?;
                host.info(&format!("{} {}", answer.status, answer.json::<Value>()?["is"]));
            }
            Params::Run { program, arguments, input, timeout_ms } => {
                let command = Command::new(program.as_str()).args(arguments).input(input.as_str());
                let timeout = Duration::from_millis(*timeout_ms);
                let output = host.run(&command.timeout(timeout))?;
                host.info(&format!("{} {}", output.code, output.text()));
            }
            Params::Talk { port } => {
                let mut stream = host.connect("127.0.0.1", *port, Duration::from_secs(1))?;
                stream.write_all(b"ping")?;
                let mut answer = String::new();
                stream.read_to_string(&mut answer)?;
                host.warn(&answer);
            }
            Params::Play { notes } => {
                for (number, note) in (0..).zip(notes) {
                    let at = host.now() + Duration::from_millis(100) * number;
                    host.midi().send_at("synth", &[0x90, *note, context.velocity()], at)?;
                }
                host.set_timer(Some(host.now() + Duration::from_millis(50)))?;
            }
        }
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>, host: &Host) {
        match event {
            Event::Timer { at } => {
                self.count += 1;
                assert!(self.count != 3, "three is too many");
                let again = (self.count < 2).then(|| *at + Duration::from_millis(50));
                host.set_timer(again).expect("the kit has a timer");
            }
            Event::Midi { device, message, at } => {
                host.midi().send_at("", message, *at + Duration::from_nanos(1)).expect("the kit sends");
                host.info(device);
            }
            _ => {}
        }
    }

    fn save(&mut self) -> Vec<u8> {
        if self.count == u64::MAX { vec![0; 48 * 1024 + 1] } else { self.count.to_string().into_bytes() }
    }

    fn stop(&mut self, host: &Host) {
        host.info("stopped");
        let (clone, (sender, receiver)) = (host.clone(), sync_channel::<()>(1));
        // Goes on after the plugin's end, which drops the sender.
        ENDED.set(Some(sender));
        LATE.set(Some(std::thread::spawn(move || {
            receiver.recv().expect_err("nothing is ever sent");
            clone.midi().send("", &[0xF8]).expect_err("the plugin has ended").kind()
        })));
    }
}

thread_local! {
    /// Lets the thread go on that outlives the plugin.
    pub(crate) static ENDED: std::cell::Cell<Option<std::sync::mpsc::SyncSender<()>>> = const { std::cell::Cell::new(None) };
    /// That thread.
    pub(crate) static LATE: std::cell::Cell<Option<std::thread::JoinHandle<ErrorKind>>> = const { std::cell::Cell::new(None) };
}

fn everything(host: &Host) -> Result<(), Error> {
    host.midi().send("", &[0xF8])?;
    host.midi().cancel()?;
    host.start(&Command::new("xclock").arg("-digital"))?;
    host.play(host.data_folder().join("a.wav"), 0.5)?;
    host.volume("Speaker*", Volume::By(-0.1))?;
    host.mute("", true)?;
    host.system().media(Media::PlayPause)?;
    host.system().notify("one\ntwo", "three")?;
    host.system().brightness(Brightness::By(10))?;
    host.system().open("http://localhost/")?;
    host.system().keys("ctrl+a")?;
    host.system().type_text("hello")?;
    host.set_timer(None)
}

padgate_plugin::export!(Probe, name = "probe");
