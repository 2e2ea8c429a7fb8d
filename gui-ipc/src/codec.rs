//! Lines, with a bound that holds while they are read.

/// The longest line, in bytes without its end. What is longer is refused, and the connection closed.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// A line that is too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a line is longer than {LINE_BYTES_MAX} bytes")]
pub struct LineTooLong;

/// Cuts a stream of bytes into lines. Holds at most [`LINE_BYTES_MAX`] bytes and the last piece it was fed.
#[derive(Debug, Default)]
pub struct LineBuffer {
    bytes: Vec<u8>,
    /// Where the line that comes next begins.
    start: usize,
    /// Up to where there is known to be no line's end.
    scanned: usize,
}

impl LineBuffer {
    /// Takes the next piece of the stream. Take all lines out before the next piece, or it grows.
    pub fn feed(&mut self, piece: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
        }
        self.bytes.extend_from_slice(piece);
    }

    /// The next whole line, without its end (`\n`, or `\r\n`); empty lines are passed over. `None`: more must be
    /// fed first.
    ///
    /// # Errors
    ///
    /// If the line is too long, whether it has ended or not. Nothing useful comes after that.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
        loop {
            let end = self.bytes[self.scanned..].iter().position(|byte| *byte == b'\n');
            let Some(end) = end.map(|offset| self.scanned + offset) else {
                self.scanned = self.bytes.len();
                let rest = self.bytes.len() - self.start;
                return if rest > LINE_BYTES_MAX { Err(LineTooLong) } else { Ok(None) };
            };
            let begin = self.start;
            if end - begin > LINE_BYTES_MAX {
                return Err(LineTooLong);
            }
            self.start = end + 1;
            self.scanned = end + 1;
            let stop = if end > begin && self.bytes[end - 1] == b'\r' { end - 1 } else { end };
            if !self.bytes[begin..stop].iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(&self.bytes[begin..stop]));
            }
        }
    }

    /// Whether a line has begun that has not ended: at the stream's end, that one is cut off.
    #[must_use]
    pub fn is_mid_line(&self) -> bool {
        self.bytes.len() > self.start
    }
}

#[cfg(test)]
mod tests {
    use super::{LINE_BYTES_MAX, LineBuffer, LineTooLong};
    use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

    fn lines(pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, LineTooLong> {
        let mut buffer = LineBuffer::default();
        let mut all = Vec::new();
        for piece in pieces {
            buffer.feed(piece);
            while let Some(line) = buffer.next_line()? {
                all.push(line.to_vec());
            }
        }
        Ok(all)
    }

    #[test]
    fn lines_may_come_in_any_pieces() {
        assert_eq!(
            lines(&[b"a\nb", b"c\r\n\n  \n\0d", b"\ne"]).unwrap(),
            [b"a".to_vec(), b"bc".into(), b"\0d".into()]
        );
    }

    #[test]
    fn the_bound_holds_to_the_byte_and_while_reading() {
        let fits = [vec![b'x'; LINE_BYTES_MAX], vec![b'\n']].concat();
        assert_eq!(lines(&[&fits]).unwrap().len(), 1);
        let over = [vec![b'x'; LINE_BYTES_MAX + 1], vec![b'\n']].concat();
        assert_eq!(lines(&[&over]), Err(LineTooLong));
        let mut buffer = LineBuffer::default();
        let mut refused = false;
        for _ in 0..(100 << 20) / 16_384 {
            buffer.feed(&[b'x'; 16_384]);
            if buffer.next_line().is_err() {
                refused = true;
                break;
            }
        }
        assert!(refused, "100 MB in one line are refused");
        assert!(buffer.bytes.len() <= LINE_BYTES_MAX + 16_384, "{} bytes were kept", buffer.bytes.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn cutting_does_not_matter(bytes in proptest::collection::vec(any::<u8>(), 0..300), cuts in proptest::collection::vec(0usize..300, 0..8)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let cut = lines(&pieces).unwrap();
            prop_assert_eq!(&cut, &lines(&[&bytes]).unwrap());
            prop_assert!(cut.iter().all(|line| !line.contains(&b'\n')));
        }
    }
}
