//! Signatures of plugins.

/// Who vouches for a binary.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Signature {
    /// Nobody: there is no signature.
    None,
    /// Somebody whom the user trusts.
    Good {
        /// The key's number, as in `minisign`'s own files: 16 hexadecimal digits.
        key: String,
        /// The trusted comment.
        comment: String,
    },
    /// The signature is not one of this binary; this says why.
    Bad(String),
    /// Somebody whom the user does not trust: the key's number.
    Untrusted(String),
}
