//! Plugins that need other plugins: in which order, and which can't be used because of what they need.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use semver::{Version, VersionReq};

/// How many plugins of a cycle are named. A longer one nobody makes but to annoy.
const CYCLE_NAMES_MAX: usize = 32;

/// What is to be known of a plugin.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    /// Its version; `None` if it can't be used for another reason.
    pub version: Option<&'a Version>,
    /// Whether the user wants it.
    pub enabled: bool,
    /// What it needs, in the order of its manifest.
    pub needs: &'a [(String, VersionReq)],
}

/// What came out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ordered {
    /// All plugins; one that is needed comes before those that need it. The same for the same plugins.
    pub order: Vec<String>,
    /// Why a plugin can't be used, without a full stop, by its name.
    pub problems: BTreeMap<String, String>,
}

/// Sorts plugins so that what is needed comes first, and finds out what is missing.
#[must_use]
pub fn order(nodes: &BTreeMap<&str, Node<'_>>) -> Ordered {
    // How many of its needs have no place yet, and who needs it. Needs that are not there hold nobody up.
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    let mut needed_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, node) in nodes {
        let there: BTreeSet<&str> = needs(nodes, node).collect();
        open.insert(name, there.len());
        for need in there {
            needed_by.entry(need).or_default().push(name);
        }
    }
    let mut ready: BTreeSet<&str> =
        open.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    let mut ordered = Ordered::default();
    while let Some(name) = ready.pop_first() {
        open.remove(name);
        if let Some(problem) = problem(nodes, &nodes[name], &ordered.problems) {
            ordered.problems.insert(name.to_owned(), problem);
        }
        ordered.order.push(name.to_owned());
        for dependant in needed_by.get(name).into_iter().flatten() {
            if let Some(count) = open.get_mut(dependant) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(dependant);
                }
            }
        }
    }
    let rest: BTreeSet<&str> = open.into_keys().collect();
    for name in &rest {
        let problem = match cycle(nodes, &rest, name) {
            Some(cycle) => format!("it needs itself in the end: {cycle}"),
            None => {
                let need = needs(nodes, &nodes[name]).find(|need| rest.contains(need)).unwrap_or("?");
                format!("it needs the plugin {need:?}, which is in a circle of plugins that need each other")
            }
        };
        ordered.problems.insert((*name).to_owned(), problem);
        ordered.order.push((*name).to_owned());
    }
    ordered
}

/// The names of what it needs, of those that are there.
fn needs<'a>(nodes: &'a BTreeMap<&str, Node<'_>>, node: &'a Node<'_>) -> impl Iterator<Item = &'a str> {
    node.needs.iter().map(|(name, _)| name.as_str()).filter(|name| nodes.contains_key(name))
}

/// What is wrong with the first of its needs that is wrong.
fn problem(
    nodes: &BTreeMap<&str, Node<'_>>,
    node: &Node<'_>,
    problems: &BTreeMap<String, String>,
) -> Option<String> {
    node.needs.iter().find_map(|(name, wanted)| {
        let Some(need) = nodes.get(name.as_str()) else {
            return Some(format!("it needs the plugin {name:?} ({wanted}), which is not installed"));
        };
        let Some(version) = need.version else {
            return Some(unusable(name));
        };
        if !wanted.matches(version) {
            return Some(format!("it needs {wanted} of the plugin {name:?}, and {version} is installed"));
        }
        if !need.enabled {
            return Some(format!(
                "it needs the plugin {name:?}, which is disabled: \"padgate plugin enable {name}\" enables it"
            ));
        }
        problems.get(name).map(|_| unusable(name))
    })
}

/// The shortest way from a plugin back to itself: `a -> b -> a`.
fn cycle(nodes: &BTreeMap<&str, Node<'_>>, rest: &BTreeSet<&str>, start: &str) -> Option<String> {
    let mut from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(name) = queue.pop_front() {
        for need in needs(nodes, &nodes[name]).filter(|need| rest.contains(need)) {
            if need == start {
                let mut way = vec![start];
                let mut at = name;
                while at != start {
                    way.push(at);
                    at = from.get(at).copied().unwrap_or(start);
                }
                way.push(start);
                way.reverse();
                return Some(shown(&way));
            }
            if !from.contains_key(need) {
                from.insert(need, name);
                queue.push_back(need);
            }
        }
    }
    None
}

fn unusable(name: &str) -> String {
    format!("it needs the plugin {name:?}, which can't be used: \"padgate plugin info {name}\" says why")
}

fn shown(way: &[&str]) -> String {
    if way.len() <= CYCLE_NAMES_MAX {
        return way.join(" -> ");
    }
    let (first, last) = (way[..CYCLE_NAMES_MAX - 1].join(" -> "), way[way.len() - 1]);
    format!("{first} -> … ({} more) … -> {last}", way.len() - CYCLE_NAMES_MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use semver::{Version, VersionReq};

    use super::{Node, Ordered, order};

    /// One plugin in a line: `name version needs…`, each need as `name@requirement`; a `-` before the name disables
    /// it, a `!` makes it one that can't be used.
    fn ordered(lines: &[&str]) -> Ordered {
        let mut plugins = Vec::new();
        for line in lines {
            let mut words = line.split(' ');
            let name = words.next().unwrap();
            let version = Version::parse(words.next().unwrap()).unwrap();
            let need = |word: &str| {
                let (name, wanted) = word.split_once('@').unwrap();
                (name.to_owned(), VersionReq::parse(wanted).unwrap())
            };
            plugins.push((name, version, words.map(need).collect::<Vec<_>>()));
        }
        let nodes: BTreeMap<&str, Node<'_>> = plugins
            .iter()
            .map(|(name, version, needs)| {
                let node = Node {
                    version: (!name.starts_with('!')).then_some(version),
                    enabled: !name.starts_with('-'),
                    needs,
                };
                (name.trim_start_matches(['-', '!']), node)
            })
            .collect();
        order(&nodes)
    }

    fn problem(lines: &[&str], name: &str) -> String {
        ordered(lines).problems.get(name).cloned().unwrap_or_default()
    }

    #[test]
    fn what_is_needed_comes_first_and_else_the_alphabet_decides() {
        let all = ordered(&["a 1.0.0 z@1", "m 1.0.0 a@1 z@1", "z 1.2.0", "b 0.1.0"]);
        assert_eq!(all.order, ["b", "z", "a", "m"]);
        assert!(all.problems.is_empty());
    }

    #[test]
    fn a_problem_of_what_is_needed_is_told_in_a_sentence() {
        assert_eq!(
            problem(&["a 1.0.0 b@^1.2"], "a"),
            "it needs the plugin \"b\" (^1.2), which is not installed"
        );
        assert_eq!(
            problem(&["a 1.0.0 b@^1.2", "b 1.1.9"], "a"),
            "it needs ^1.2 of the plugin \"b\", and 1.1.9 is installed"
        );
        assert!(problem(&["a 1.0.0 b@1", "-b 1.0.0"], "a").contains("\"padgate plugin enable b\""));
        assert!(problem(&["a 1.0.0 b@1", "!b 1.0.0"], "a").contains("\"padgate plugin info b\""));
        let chain = ["a 1.0.0 b@1", "b 1.0.0 c@1", "c 1.0.0 d@1"];
        assert!(problem(&chain, "c").contains("not installed"));
        assert!(problem(&chain, "b").contains("which can't be used"));
        assert!(problem(&chain, "a").contains("which can't be used"));
    }

    #[test]
    fn a_circle_is_named_in_full_by_each_of_its_members() {
        let lines = ["a 1.0.0 b@1", "b 1.0.0 c@1", "c 1.0.0 a@1", "d 1.0.0 a@1", "e 1.0.0"];
        assert_eq!(problem(&lines, "a"), "it needs itself in the end: a -> b -> c -> a");
        assert_eq!(problem(&lines, "b"), "it needs itself in the end: b -> c -> a -> b");
        assert!(problem(&lines, "d").contains("\"a\", which is in a circle"));
        assert_eq!(problem(&lines, "e"), "");
        assert_eq!(problem(&["a 1.0.0 a@1"], "a"), "it needs itself in the end: a -> a");
        assert_eq!(ordered(&lines).order, ["e", "a", "b", "c", "d"]);
        let both = ["a 1.0.0 b@1 c@1", "b 1.0.0 b@1", "c 1.0.0 a@1"];
        assert_eq!(problem(&both, "a"), "it needs itself in the end: a -> c -> a");
        assert_eq!(problem(&both, "b"), "it needs itself in the end: b -> b");
    }

    #[test]
    fn a_circle_of_hundreds_is_cut_short() {
        let lines: Vec<String> = (0..200).map(|n| format!("p{n:03} 1.0.0 p{:03}@1", (n + 1) % 200)).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let problem = problem(&lines, "p000");
        assert!(problem.len() < 500 && problem.ends_with("-> p000"), "{problem}");
    }

    #[test]
    fn the_same_need_twice_counts_once() {
        assert_eq!(ordered(&["a 1.0.0 b@1 b@>=1.0.0", "b 1.0.0"]).order, ["b", "a"]);
    }
}
