//! Standard MIDI Files for tests, written byte by byte so that a test can also write a broken one.

/// Ticks per quarter note; with the default tempo of 120 a quarter is half a second.
pub const TICKS_PER_QUARTER: u16 = 480;

/// A file with one track. Each event is the ticks since the one before it, and its bytes.
#[must_use]
pub fn file(events: &[(u32, &[u8])]) -> Vec<u8> {
    let mut track = Vec::new();
    for (ticks, bytes) in events {
        variable_length(&mut track, *ticks);
        track.extend_from_slice(bytes);
    }
    track.extend_from_slice(&[0, 0xFF, 0x2F, 0]);
    let mut file = b"MThd\0\0\0\x06\0\0\0\x01".to_vec();
    file.extend_from_slice(&TICKS_PER_QUARTER.to_be_bytes());
    file.extend_from_slice(b"MTrk");
    let length = u32::try_from(track.len()).expect("a test's track is shorter than 4 GiB");
    file.extend_from_slice(&length.to_be_bytes());
    file.extend_from_slice(&track);
    file
}

fn variable_length(track: &mut Vec<u8>, ticks: u32) {
    for shift in [21, 14, 7] {
        if ticks >> shift != 0 {
            track.push(0x80 | ((ticks >> shift) & 0x7F) as u8);
        }
    }
    track.push((ticks & 0x7F) as u8);
}

#[cfg(test)]
mod tests {
    use super::file;

    #[test]
    fn a_file_is_as_the_specification_says() {
        let file = file(&[(0, &[0x90, 60, 100]), (480, &[0x80, 60, 64])]);
        assert_eq!(file[..14], *b"MThd\0\0\0\x06\0\0\0\x01\x01\xE0");
        assert_eq!(file[14..22], *b"MTrk\0\0\0\x0D");
        assert_eq!(file[22..], [0, 0x90, 60, 100, 0x83, 0x60, 0x80, 60, 64, 0, 0xFF, 0x2F, 0]);
    }
}
