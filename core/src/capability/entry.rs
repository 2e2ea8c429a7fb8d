//! Entries of scopes that are plain text: which texts can stand there, and their one usual form.

/// The longest path, in bytes: that of Linux.
const PATH_BYTES_MAX: usize = 4096;
/// The longest pattern on the name of a device, in characters.
const NAME_CHARS_MAX: usize = 64;
/// The most `*` in it: what two such patterns have in common can still be said in few.
const STARS_MAX: usize = 4;

/// Whether the character could deceive somebody who reads the text on a screen: control characters, and those that
/// turn the direction of writing or have no width.
pub(crate) fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn plain(text: &str) -> Result<&str, String> {
    match text.chars().find(|c| is_deceptive(*c)) {
        Some(bad) => Err(format!("the character {bad:?} can't stand in it")),
        None if text.is_empty() => Err("it is empty".to_owned()),
        None => Ok(text),
    }
}

/// A folder or file: absolute, or below the home folder with `~/`; without `..`. In its usual form: no `.`, no double
/// slash, none at the end.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn path(text: &str) -> Result<String, String> {
    let text = plain(text)?;
    if text.len() > PATH_BYTES_MAX {
        return Err(format!("it is longer than {PATH_BYTES_MAX} bytes"));
    }
    let (base, rest) = match (text.strip_prefix('~'), text.strip_prefix('/')) {
        (Some(rest), _) if rest.is_empty() || rest.starts_with('/') => ("~", rest),
        (Some(_), _) => return Err("the home of another user can't be meant by ~".to_owned()),
        (None, Some(rest)) => ("", rest),
        (None, None) => return Err("it is neither absolute nor begins with ~/".to_owned()),
    };
    let mut path = base.to_owned();
    for part in rest.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            return Err("it has a part \"..\", which could lead anywhere".to_owned());
        }
        path.push('/');
        path.push_str(part);
    }
    Ok(if path.is_empty() { "/".to_owned() } else { path })
}

/// A program: an absolute path or one below the home folder, whose last part may have `*` for any run of characters; or a
/// name that is looked up in `PATH`.
///
/// # Errors
///
/// What is wrong with it, in words.
pub(crate) fn program(text: &str) -> Result<String, String> {
    let text = plain(text)?;
    if text.starts_with('/') || text.starts_with("~/") {
        let program = path(text)?;
        let (folder, name) = program.rsplit_once('/').unwrap_or(("", ""));
        if name.is_empty() || text.ends_with('/') {
            return Err(
                "it is a folder, and no program; all programs in a folder are written as ~/scripts/*"
                    .to_owned(),
            );
        }
        if folder.contains('*') {
            return Err("a * can stand only in the last part, for programs of one folder".to_owned());
        }
        if name.contains('*') && name.contains('?') {
            return Err("a ? can't stand beside a *".to_owned());
        }
        if name.matches('*').count() > STARS_MAX {
            return Err(format!("it has more than {STARS_MAX} stars"));
        }
        return Ok(program);
    }
    if text.contains(['/', '\\']) || text.starts_with('~') {
        return Err("it is neither a name nor an absolute path".to_owned());
    }
    if text.contains(char::is_whitespace) {
        return Err("arguments don't belong here, only the program".to_owned());
    }
    if text.starts_with(['-', '.']) || text.contains(['*', '?']) {
        return Err("it is no name of a program".to_owned());
    }
    Ok(text.to_owned())
}

/// A pattern on the name of a device.
///
/// # Errors
///
/// What is wrong with it, in words.
pub(crate) fn device(text: &str) -> Result<String, String> {
    let text = plain(text)?;
    if text.chars().count() > NAME_CHARS_MAX {
        return Err(format!("it is longer than {NAME_CHARS_MAX} characters"));
    }
    if text.matches('*').count() > STARS_MAX {
        return Err(format!("it has more than {STARS_MAX} stars"));
    }
    Ok(text.to_owned())
}

/// Whether `narrow` is `wide` or below it, by whole parts of the path. Both in their usual form; a path below the home
/// folder and an absolute one are taken as different places, except that everything is below the root.
pub(super) fn path_covers(wide: &str, narrow: &str) -> bool {
    wide == "/" || narrow.strip_prefix(wide).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
