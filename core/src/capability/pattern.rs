//! Patterns on names as sets of names: whether one takes in another, and what two have in common.
//!
//! Patterns are those of [`crate::ruleset::PortPattern`]: `*` for any run of characters, `?` for one, without regard to
//! case.

use std::collections::HashMap;

/// The most patterns that [`common`] looks at before it gives up; two patterns then count as having nothing in common,
/// which makes a right narrower, never wider. Patterns that a person would write need a few hundred.
const WORK_MAX: usize = 5_000;
/// The most patterns that two can have in common, for the same reason.
const COMMON_MAX: usize = 128;

/// What a wide pattern takes in at one place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    /// This character.
    Char(char),
    /// Any one character.
    One,
    /// Any one character, in a run of wildcards that has a `*` as well, so that it may stand before or after.
    OneOfMany,
    /// Any run of characters.
    Many,
}

fn tokens(pattern: &[char]) -> Vec<Token> {
    let is_wild = |c: &char| matches!(c, '*' | '?');
    let mut tokens = Vec::with_capacity(pattern.len());
    let mut rest = pattern;
    while let [first, after @ ..] = rest {
        if !is_wild(first) {
            tokens.push(Token::Char(*first));
            rest = after;
            continue;
        }
        let end = rest.iter().position(|c| !is_wild(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        let many = run.contains(&'*');
        let one = if many { Token::OneOfMany } else { Token::One };
        tokens.extend(run.iter().filter(|c| **c == '?').map(|_| one));
        tokens.extend(many.then_some(Token::Many));
        rest = after;
    }
    tokens
}

fn lower(pattern: &str) -> Vec<char> {
    pattern.to_lowercase().chars().collect()
}

/// Whether every name that fits `narrow` fits `wide`.
pub(super) fn covers(wide: &str, narrow: &str) -> bool {
    let tokens = tokens(&lower(wide));
    // reached[n]: the first n tokens take in what was read of `narrow`, whatever its wildcards stand for.
    let close = |reached: &mut [bool]| {
        for (place, token) in tokens.iter().enumerate() {
            reached[place + 1] |= reached[place] && *token == Token::Many;
        }
    };
    let mut reached = vec![false; tokens.len() + 1];
    reached[0] = true;
    close(&mut reached);
    for symbol in lower(narrow) {
        let mut next = vec![false; tokens.len() + 1];
        for (place, token) in tokens.iter().enumerate().filter(|(place, _)| reached[*place]) {
            match (token, symbol) {
                (Token::Many, _) | (Token::OneOfMany, '*') => next[place] = true,
                (Token::One, '*') => {}
                (Token::One | Token::OneOfMany, _) => next[place + 1] = true,
                (Token::Char(wanted), found) => next[place + 1] |= *wanted == found,
            }
        }
        close(&mut next);
        reached = next;
    }
    reached[tokens.len()]
}

/// Patterns that together take in exactly the names that fit both.
pub(super) fn common(one: &str, other: &str) -> Vec<String> {
    if covers(other, one) {
        return vec![one.to_owned()];
    }
    if covers(one, other) {
        return vec![other.to_owned()];
    }
    let mut meeting = Meeting { known: HashMap::new(), work: 0 };
    let found = meeting.of(&lower(one), &lower(other));
    if meeting.work > WORK_MAX || found.len() > COMMON_MAX {
        return Vec::new();
    }
    without_covered(found, |wide, narrow| covers(wide, narrow))
}

/// What is known of what the ends of two patterns have in common.
struct Meeting {
    /// By the lengths of the two ends.
    known: HashMap<(usize, usize), Vec<String>>,
    /// How many patterns were looked at.
    work: usize,
}

impl Meeting {
    fn of(&mut self, one: &[char], other: &[char]) -> Vec<String> {
        let key = (one.len(), other.len());
        if let Some(found) = self.known.get(&key) {
            return found.clone();
        }
        if self.work > WORK_MAX {
            return Vec::new();
        }
        let mut found = self.step(one, other);
        found.sort_unstable();
        found.dedup();
        self.work += found.len() + 1;
        self.known.insert(key, found.clone());
        found
    }

    fn step(&mut self, one: &[char], other: &[char]) -> Vec<String> {
        match (one, other) {
            ([], rest) | (rest, []) if rest.iter().all(|c| *c == '*') => vec![String::new()],
            ([], _) | (_, []) => Vec::new(),
            // The run of one of them ends first.
            (['*', one_rest @ ..], ['*', other_rest @ ..]) => {
                let mut rest = self.of(one_rest, other);
                rest.extend(self.of(one, other_rest));
                after('*', &rest)
            }
            (['*', rest @ ..], [first, other_rest @ ..]) => {
                let mut all = self.of(rest, other);
                all.extend(after(*first, &self.of(one, other_rest)));
                all
            }
            ([first, one_rest @ ..], ['*', rest @ ..]) => {
                let mut all = self.of(one, rest);
                all.extend(after(*first, &self.of(one_rest, other)));
                all
            }
            (['?', one_rest @ ..], [first, other_rest @ ..])
            | ([first, one_rest @ ..], ['?', other_rest @ ..]) => {
                after(*first, &self.of(one_rest, other_rest))
            }
            ([first, one_rest @ ..], [second, other_rest @ ..]) if first == second => {
                after(*first, &self.of(one_rest, other_rest))
            }
            _ => Vec::new(),
        }
    }
}

/// Each with `first` before it; two `*` in a row are one.
fn after(first: char, rest: &[String]) -> Vec<String> {
    let joined = |rest: &String| match (first, rest.starts_with('*')) {
        ('*', true) => rest.clone(),
        _ => format!("{first}{rest}"),
    };
    rest.iter().map(joined).collect()
}

/// Leaves out what another entry takes in anyway; of equals, the first stays.
pub(super) fn without_covered<T>(entries: Vec<T>, covers: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let mut kept: Vec<T> = Vec::with_capacity(entries.len());
    for entry in entries {
        if !kept.iter().any(|other| covers(other, &entry)) {
            kept.retain(|other| !covers(&entry, other));
            kept.push(entry);
        }
    }
    kept
}
