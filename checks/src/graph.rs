//! The names that each file takes from others, and the cycles among files.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// Number of ties between two folders that are written out.
const SHOWN: usize = 5;

/// The files of a crate and the names they take from each other.
#[derive(Debug, Default)]
pub struct Graph {
    /// The files.
    pub files: Vec<Node>,
    /// From file, to file: each name taken, with the first line that takes it.
    pub edges: BTreeMap<(usize, usize), BTreeMap<String, usize>>,
}

/// A file in the graph.
#[derive(Debug, Clone)]
pub struct Node {
    /// Path from the root of the repository.
    pub path: String,
    /// The file's module path from the crate's root.
    pub module: Vec<String>,
}

impl Graph {
    /// Notes that a file takes a name from another.
    pub fn take(&mut self, from: usize, to: usize, name: &str, line: usize) {
        if from != to {
            let first = self.edges.entry((from, to)).or_default().entry(name.to_owned()).or_insert(line);
            *first = line.min(*first);
        }
    }

    /// Cycles of files, each with the names that cause it.
    pub fn file_circles(&self) -> Vec<String> {
        let circles = circles(self.files.len(), self.edges.keys().copied());
        circles.iter().map(|circle| self.describe_files(circle)).collect()
    }

    /// Cycles of sibling modules of which one is a folder, at every depth: all files of a folder count as one.
    pub fn folder_circles(&self) -> Vec<String> {
        let parents: BTreeSet<&[String]> =
            self.files.iter().filter_map(|file| Some(file.module.split_last()?.1)).collect();
        parents.into_iter().flat_map(|parent| self.sibling_circles(parent)).collect()
    }

    /// The cycles among the modules directly below `parent`.
    fn sibling_circles(&self, parent: &[String]) -> Vec<String> {
        let mut siblings: Vec<&str> = Vec::new();
        let mut sizes: Vec<usize> = Vec::new();
        let group: Vec<Option<usize>> = self
            .files
            .iter()
            .map(|file| {
                let name = file.module.strip_prefix(parent)?.first()?;
                let known = siblings.iter().position(|sibling| sibling == name);
                let index = known.unwrap_or_else(|| {
                    siblings.push(name);
                    sizes.push(0);
                    siblings.len() - 1
                });
                sizes[index] += 1;
                Some(index)
            })
            .collect();
        let edges = self.edges.keys().filter_map(|(from, to)| Some((group[*from]?, group[*to]?)));
        circles(siblings.len(), edges.filter(|(from, to)| from != to))
            .iter()
            // `file_circles` covers cycles of single files.
            .filter(|circle| circle.iter().any(|sibling| sizes[*sibling] > 1))
            .map(|circle| self.describe_modules(circle, &siblings, &group))
            .collect()
    }

    /// A cycle of files: its ties, then the thinnest tie.
    fn describe_files(&self, circle: &[usize]) -> String {
        let ties: Vec<_> =
            self.edges.keys().copied().filter(|(from, to)| circle.contains(from) && circle.contains(to)).collect();
        let mut text = format!("a circle of {} files", circle.len());
        for (from, to) in &ties {
            let _ = write!(text, "\n    {}", self.tie(*from, *to));
        }
        // If two ties are equally thin, the one to remove is that of the lower module, which should not use the upper.
        let depth = |file: usize| self.files[file].module.len();
        let thinnest = ties.iter().min_by_key(|tie| (self.edges[tie].len(), Reverse(depth(tie.0)), depth(tie.1)));
        if let Some((from, to)) = thinnest {
            let _ = write!(text, "\n    thinnest tie: {}", self.tie(*from, *to));
        }
        text
    }

    /// A cycle of sibling modules: the ties between each two of them, the thinnest first.
    fn describe_modules(&self, circle: &[usize], siblings: &[&str], group: &[Option<usize>]) -> String {
        let mut ties: BTreeMap<(usize, usize), Vec<(usize, usize)>> = BTreeMap::new();
        for (from, to) in self.edges.keys() {
            if let (Some(a), Some(b)) = (group[*from], group[*to])
                && a != b
                && circle.contains(&a)
                && circle.contains(&b)
            {
                ties.entry((a, b)).or_default().push((*from, *to));
            }
        }
        let count = |edges: &[(usize, usize)]| edges.iter().map(|edge| self.edges[edge].len()).sum::<usize>();
        let mut ties: Vec<_> = ties.into_iter().collect();
        ties.sort_by_key(|(_, edges)| count(edges));
        let names: Vec<_> = circle.iter().map(|sibling| siblings[*sibling]).collect();
        let mut text = format!("a circle of {} modules ({})", circle.len(), names.join(", "));
        for ((a, b), edges) in ties {
            let names = if count(&edges) == 1 { "name" } else { "names" };
            let _ = write!(text, "\n    {} → {}: {} {names}", siblings[a], siblings[b], count(&edges));
            for (from, to) in edges.iter().take(SHOWN) {
                let _ = write!(text, "\n        {}", self.tie(*from, *to));
            }
            if edges.len() > SHOWN {
                let _ = write!(text, "\n        and {} more", edges.len() - SHOWN);
            }
        }
        text
    }

    /// `a.rs:3 takes Name, other (line 9) from b.rs`
    pub fn tie(&self, from: usize, to: usize) -> String {
        let names = &self.edges[&(from, to)];
        let first = names.values().min().copied().unwrap_or(0);
        let listed: Vec<_> = names
            .iter()
            .map(|(name, line)| if *line == first { name.clone() } else { format!("{name} (line {line})") })
            .collect();
        format!("{}:{first} takes {} from {}", self.files[from].path, listed.join(", "), self.files[to].path)
    }
}

/// The cycles of a directed graph: its strongly connected components of more than one node, by Tarjan's algorithm.
pub fn circles(nodes: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Vec<Vec<usize>> {
    struct Search {
        next: Vec<BTreeSet<usize>>,
        /// When a node was first reached, and the earliest node on the stack that it leads back to.
        reached: Vec<Option<usize>>,
        lowest: Vec<usize>,
        stack: Vec<usize>,
        clock: usize,
        found: Vec<Vec<usize>>,
    }

    impl Search {
        fn visit(&mut self, node: usize) {
            let reached = self.clock;
            self.clock += 1;
            self.reached[node] = Some(reached);
            self.lowest[node] = reached;
            self.stack.push(node);
            for next in self.next[node].clone() {
                match self.reached[next] {
                    None => {
                        self.visit(next);
                        self.lowest[node] = self.lowest[node].min(self.lowest[next]);
                    }
                    Some(earlier) if self.stack.contains(&next) => {
                        self.lowest[node] = self.lowest[node].min(earlier);
                    }
                    Some(_) => {}
                }
            }
            if self.lowest[node] == reached
                && let Some(start) = self.stack.iter().position(|on_stack| *on_stack == node)
            {
                let mut component = self.stack.split_off(start);
                if component.len() > 1 {
                    component.sort_unstable();
                    self.found.push(component);
                }
            }
        }
    }

    let mut search = Search {
        next: vec![BTreeSet::new(); nodes],
        reached: vec![None; nodes],
        lowest: vec![0; nodes],
        stack: Vec::new(),
        clock: 0,
        found: Vec::new(),
    };
    for (from, to) in edges {
        search.next[from].insert(to);
    }
    for node in 0..nodes {
        if search.reached[node].is_none() {
            search.visit(node);
        }
    }
    search.found.sort();
    search.found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes reach each other exactly when both are in one cycle: tried on every graph of four nodes.
    #[test]
    fn circles_are_what_reaches_itself_through_others() {
        let pairs: Vec<(usize, usize)> =
            (0..4).flat_map(|a| (0..4).map(move |b| (a, b))).filter(|(a, b)| a != b).collect();
        for graph in 0..1_u32 << pairs.len() {
            let edges: Vec<_> = (0..pairs.len()).filter(|bit| graph >> bit & 1 == 1).map(|bit| pairs[bit]).collect();
            let mut reach = [[false; 4]; 4];
            for (from, to) in &edges {
                reach[*from][*to] = true;
            }
            for through in 0..4 {
                for from in 0..4 {
                    for to in 0..4 {
                        reach[from][to] |= reach[from][through] && reach[through][to];
                    }
                }
            }
            let circle_of = |node: usize| -> Vec<usize> {
                (0..4).filter(|other| *other == node || reach[node][*other] && reach[*other][node]).collect()
            };
            let mut expected: Vec<_> = (0..4).map(circle_of).filter(|circle| circle.len() > 1).collect();
            expected.sort();
            expected.dedup();
            assert_eq!(circles(4, edges.iter().copied()), expected, "{edges:?}");
        }
    }

    fn graph(files: &[&str], edges: &[(usize, usize, &str, usize)]) -> Graph {
        let files = files
            .iter()
            .map(|path| Node {
                path: format!("{path}.rs"),
                module: path.trim_end_matches("/mod").split('/').map(str::to_owned).collect(),
            })
            .collect();
        let mut graph = Graph { files, ..Graph::default() };
        for (from, to, name, line) in edges {
            graph.take(*from, *to, name, *line);
        }
        graph
    }

    #[test]
    fn a_circle_names_its_ties_and_the_thinnest() {
        let graph = graph(
            &["a", "b", "c"],
            &[(0, 1, "Two", 9), (0, 1, "One", 7), (0, 1, "One", 3), (1, 0, "Back", 4), (1, 2, "Down", 5)],
        );
        let circles = graph.file_circles();
        assert_eq!(
            circles,
            [concat!(
                "a circle of 2 files",
                "\n    a.rs:3 takes One, Two (line 9) from b.rs",
                "\n    b.rs:4 takes Back from a.rs",
                "\n    thinnest tie: b.rs:4 takes Back from a.rs"
            )]
        );
        assert!(graph.folder_circles().is_empty());
    }

    #[test]
    fn two_folders_can_be_a_circle_without_two_files_being_one() {
        let graph = graph(
            &["low/mod", "low/one", "low/two", "high/mod", "high/one"],
            &[(1, 4, "Up", 1), (3, 2, "Down", 2), (0, 1, "inside", 3)],
        );
        assert!(graph.file_circles().is_empty());
        let circles = graph.folder_circles();
        assert_eq!(circles.len(), 1, "{circles:?}");
        assert!(
            circles[0].starts_with(
                "a circle of 2 modules (low, high)\n    low → high: 1 name\n        low/one.rs:1 takes Up"
            )
        );
    }

    #[test]
    fn siblings_are_compared_at_every_depth() {
        let graph = graph(
            &["top/mod", "top/a/mod", "top/a/x", "top/a/y", "top/b"],
            // Through a file: x → b → y. The head of the folder above takes from both, which is not a cycle.
            &[(2, 4, "B", 1), (4, 3, "Y", 2), (0, 2, "X", 3), (0, 4, "B", 4)],
        );
        let circles = graph.folder_circles();
        assert_eq!(circles.len(), 1, "{circles:?}");
        assert!(circles[0].starts_with("a circle of 2 modules (a, b)"));
    }
}
