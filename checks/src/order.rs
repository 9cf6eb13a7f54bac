//! The order of crates and modules, as one block of ARCHITECTURE.md states it, and the uses that violate it.
//!
//! ```text
//! policy      takes nothing
//!     limits → bundle → engine, schema → analysis
//! lifecycle   takes policy
//!     authority → review
//! ```
//!
//! A crate may use the crates that its line names. A module may use the modules to the left of it; modules separated by
//! commas have the same rank and do not use each other.

use std::collections::BTreeSet;

use crate::{graph::Graph, manifests::Member, markdown::blocks};

/// The page that contains the block.
pub const PAGE: &str = "ARCHITECTURE.md";

/// The crates that one crate may use, and the order of its modules.
#[derive(Debug, PartialEq, Eq)]
pub struct CrateOrder {
    /// The crate.
    pub name: String,
    /// The line number of the crate in the page.
    pub line: usize,
    /// The crates that this crate may use.
    pub takes: BTreeSet<String>,
    /// The top-level modules, rank by rank; the most used come first.
    pub ranks: Vec<Vec<String>>,
}

/// Reads the order from the page.
///
/// # Errors
/// When there is no such block, or a line of it names neither a crate nor modules.
pub fn read(page: &str) -> Result<Vec<CrateOrder>, String> {
    let block = blocks(page)
        .into_iter()
        .find(|block| block.code.first().is_some_and(|line| line.contains(" takes ")))
        .ok_or_else(|| {
            format!(
                "{PAGE}: no block says what each crate may take. It begins with a line such as `policy takes nothing`."
            )
        })?;
    let mut crates: Vec<CrateOrder> = Vec::new();
    let mut modules = String::new();
    for (index, code) in block.code.iter().enumerate() {
        let line = block.line + index;
        if code.starts_with(char::is_whitespace) {
            let last = crates.last_mut().ok_or_else(|| format!("{PAGE}:{line}: modules before their crate"))?;
            modules.push_str(code);
            last.ranks = ranks(&modules);
        } else if let Some((name, takes)) = code.split_once(" takes ") {
            let takes = list(takes).filter(|taken| taken != "nothing").collect();
            crates.push(CrateOrder { name: name.trim().to_owned(), line, takes, ranks: Vec::new() });
            modules.clear();
        } else if !code.is_empty() {
            return Err(format!(
                "{PAGE}:{line}: `{code}` is neither `<crate> takes <crates>` nor an indented list of modules"
            ));
        }
    }
    Ok(crates)
}

fn ranks(modules: &str) -> Vec<Vec<String>> {
    modules.split('→').map(|rank| list(rank).collect()).collect()
}

fn list(names: &str) -> impl Iterator<Item = String> {
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The violations between crates: a dependency that the page does not allow, a crate that the page does not name or
/// that does not exist, and a crate that may use one listed below it.
pub fn crate_arrows(order: &[CrateOrder], members: &[Member]) -> Vec<String> {
    let mut findings = Vec::new();
    for member in members {
        let Some(allowed) = order.iter().find(|order| order.name == member.name) else {
            findings.push(format!(
                "{PAGE}: the block of crates does not name `{}`. Add the crate, what it takes and the order of its modules.",
                member.name
            ));
            continue;
        };
        findings.extend(member.takes.difference(&allowed.takes).map(|taken| {
            format!(
                "{}: `{}` depends on `{taken}`, which {PAGE}:{} does not allow. Move what is shared into a crate below both.",
                member.manifest(),
                member.name,
                allowed.line
            )
        }));
    }
    for (index, entry) in order.iter().enumerate() {
        if !members.iter().any(|member| member.name == entry.name) {
            findings.push(format!("{PAGE}:{}: there is no crate `{}`. Remove its lines.", entry.line, entry.name));
        }
        let above: BTreeSet<_> = order[..index].iter().map(|entry| entry.name.clone()).collect();
        findings.extend(entry.takes.difference(&above).map(|taken| {
            format!(
                "{PAGE}:{}: `{}` takes `{taken}`, which is not above it. A crate stands below all that it takes.",
                entry.line, entry.name
            )
        }));
    }
    findings
}

/// The violations between the top-level modules of a crate: a use of a module to the right or of the same rank, a
/// module that the page does not name or that does not exist.
pub fn module_arrows(order: &CrateOrder, graph: &Graph) -> Vec<String> {
    let mut findings = Vec::new();
    let there: BTreeSet<&str> = graph.files.iter().filter_map(|file| top(&file.module)).collect();
    let named: Vec<&str> = order.ranks.iter().flatten().map(String::as_str).collect();
    for module in &there {
        if !named.contains(module) {
            findings.push(format!(
                "{PAGE}:{}: the order of `{}` does not name its module `{module}`. Add it to the right of what it takes.",
                order.line, order.name
            ));
        }
    }
    for (index, module) in named.iter().enumerate() {
        if !there.contains(module) {
            findings.push(format!("{PAGE}:{}: `{}` has no module `{module}`. Remove it.", order.line, order.name));
        }
        if named[..index].contains(module) {
            findings.push(format!("{PAGE}:{}: `{module}` stands twice. Keep one.", order.line));
        }
    }
    let rank = |module: &str| order.ranks.iter().position(|rank| rank.iter().any(|name| name == module));
    for (from, to) in graph.edges.keys() {
        let (Some(low), Some(high)) = (top(&graph.files[*from].module), top(&graph.files[*to].module)) else {
            continue;
        };
        let (Some(low_rank), Some(high_rank)) = (rank(low), rank(high)) else { continue };
        if low != high && low_rank <= high_rank {
            let place = if low_rank == high_rank { "of one rank with" } else { "to the right of" };
            findings.push(format!(
                "{}. `{high}` is {place} `{low}` ({PAGE}:{}): move what is shared to the left of both, or hand it in as a \
                 parameter.",
                graph.tie(*from, *to),
                order.line
            ));
        }
    }
    findings
}

fn top(module: &[String]) -> Option<&str> {
    module.first().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Node;

    const PAGE_TEXT: &str = "# Page\n\n```text\nother\n```\n\n```text\ncore   takes nothing\n    a, b → c\n    → d\n\napp    takes core\n    x\n```\n";

    fn order() -> Vec<CrateOrder> {
        read(PAGE_TEXT).unwrap()
    }

    fn member(name: &str, takes: &[&str]) -> Member {
        Member { name: name.to_owned(), takes: takes.iter().map(|name| (*name).to_owned()).collect() }
    }

    #[test]
    fn the_block_is_read_with_its_continued_lines() {
        let order = order();
        assert_eq!(
            order.iter().map(|order| (order.name.as_str(), order.line)).collect::<Vec<_>>(),
            [("core", 8), ("app", 12)]
        );
        assert_eq!(order[0].ranks, [vec!["a", "b"], vec!["c"], vec!["d"]]);
        assert_eq!(order[1].takes, BTreeSet::from(["core".to_owned()]));
        assert_eq!(order[1].ranks, [["x"]]);
        assert!(read("nothing").is_err());
        assert!(read("```\ncore takes nothing\nstray\n```").is_err());
    }

    #[test]
    fn crates_take_what_the_page_allows() {
        assert_eq!(crate_arrows(&order(), &[member("core", &[]), member("app", &["core"])]), [""; 0]);
        let one = |members: &[Member]| {
            let findings = crate_arrows(&order(), members);
            assert_eq!(findings.len(), 1, "{findings:?}");
            findings[0].clone()
        };
        assert!(one(&[member("core", &["app"]), member("app", &[])]).contains("`core` depends on `app`"));
        assert!(one(&[member("core", &[])]).contains("there is no crate `app`"));
        assert!(one(&[member("core", &[]), member("app", &[]), member("new", &[])]).contains("does not name `new`"));
        let upside_down = read("```\napp takes core\n x\ncore takes nothing\n a\n```").unwrap();
        let findings = crate_arrows(&upside_down, &[member("core", &[]), member("app", &[])]);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].contains("`app` takes `core`, which is not above it"));
    }

    fn arrows(modules: &[&str], edges: &[(usize, usize)]) -> Vec<String> {
        let files = modules
            .iter()
            .map(|module| Node {
                path: format!("{module}.rs"),
                module: module.split('/').filter(|name| *name != "lib").map(str::to_owned).collect(),
            })
            .collect();
        let mut graph = Graph { files, ..Graph::default() };
        for (from, to) in edges {
            graph.take(*from, *to, "Name", 7);
        }
        module_arrows(&order()[0], &graph)
    }

    #[test]
    fn modules_take_from_the_left_only() {
        let all = ["lib", "a", "b", "c", "d", "d/below"];
        // To the left, inside a module, and from the root to anything.
        assert_eq!(arrows(&all, &[(3, 1), (4, 3), (5, 1), (4, 5), (0, 4), (0, 1)]), [""; 0]);
        let one = |edge| {
            let findings = arrows(&all, &[edge]);
            assert_eq!(findings.len(), 1, "{findings:?}");
            findings[0].clone()
        };
        assert!(
            one((3, 5))
                .starts_with("c.rs:7 takes Name from d/below.rs. `d` is to the right of `c` (ARCHITECTURE.md:8)")
        );
        assert!(one((1, 2)).contains("`b` is of one rank with `a`"));
    }

    #[test]
    fn the_page_names_every_module_once_and_no_other() {
        let findings = arrows(&["lib", "a", "b", "c", "new"], &[]);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].contains("does not name its module `new`"));
        assert!(findings[1].contains("has no module `d`"));
        let twice = read("```\ncore takes nothing\n a → a\n```").unwrap();
        let graph =
            Graph { files: vec![Node { path: String::new(), module: vec!["a".to_owned()] }], ..Graph::default() };
        assert!(module_arrows(&twice[0], &graph)[0].contains("stands twice"));
    }
}
