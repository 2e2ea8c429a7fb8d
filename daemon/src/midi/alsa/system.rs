//! What the sequencer itself does not say: whether this machine has one, and which USB device a card is.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use rustix::fs::inotify;

use crate::midi::port::UsbIdentity;

const SEQUENCER: &str = "/dev/snd/seq";

/// Whether the sequencer can be opened. Asked before the library is, because the library prints to standard error
/// and returns less.
///
/// # Errors
///
/// Why not, and what to do about it.
pub(super) fn probe() -> Result<(), String> {
    let error = match OpenOptions::new().read(true).write(true).open(SEQUENCER) {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    Err(match error.kind() {
        ErrorKind::NotFound => format!(
            "there is no ALSA sequencer ({SEQUENCER} does not exist): load it with `sudo modprobe snd-seq`; \
             containers and some virtual machines have none"
        ),
        ErrorKind::PermissionDenied => format!(
            "no permission for the ALSA sequencer ({SEQUENCER}): add yourself to its group with \
             `sudo usermod -aG audio $USER` and log in again"
        ),
        _ if matches!(error.raw_os_error(), Some(code) if code == rustix::io::Errno::NODEV.raw_os_error() || code == rustix::io::Errno::NXIO.raw_os_error()) =>
        {
            format!("the kernel has no ALSA sequencer ({error}): load it with `sudo modprobe snd-seq`")
        }
        _ => format!("the ALSA sequencer ({SEQUENCER}) can't be opened: {error}"),
    })
}

/// Watches the folder of the sequencer's device file, so that nothing has to be polled while there is none.
pub(super) struct DeviceFiles(OwnedFd);

impl DeviceFiles {
    /// Starts watching; `None` if the system does not let us. Then only a reload of the configuration looks again.
    pub(super) fn watch() -> Option<DeviceFiles> {
        let notify = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC).ok()?;
        // Not what is opened or written there, which happens all the time.
        let events =
            inotify::WatchFlags::CREATE | inotify::WatchFlags::ATTRIB | inotify::WatchFlags::MOVED_TO;
        let folder = inotify::add_watch(&notify, "/dev/snd", events);
        // Also where there is such a folder: it can go and come with the first sound card.
        let devices = inotify::add_watch(&notify, "/dev", events | inotify::WatchFlags::ONLYDIR);
        (folder.is_ok() || devices.is_ok()).then_some(DeviceFiles(notify))
    }

    /// Whether anything happened since the last call.
    pub(super) fn changed(&self) -> bool {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.0, &mut buffer);
        let mut changed = false;
        while reader.next().is_ok() {
            changed = true;
        }
        changed
    }
}

impl AsRawFd for DeviceFiles {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// The USB device that a sound card is, if it is one.
pub(super) fn usb_identity(card: i32) -> Option<UsbIdentity> {
    identity_below(Path::new("/sys/class/sound"), card)
}

/// The card's `device` leads to a USB interface (`…/1-1.4/1-1.4:1.0`); the folder above it is the USB device.
fn identity_below(sound: &Path, card: i32) -> Option<UsbIdentity> {
    let interface: PathBuf = sound.join(format!("card{card}/device")).canonicalize().ok()?;
    let device = interface.ancestors().find(|folder| folder.join("idVendor").is_file())?;
    let path = device.file_name()?.to_str()?.to_owned();
    let serial = std::fs::read_to_string(device.join("serial")).ok();
    let serial = serial.map(|serial| serial.trim().to_owned()).filter(|serial| !serial.is_empty());
    Some(UsbIdentity { serial, path })
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir_all, write};

    use super::{UsbIdentity, identity_below};

    #[test]
    fn the_serial_and_the_socket_are_those_of_the_usb_device_above_the_interface() {
        let root = tempfile::tempdir().unwrap();
        let device = root.path().join("devices/usb1/1-1/1-1.4");
        create_dir_all(device.join("1-1.4:1.0")).unwrap();
        write(root.path().join("devices/usb1/1-1/idVendor"), "the hub").unwrap();
        write(device.join("idVendor"), "1235\n").unwrap();
        write(device.join("serial"), "LX2\n").unwrap();
        let sound = root.path().join("sound");
        create_dir_all(sound.join("card2")).unwrap();
        std::os::unix::fs::symlink(device.join("1-1.4:1.0"), sound.join("card2/device")).unwrap();
        let expected = UsbIdentity { serial: Some("LX2".into()), path: "1-1.4".into() };
        assert_eq!(identity_below(&sound, 2), Some(expected));
        std::fs::remove_file(device.join("serial")).unwrap();
        assert_eq!(identity_below(&sound, 2).unwrap().serial, None);
        assert_eq!(identity_below(&sound, 3), None);
    }
}
