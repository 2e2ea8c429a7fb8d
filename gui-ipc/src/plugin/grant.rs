//! Grants: what a plugin would be allowed to do in plain words, the user's yes to exactly that, and taking it back.
//!
//! Two calls make a grant: `plugin.grant` with `dry_run` answers what would be granted, and the same call with the
//! answer's `confirm` grants it. Whatever changed in between (the binary, the manifest, what was granted before) makes
//! the second call fail with [`crate::ErrorCode::Changed`], so that nobody agrees to what they did not see.

use serde::{Deserialize, Serialize};

use super::{PluginSummary, Risk, SignatureView};

/// What to grant.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GrantParams {
    /// The plugin's name.
    pub plugin: String,
    /// Only these capabilities, each with its whole requested scope (`midi`), or cut down (`network=localhost:4455`).
    /// `None`: all that is requested.
    pub rights: Option<Vec<String>>,
    /// What the grant holds for.
    pub tie: Tie,
    /// Whether only to say what would be granted.
    pub dry_run: bool,
    /// [`GrantView::confirm`] of what the user saw. Required unless it is a dry run.
    pub confirm: Option<String>,
}

/// What a grant holds for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tie {
    /// This very file: another one is asked about again.
    #[default]
    Sha256,
    /// All files that are signed with the same trusted key, as long as they request no more.
    Key,
    /// Not known to this version.
    #[serde(other)]
    Unknown,
}

/// What would be granted, or was.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GrantView {
    /// The plugin's name.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// What it does, in its own words.
    pub description: String,
    /// Who wrote it, in its own words; nobody has checked that.
    pub author: String,
    /// Its signature.
    pub signature: SignatureView,
    /// The hash of its binary, in hexadecimal.
    pub sha256: String,
    /// What the grant holds for.
    pub tie: Tie,
    /// The highest risk of what is granted; `None` if nothing is.
    pub risk: Option<Risk>,
    /// What is granted now, from the least risky on. Empty: nothing that it does not have already.
    pub grants: Vec<GrantPart>,
    /// What it has already, in words: `midi = send *`.
    pub has: Vec<String>,
    /// What can't be granted, and why.
    pub refused: Vec<RefusedPart>,
    /// What the user should know before agreeing, a sentence each: no signature, what stays not granted and what
    /// follows from that, what is not enforced on this machine.
    pub warnings: Vec<String>,
    /// Stands for all of the above; goes into [`GrantParams::confirm`].
    pub confirm: String,
    /// Whether it was granted.
    pub done: bool,
    /// The plugin as it is afterwards, if it was granted.
    pub after: Option<PluginSummary>,
}

/// One capability that is granted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GrantPart {
    /// Its name.
    pub capability: String,
    /// How risky it is with this scope.
    pub risk: Risk,
    /// The scope that is granted.
    pub scope: String,
    /// What that means, in plain words: `It may connect to localhost on port 4455.`
    pub meaning: String,
    /// Whether the plugin does it itself, inside its sandbox, instead of asking the daemon.
    pub direct: bool,
    /// The scope that was requested, if less is granted.
    pub of: Option<String>,
}

/// Something that can't be granted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RefusedPart {
    /// Its capability.
    pub capability: String,
    /// The scope, or the part of it, that is refused.
    pub scope: String,
    /// Why, a sentence.
    pub reason: String,
}

/// What to take back.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RevokeParams {
    /// The plugin's name.
    pub plugin: String,
    /// These capabilities, by name; empty: all that it has.
    pub capabilities: Vec<String>,
}

/// What was taken back.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RevokeResult {
    /// The plugin as it is now.
    pub plugin: PluginSummary,
    /// The capabilities that it had and has no more.
    pub revoked: Vec<String>,
    /// Whether its host had to be started again, because it had a right of its own.
    pub restarted: bool,
    /// What else there is to know, a sentence each.
    pub notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::{GrantParams, GrantView, Tie};
    use crate::plugin::Risk;

    #[test]
    fn a_grant_is_of_this_file_unless_something_else_is_said() {
        let params: GrantParams = serde_json::from_str(r#"{"plugin":"obs"}"#).unwrap();
        assert_eq!(
            (params.tie, params.dry_run, params.rights, params.confirm),
            (Tie::Sha256, false, None, None)
        );
        let params: GrantParams = serde_json::from_str(r#"{"plugin":"obs","tie":"blood"}"#).unwrap();
        assert_eq!(params.tie, Tie::Unknown, "and not taken for another");
        assert_eq!(serde_json::to_value(Tie::Sha256).unwrap(), "sha256");
    }

    #[test]
    fn a_part_without_a_risk_is_of_unknown_risk() {
        let view: GrantView = serde_json::from_str(r#"{"grants":[{"capability":"midi"}]}"#).unwrap();
        assert_eq!(view.grants[0].risk, Risk::Unknown);
        assert!(!view.done);
    }
}
