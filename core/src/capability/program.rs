//! Entries for programs: a name, a path, or a path whose last part has `*` for any run of characters, which stands for
//! programs of one folder.
//!
//! As everywhere in scopes, patterns have no regard to case, and paths below the home folder and absolute ones are taken
//! as different places.

use super::pattern;

/// The folder and the name of a path; `None` for a program that is looked up in `PATH`.
fn parts(program: &str) -> Option<(&str, &str)> {
    program.rsplit_once('/')
}

/// The folder and the pattern of an entry that has one.
fn folder_and_pattern(entry: &str) -> Option<(&str, &str)> {
    parts(entry).filter(|(_, name)| name.contains('*'))
}

/// Whether every program that `narrow` stands for is one that `wide` stands for.
pub(super) fn covers(wide: &str, narrow: &str) -> bool {
    let by_pattern = || {
        let ((folder, pattern), (inner, name)) = (folder_and_pattern(wide)?, parts(narrow)?);
        Some(folder == inner && pattern::covers(pattern, name))
    };
    wide == narrow || by_pattern() == Some(true)
}

/// Entries that together stand for exactly the programs that both stand for.
pub(super) fn common(one: &str, other: &str) -> Vec<String> {
    if covers(other, one) {
        return vec![one.to_owned()];
    }
    if covers(one, other) {
        return vec![other.to_owned()];
    }
    match (folder_and_pattern(one), folder_and_pattern(other)) {
        (Some((folder, pattern)), Some((inner, narrow))) if folder == inner => {
            pattern::common(pattern, narrow).into_iter().map(|name| format!("{folder}/{name}")).collect()
        }
        _ => Vec::new(),
    }
}

/// What an entry means, in words.
pub(super) fn words(entry: &str) -> String {
    match folder_and_pattern(entry) {
        Some((folder, "*")) => format!("run every program in {folder}, also those that come there later"),
        Some((folder, pattern)) => {
            format!(
                "run every program in {folder} whose name fits {pattern}, also those that come there later"
            )
        }
        None => format!("run the program {entry}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{common, covers, words};
    use crate::capability::entry::program;

    #[test]
    fn a_pattern_stands_for_programs_of_one_folder() {
        for (wide, narrow, covered) in [
            ("~/s/*", "~/s/a.sh", true),
            ("~/s/*", "~/s/*.sh", true),
            ("~/s/*.sh", "~/s/*", false),
            ("~/s/*", "~/s/a/b", false),
            ("~/s/*", "/s/a", false),
            ("~/s/*", "a", false),
            ("~/s/a.sh", "~/s/a.sh", true),
            ("sh", "sh", true),
            ("/bin/sh", "sh", false),
        ] {
            assert_eq!(covers(wide, narrow), covered, "{wide} {narrow}");
        }
        assert_eq!(common("~/s/a*", "~/s/*b"), ["~/s/a*b"]);
        assert_eq!(common("~/s/*", "~/s/a"), ["~/s/a"]);
        assert_eq!(common("~/s/*", "~/t/*"), [""; 0]);
    }

    #[test]
    fn what_can_stand_for_programs() {
        for good in ["obs-cli", "/usr/bin/obs", "~/.config/padgate/scripts/*", "/opt/x/bin/*.sh"] {
            assert_eq!(program(good).as_deref(), Ok(good));
        }
        for (wrong, said) in [
            ("~/s/", "it is a folder"),
            ("/", "it is a folder"),
            ("~", "neither a name nor"),
            ("~/*/a", "only in the last part"),
            ("~/s/../*", "lead anywhere"),
            ("~/s/?*", "a ? can't stand"),
            ("~/s/*a*a*a*a*", "more than 4 stars"),
            ("s/*", "neither a name nor"),
            ("*", "no name of a program"),
        ] {
            let error = program(wrong).unwrap_err();
            assert!(error.contains(said), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_pattern_is_named_in_words() {
        assert_eq!(words("sh"), "run the program sh");
        assert_eq!(words("~/s/*"), "run every program in ~/s, also those that come there later");
        assert!(words("~/s/*.sh").contains("whose name fits *.sh"));
    }
}
