//! The brightness of the screen: the kernel shows it in a folder, and the login service sets it for the user who sits
//! there, without further rights.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use padgate_plugin_abi::PADGATE_FAILED;

use super::system::Light;
use super::{Screen, Trouble};

/// How long the bus and the login service may take to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// A screen's light.
#[derive(Debug, PartialEq, Eq)]
struct Backlight {
    name: String,
    brightest: u32,
    now: u32,
}

/// Sets the brightness.
pub(super) fn set(screen: &Screen, light: Light) -> Result<(), Trouble> {
    let backlight = find(&screen.backlights).ok_or_else(|| {
        let folder = screen.backlights.display();
        Trouble::unavailable(format!("no screen here has a brightness that can be set (nothing in {folder})"))
    })?;
    let level = level(&backlight, light);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Trouble::unavailable(format!("no system bus: {error}")))?;
    runtime.block_on(tell(&screen.system_bus, &backlight.name, level))
}

/// The light that the kernel prefers: the firmware's, the platform's, the graphics card's.
fn find(folder: &Path) -> Option<Backlight> {
    let kinds = ["firmware", "platform", "raw"];
    let mut found: Vec<(usize, Backlight)> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let read = |name: &str| std::fs::read_to_string(path.join(name)).ok();
            let number = |name: &str| read(name)?.trim().parse::<u32>().ok();
            let kind = read("type").unwrap_or_default();
            let rank = kinds.iter().position(|known| *known == kind.trim()).unwrap_or(kinds.len());
            let name = path.file_name()?.to_str()?.to_owned();
            let brightest = number("max_brightness").filter(|brightest| *brightest > 0)?;
            Some((rank, Backlight { name, brightest, now: number("brightness")? }))
        })
        .collect();
    found.sort_by(|one, other| (one.0, &one.1.name).cmp(&(other.0, &other.1.name)));
    found.into_iter().next().map(|(_, backlight)| backlight)
}

/// The new level. Never 0, at which many screens go dark altogether.
fn level(backlight: &Backlight, light: Light) -> u32 {
    let brightest = f64::from(backlight.brightest);
    let level = match light {
        Light::To(part) => part * brightest,
        Light::By(part) => f64::from(backlight.now) + part * brightest,
    };
    level.round().clamp(1.0, brightest) as u32
}

async fn tell(bus: &str, name: &str, level: u32) -> Result<(), Trouble> {
    let connection = in_time(zbus::connection::Builder::address(bus).build()).await;
    let connection =
        connection.map_err(|error| Trouble::unavailable(format!("no system bus at {bus}: {error}")))?;
    let arguments = ("backlight", name, level);
    let call = connection.call_method(
        Some("org.freedesktop.login1"),
        "/org/freedesktop/login1/session/auto",
        Some("org.freedesktop.login1.Session"),
        "SetBrightness",
        &arguments,
    );
    in_time(call).await.map(drop).map_err(|error| {
        Trouble::new(
            PADGATE_FAILED,
            format!("the login service did not set the brightness of {name}: {error}"),
        )
    })
}

async fn in_time<T>(work: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
    tokio::time::timeout(ANSWER_WAIT, work)
        .await
        .unwrap_or_else(|_| Err(zbus::Error::Failure(format!("no answer in {} s", ANSWER_WAIT.as_secs()))))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::sync::mpsc::{Sender, channel};

    use padgate_plugin_abi::{PADGATE_FAILED, PADGATE_UNAVAILABLE};
    use zbus::interface;

    use super::{Backlight, Light, Screen, find, level, set};
    use crate::plugins::broker::tests_kit::DEADLINE;

    fn backlight(folder: &Path, name: &str, files: &[(&str, &str)]) {
        let folder = folder.join(name);
        std::fs::create_dir(&folder).unwrap();
        for (file, text) in files {
            std::fs::write(folder.join(file), format!("{text}\n")).unwrap();
        }
    }

    #[test]
    fn the_best_light_is_found_and_its_level_stays_in_its_range() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(find(folder.path()), None);
        assert_eq!(find(&folder.path().join("none")), None);
        let files = |kind| [("type", kind), ("max_brightness", "200"), ("brightness", "100")];
        backlight(folder.path(), "a_raw", &files("raw"));
        backlight(folder.path(), "broken", &[("type", "firmware"), ("max_brightness", "x")]);
        backlight(folder.path(), "z_firmware", &files("firmware"));
        let found = find(folder.path()).unwrap();
        assert_eq!(found, Backlight { name: "z_firmware".to_owned(), brightest: 200, now: 100 });
        for (light, expected) in [
            (Light::To(0.7), 140),
            (Light::To(0.0), 1),
            (Light::By(0.1), 120),
            (Light::By(-1.0), 1),
            (Light::By(1.0), 200),
        ] {
            assert_eq!(level(&found, light), expected, "{light:?}");
        }
    }

    struct Session(std::sync::Mutex<Sender<(String, String, u32)>>);

    #[interface(name = "org.freedesktop.login1.Session")]
    impl Session {
        fn set_brightness(&self, subsystem: &str, name: &str, level: u32) {
            let sender = self.0.lock().unwrap();
            sender.send((subsystem.to_owned(), name.to_owned(), level)).unwrap();
        }
    }

    #[test]
    fn the_login_service_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let screen = |bus: &str| Screen { system_bus: bus.to_owned(), backlights: folder.path().to_owned() };
        let trouble = set(&screen("unix:path=/padgate/none"), Light::To(1.0)).unwrap_err();
        assert_eq!(trouble.status, PADGATE_UNAVAILABLE, "no screen");
        let files = [("type", "raw"), ("max_brightness", "200"), ("brightness", "100")];
        backlight(folder.path(), "panel", &files);
        let trouble = set(&screen("unix:path=/padgate/none"), Light::To(1.0)).unwrap_err();
        assert_eq!(trouble.status, PADGATE_UNAVAILABLE, "no bus");
        assert!(trouble.why.contains("system bus"), "{}", trouble.why);
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut process) = command.spawn() else {
            eprintln!("SKIPPED: D-Bus is not installed (apt-get install dbus)");
            return;
        };
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim();
        let trouble = set(&screen(address), Light::To(0.5)).unwrap_err();
        assert_eq!(trouble.status, PADGATE_FAILED, "no login service");
        let (sender, told) = channel();
        let (ready, is_ready) = channel();
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let service = std::thread::spawn({
            let address = address.to_owned();
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let connection = zbus::connection::Builder::address(address.as_str())
                        .name("org.freedesktop.login1")
                        .serve_at("/org/freedesktop/login1/session/auto", Session(sender.into()))
                        .build()
                        .await;
                    ready.send(()).unwrap();
                    let _ = ended.await;
                    drop(connection.unwrap());
                });
            }
        });
        is_ready.recv_timeout(DEADLINE).unwrap();
        set(&screen(address), Light::By(0.25)).unwrap();
        let told = told.recv_timeout(DEADLINE).unwrap();
        assert_eq!(told, ("backlight".to_owned(), "panel".to_owned(), 150));
        end.send(()).unwrap();
        service.join().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }
}
