//! How the parts of a payload are written and read: little-endian numbers, and bytes with their length before them.
//!
//! The reader believes nothing: every length is checked against what is there, and what is left over at the end is an
//! error.

/// What is wrong with a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WireError {
    /// It ends too early.
    #[error("the payload ends too early")]
    Short,
    /// Something is left over.
    #[error("the payload has {0} bytes too many")]
    Long(usize),
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    NotText,
    /// A number stands for nothing.
    #[error("a {0} has the unknown value {1}")]
    Unknown(&'static str, u32),
    /// It does not fit into a frame.
    #[error("{0} bytes are more than the {1} that fit into a frame")]
    TooLarge(usize, usize),
}

/// Writes a payload.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Begins a payload.
    #[must_use]
    pub fn new() -> Writer {
        Writer::default()
    }

    /// A byte.
    pub fn u8(&mut self, value: u8) -> &mut Writer {
        self.bytes.push(value);
        self
    }

    /// 16 bits.
    pub fn u16(&mut self, value: u16) -> &mut Writer {
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// 32 bits.
    pub fn u32(&mut self, value: u32) -> &mut Writer {
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// 64 bits.
    pub fn u64(&mut self, value: u64) -> &mut Writer {
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// A floating-point number.
    pub fn f64(&mut self, value: f64) -> &mut Writer {
        self.u64(value.to_bits())
    }

    /// Bytes with their length.
    ///
    /// # Panics
    ///
    /// From 4 GiB on.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Writer {
        self.u32(u32::try_from(value.len()).expect("a payload is far below 4 GiB"));
        self.bytes.extend_from_slice(value);
        self
    }

    /// A text with its length.
    pub fn text(&mut self, value: &str) -> &mut Writer {
        self.bytes(value.as_bytes())
    }

    /// The payload.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads a payload.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Begins to read.
    #[must_use]
    pub fn new(payload: &'a [u8]) -> Reader<'a> {
        Reader { rest: payload }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(WireError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Exactly so many bytes.
    ///
    /// # Errors
    ///
    /// If the payload ends before.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        Ok(self.take(N)?.try_into().expect("exactly N bytes were taken"))
    }

    /// A byte.
    ///
    /// # Errors
    ///
    /// If the payload ends before.
    pub fn u8(&mut self) -> Result<u8, WireError> {
        Ok(self.array::<1>()?[0])
    }

    /// 16 bits.
    ///
    /// # Errors
    ///
    /// If the payload ends before.
    pub fn u16(&mut self) -> Result<u16, WireError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// 32 bits.
    ///
    /// # Errors
    ///
    /// If the payload ends before.
    pub fn u32(&mut self) -> Result<u32, WireError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// 64 bits.
    ///
    /// # Errors
    ///
    /// If the payload ends before.
    pub fn u64(&mut self) -> Result<u64, WireError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A floating-point number, which may be any, NaN included.
    ///
    /// # Errors
    ///
    /// If the payload ends before.
    pub fn f64(&mut self) -> Result<f64, WireError> {
        Ok(f64::from_bits(self.u64()?))
    }

    /// Bytes.
    ///
    /// # Errors
    ///
    /// If the payload ends before.
    pub fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.u32()? as usize;
        self.take(length)
    }

    /// A text.
    ///
    /// # Errors
    ///
    /// If the payload ends before, or it is not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, WireError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| WireError::NotText)
    }

    /// Ends reading.
    ///
    /// # Errors
    ///
    /// If anything is left over.
    pub fn finish(self) -> Result<(), WireError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(WireError::Long(left)),
        }
    }
}
