//! Capabilities as text: a table of TOML that reads back, and one capability in one word of a command.

use super::{
    AudioScope, Capability, FilesystemScope, HostPattern, MidiScope, NetworkScope, Rights, SubprocessScope,
    SystemScope, entry,
};
use crate::config::context::nearest;

impl Rights {
    /// The lines of a TOML table that [`Rights::from_toml`] reads as the same rights, from the least risky on; empty
    /// for no rights.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let line = |capability| Some(format!("{capability} = {}\n", self.toml_value(capability)?));
        Capability::ALL.into_iter().filter_map(line).collect()
    }

    fn toml_value(&self, capability: Capability) -> Option<String> {
        Some(match capability {
            Capability::Midi => {
                let MidiScope { send, listen } = self.midi.as_ref()?;
                table(&[("send", list(send)), ("listen", list(listen))])
            }
            Capability::Audio => list(&audio_words(self.audio?)).unwrap_or_default(),
            Capability::Network => {
                let NetworkScope { hosts, direct } = self.network.as_ref()?;
                let hosts = list(&hosts.iter().map(HostPattern::to_string).collect::<Vec<_>>());
                match direct {
                    None => hosts.unwrap_or_else(|| "[]".to_owned()),
                    Some(ports) if ports.is_empty() => {
                        table(&[("hosts", hosts), ("direct", Some("true".to_owned()))])
                    }
                    Some(ports) => table(&[("hosts", hosts), ("direct", Some(format!("{ports:?}")))]),
                }
            }
            Capability::SystemControl => list(&system_words(self.system_control?)).unwrap_or_default(),
            Capability::Filesystem => {
                let FilesystemScope { read, write } = self.filesystem.as_ref()?;
                table(&[("read", list(read)), ("write", list(write))])
            }
            Capability::Subprocess => {
                let SubprocessScope { programs, direct } = self.subprocess.as_ref()?;
                let programs = list(programs);
                match direct {
                    false => programs.unwrap_or_else(|| "[]".to_owned()),
                    true => table(&[("programs", programs), ("direct", Some("true".to_owned()))]),
                }
            }
        })
    }

    /// Reads one capability with its scope as a word of a command: `network=localhost:4455,example.com:443`,
    /// `network=direct:443`, `filesystem=read:~/Music,write:~/out`, `system-control=media,notify`, `audio=play`,
    /// `midi=send:synth,listen:pads`, `subprocess=obs-cli`, `subprocess=direct`. Without `=`, the capability is meant
    /// as far as it was requested: there is no scope then.
    ///
    /// # Errors
    ///
    /// What is wrong, and what would be right.
    pub fn parse_one(text: &str) -> Result<(Capability, Option<Rights>), String> {
        let (name, scope) = match text.split_once('=') {
            Some((name, scope)) => (name.trim(), Some(scope)),
            None => (text.trim(), None),
        };
        let Some(capability) = Capability::of_name(name) else {
            let names = Capability::ALL.map(Capability::name);
            let help = match nearest(name, names) {
                Some(right) => format!("did you mean {right:?}?"),
                None => format!("there are {}", names.join(", ")),
            };
            return Err(format!("there is no capability {name:?}; {help}"));
        };
        let Some(scope) = scope else { return Ok((capability, None)) };
        let mut rights = Rights::NONE;
        for item in scope.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let one = one_item(capability, item)
                .map_err(|reason| format!("{item:?} is no scope of {capability}: {reason}"))?;
            rights = rights.joined(&one);
        }
        if !rights.has(capability) {
            return Err(format!("nothing stands after {name}=; for example {}", example(capability)));
        }
        Ok((capability, Some(rights)))
    }

    /// The capability as [`Rights::parse_one`] reads it (paths with a comma can't be said so); `None` if it is not in
    /// the set.
    #[must_use]
    pub fn one_text(&self, capability: Capability) -> Option<String> {
        self.has(capability).then(|| format!("{capability}={}", self.items(capability).join(",")))
    }

    /// The entries of the capability's scope, each as [`Rights::parse_one`] reads it.
    pub(super) fn items(&self, capability: Capability) -> Vec<String> {
        let with = |word: &'static str, entries: &[String]| -> Vec<String> {
            entries.iter().map(|entry| format!("{word}:{entry}")).collect()
        };
        match capability {
            Capability::Midi => self.midi.as_ref().map_or(Vec::new(), |scope| {
                [with("send", &scope.send), with("listen", &scope.listen)].concat()
            }),
            Capability::Audio => self.audio.map_or(Vec::new(), audio_words),
            Capability::Network => self.network.as_ref().map_or(Vec::new(), |scope| {
                let mut items: Vec<String> = scope.hosts.iter().map(HostPattern::to_string).collect();
                match &scope.direct {
                    None => {}
                    Some(ports) if ports.is_empty() => items.push("direct".to_owned()),
                    Some(ports) => items.extend(ports.iter().map(|port| format!("direct:{port}"))),
                }
                items
            }),
            Capability::SystemControl => self.system_control.map_or(Vec::new(), system_words),
            Capability::Filesystem => self.filesystem.as_ref().map_or(Vec::new(), |scope| {
                [with("read", &scope.read), with("write", &scope.write)].concat()
            }),
            Capability::Subprocess => self.subprocess.as_ref().map_or(Vec::new(), |scope| {
                let direct = scope.direct.then(|| "direct".to_owned());
                scope.programs.iter().cloned().chain(direct).collect()
            }),
        }
    }
}

fn example(capability: Capability) -> &'static str {
    match capability {
        Capability::Midi => "midi=send:synth,listen:pads",
        Capability::Audio => "audio=play",
        Capability::Network => "network=localhost:4455,example.com:443",
        Capability::SystemControl => "system-control=media,notify",
        Capability::Filesystem => "filesystem=read:~/Music,write:~/out",
        Capability::Subprocess => "subprocess=obs-cli",
    }
}

/// One entry of a scope.
fn one_item(capability: Capability, item: &str) -> Result<Rights, String> {
    let mut rights = Rights::NONE;
    let unknown = || Err(format!("write it like {}", example(capability)));
    match capability {
        Capability::Midi => {
            let mut scope = MidiScope::default();
            match item.split_once(':') {
                Some(("send", name)) => scope.send.push(entry::device(name)?),
                Some(("listen", name)) => scope.listen.push(entry::device(name)?),
                _ => return unknown(),
            }
            rights.midi = Some(scope);
        }
        Capability::Audio => match item {
            "play" => rights.audio = Some(AudioScope { play: true, volume: false }),
            "volume" => rights.audio = Some(AudioScope { play: false, volume: true }),
            _ => return unknown(),
        },
        Capability::Network => {
            let direct = match item.strip_prefix("direct") {
                Some("") => Some(Vec::new()),
                Some(port) if port.starts_with(':') => {
                    let number = port[1..].parse().ok().filter(|port| *port != 0);
                    Some(vec![number.ok_or_else(|| format!("{:?} is no port from 1 to 65535", &port[1..]))?])
                }
                _ => None,
            };
            let hosts = if direct.is_some() { Vec::new() } else { vec![HostPattern::parse(item)?] };
            rights.network = Some(NetworkScope { hosts, direct });
        }
        Capability::SystemControl => {
            let mut scope = SystemScope::default();
            match item {
                "media" => scope.media = true,
                "notify" => scope.notify = true,
                "brightness" => scope.brightness = true,
                "open" => scope.open = true,
                "keys" => scope.keys = true,
                _ => return unknown(),
            }
            rights.system_control = Some(scope);
        }
        Capability::Filesystem => {
            let mut scope = FilesystemScope::default();
            match item.split_once(':') {
                Some(("read", path)) => scope.read.push(entry::path(path)?),
                Some(("write", path)) => scope.write.push(entry::path(path)?),
                _ => return unknown(),
            }
            rights.filesystem = Some(scope);
        }
        Capability::Subprocess => {
            let direct = item == "direct";
            let programs = if direct { Vec::new() } else { vec![entry::program(item)?] };
            rights.subprocess = Some(SubprocessScope { programs, direct });
        }
    }
    Ok(rights)
}

fn audio_words(scope: AudioScope) -> Vec<String> {
    let AudioScope { play, volume } = scope;
    [(play, "play"), (volume, "volume")]
        .into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, word)| word.into())
        .collect()
}

fn system_words(scope: SystemScope) -> Vec<String> {
    let SystemScope { media, notify, brightness, open, keys } = scope;
    let words =
        [(media, "media"), (notify, "notify"), (brightness, "brightness"), (open, "open"), (keys, "keys")];
    words.into_iter().filter(|(is, _)| *is).map(|(_, word)| word.into()).collect()
}

/// An array of texts; `None` if there are none.
fn list(texts: &[String]) -> Option<String> {
    let quoted: Vec<String> = texts.iter().map(|text| toml::Value::from(text.as_str()).to_string()).collect();
    (!quoted.is_empty()).then(|| format!("[{}]", quoted.join(", ")))
}

/// An inline table of those entries that there are.
fn table(entries: &[(&str, Option<String>)]) -> String {
    let there: Vec<String> =
        entries.iter().filter_map(|(key, value)| Some(format!("{key} = {}", value.as_ref()?))).collect();
    format!("{{ {} }}", there.join(", "))
}
