//! Mistakes as text for a terminal, in rustc's manner, with the lines of the file.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use padgate_core::config::Source;
use padgate_core::config::diagnostics::{Diagnostic, Place, Severity};

/// Whether text gets colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Colour {
    /// Plain text, for files and pipes.
    Never,
    /// With escape sequences, for terminals.
    Always,
}

/// A line longer than this, in bytes, is shown without the line: nobody would find the place in it.
const LINE_BYTES_MAX: usize = 1000;

/// All diagnostics, one after the other, with an empty line between them. Empty if there are none.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &[Source], colour: Colour) -> String {
    let renderer = match colour {
        Colour::Never => Renderer::plain(),
        Colour::Always => Renderer::styled(),
    };
    let mut text = String::new();
    for diagnostic in diagnostics {
        if !text.is_empty() {
            text.push('\n');
        }
        let level = match diagnostic.severity() {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.id());
        let mut group = Group::with_title(title).elements(elements(diagnostic, sources));
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        text.push_str(&renderer.render(&[group]));
        text.push('\n');
    }
    text
}

/// The lines of the files with what is wrong in them marked.
fn elements<'a>(diagnostic: &'a Diagnostic, sources: &'a [Source]) -> Vec<Element<'a>> {
    let place = &diagnostic.place;
    let Some(shown) = Shown::find(place, sources) else {
        let origin = Origin::path(&*place.file);
        let origin = match place.line {
            0 => origin,
            line => origin.line(line as usize).char_column(place.column as usize),
        };
        return vec![origin.into()];
    };
    let second = diagnostic.second.as_ref().and_then(|(place, label)| {
        let shown = Shown::find(place, sources)?;
        Some((place, shown, label.as_str()))
    });
    let mut main = shown.snippet().annotation(AnnotationKind::Primary.span(shown.span.clone()));
    let Some((second_place, second, label)) = second else { return vec![main.into()] };
    if second_place.file == place.file {
        // Both in one excerpt, which must hold both.
        let whole = Shown::both(place, second_place, sources);
        if let Some((excerpt, here, there)) = whole {
            main = excerpt
                .snippet()
                .annotation(AnnotationKind::Primary.span(here))
                .annotation(AnnotationKind::Context.span(there).label(label));
            return vec![main.into()];
        }
    }
    let other = second.snippet().annotation(AnnotationKind::Context.span(second.span.clone()).label(label));
    vec![main.into(), other.into()]
}

/// Some lines of a file, and the place within them.
struct Shown<'a> {
    name: &'a str,
    text: &'a str,
    first_line: usize,
    span: Range<usize>,
}

impl<'a> Shown<'a> {
    /// The line of the place; `None` if the whole file is meant, or the line is too long.
    fn find(place: &Place, sources: &'a [Source]) -> Option<Shown<'a>> {
        let source = sources.iter().find(|source| source.name == *place.file)?;
        if place.line == 0 {
            return None;
        }
        let (start, end) = line_around(&source.text, &place.span)?;
        let span = clipped(&source.text, &place.span, start, end);
        Some(Shown {
            name: &source.name,
            text: &source.text[start..end],
            first_line: place.line as usize,
            span,
        })
    }

    /// The lines from one place to another in the same file, and both places within them.
    fn both(
        one: &Place,
        other: &Place,
        sources: &'a [Source],
    ) -> Option<(Shown<'a>, Range<usize>, Range<usize>)> {
        let source = sources.iter().find(|source| source.name == *one.file)?;
        let (one_start, one_end) = line_around(&source.text, &one.span)?;
        let (other_start, other_end) = line_around(&source.text, &other.span)?;
        let (start, end) = (one_start.min(other_start), one_end.max(other_end));
        let here = clipped(&source.text, &one.span, one_start, one_end);
        let there = clipped(&source.text, &other.span, other_start, other_end);
        let moved = |span: Range<usize>, from: usize| span.start + from - start..span.end + from - start;
        let (here, there) = (moved(here, one_start), moved(there, other_start));
        let first_line = one.line.min(other.line) as usize;
        Some((
            Shown { name: &source.name, text: &source.text[start..end], first_line, span: here.clone() },
            here,
            there,
        ))
    }

    fn snippet(&self) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        Snippet::source(self.text).path(self.name).line_start(self.first_line)
    }
}

/// The bytes of the line in which a span begins. What is not within the text gives `None`.
fn line_around(text: &str, span: &Range<usize>) -> Option<(usize, usize)> {
    let before = text.get(..span.start)?;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = text[span.start..].find('\n').map_or(text.len(), |at| span.start + at);
    let end = if text[start..end].ends_with('\r') { end - 1 } else { end };
    (end.saturating_sub(start) <= LINE_BYTES_MAX && end >= start).then_some((start, end))
}

/// The part of a span that lies in its first line, relative to that line's start, in whole characters.
fn clipped(text: &str, span: &Range<usize>, start: usize, end: usize) -> Range<usize> {
    let whole =
        |at: usize| (0..=at.clamp(start, end)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (from, to) = (whole(span.start), whole(span.end));
    from - start..to.max(from) - start
}

#[cfg(test)]
mod tests {
    use padgate_core::config::Source;

    use super::{Colour, render};
    use crate::config::store::load_text;

    fn plain(text: &str) -> String {
        load_text("config.toml", text).rendered(Colour::Never)
    }

    #[test]
    fn a_mistake_is_shown_with_its_line() {
        let shown = plain("[[map]]\non = { note = \"C1\", hodl = true }\ndo = { key = \"a\" }\n");
        let expected = "\
error[E003]: a trigger has no key `hodl`
 --> config.toml:2:21
  |
2 | on = { note = \"C1\", hodl = true }
  |                     ^^^^
  |
  = help: did you mean `hold`?
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn both_places_are_shown() {
        let shown = plain("[[map]]\non = { chord = [\"E1\", 28] }\ndo = { key = \"a\" }\n");
        assert!(shown.contains("^^"), "{shown}");
        assert!(shown.contains("----") && shown.contains("it is here as well"), "{shown}");
    }

    #[test]
    fn colours_only_where_wanted() {
        let outcome = load_text("config.toml", "oops = 1\n");
        assert!(!outcome.rendered(Colour::Never).contains('\x1b'));
        assert!(outcome.rendered(Colour::Always).contains('\x1b'));
        assert_eq!(render(&[], &[], Colour::Never), "");
    }

    #[test]
    fn odd_places_are_shown_somehow() {
        for text in [
            "\u{feff}oops = 1\r\n",
            "x = ",
            "x = \"\"\"\nä\n",
            &format!("x = \"{}\"\n", "ä".repeat(5000)),
            "a\0b",
        ] {
            let outcome = load_text("config.toml", text);
            let shown = outcome.rendered(Colour::Never);
            assert!(shown.contains("config.toml:"), "{shown}");
            // A file that has changed meanwhile gives other lines, never a panic.
            let other = [Source::new("config.toml", "é")];
            assert!(!render(&outcome.diagnostics, &other, Colour::Never).is_empty());
        }
    }
}
