//! The book holds together: every link leads somewhere, and every page and decision can be found from the contents.
//! That its configurations can be read is tested where they are read (`daemon/tests/samples.rs`).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace").to_path_buf()
}

/// All Markdown files of the project, by their paths from the top.
fn pages() -> Vec<(PathBuf, String)> {
    let root = root();
    let mut folders = vec![root.join("docs")];
    let mut paths: Vec<PathBuf> = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("docs/ can be listed") {
            let path = entry.expect("its entries can be read").path();
            if path.is_dir() && path != root.join("docs/book") {
                paths.push(path.clone());
                folders.push(path);
            }
        }
    }
    paths.push(root.join("docs"));
    let mut pages = Vec::new();
    for folder in paths {
        for entry in fs::read_dir(&folder).expect("a folder can be listed") {
            let path = entry.expect("its entries can be read").path();
            if path.extension().is_some_and(|ending| ending == "md") {
                let text = fs::read_to_string(&path).expect("a page is text");
                pages.push((path.strip_prefix(&root).expect("it is below the top").to_path_buf(), text));
            }
        }
    }
    pages.sort();
    pages.dedup();
    pages
}

/// A page without its blocks of code, in which `](` and `#` mean something else.
fn prose(page: &str) -> String {
    let mut inside = false;
    let mut prose = String::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            prose.extend([line, "\n"]);
        }
    }
    assert!(!inside, "a block of code is not closed");
    prose
}

/// Fails with all the offences at once.
fn none(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{rule}:\n  {}\n", offences.join("\n  "));
}

/// What GitHub and mdBook make of a heading, for links to it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// The targets of the links and pictures in Markdown.
fn links(prose: &str) -> Vec<&str> {
    let mut links = Vec::new();
    let mut rest = prose;
    while let Some(at) = rest.find("](") {
        rest = &rest[at + 2..];
        if let Some(end) = rest.find(')') {
            links.push(&rest[..end]);
        }
    }
    links
}

#[test]
fn every_link_leads_somewhere() {
    let mut offences = Vec::new();
    for (path, text) in pages() {
        let prose = prose(&text);
        for link in links(&prose) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, section) = link.split_once('#').map_or((link, None), |(file, id)| (file, Some(id)));
            let folder = path.parent().expect("a file is in a folder");
            let target = if file.is_empty() { root().join(&path) } else { root().join(folder).join(file) };
            if !target.exists() {
                offences.push(format!("{}: there is no {file}", path.display()));
            } else if let Some(id) = section {
                let text = fs::read_to_string(&target).unwrap_or_default();
                let headings = self::prose(&text);
                let known = headings.lines().filter(|line| line.starts_with('#'));
                if !known.into_iter().any(|line| anchor(line.trim_start_matches('#')) == id) {
                    offences.push(format!("{}: {link}: there is no such heading", path.display()));
                }
            }
        }
    }
    none("links", &offences);
}

#[test]
fn every_page_is_in_the_table_of_contents_and_every_decision_in_the_index() {
    for (folder, index) in [("docs/src", "SUMMARY.md"), ("docs/decisions", "README.md")] {
        let text = fs::read_to_string(root().join(folder).join(index)).expect("there is an index");
        let listed: BTreeSet<&str> = links(&text).into_iter().collect();
        let missing: Vec<String> = pages()
            .into_iter()
            .filter_map(|(path, _)| Some(path.strip_prefix(folder).ok()?.display().to_string()))
            .filter(|page| page != index && !listed.contains(page.as_str()))
            .collect();
        none(&format!("{folder}/{index} lacks pages"), &missing);
    }
}
