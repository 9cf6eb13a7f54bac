//! Holds the sources to ARCHITECTURE.md. Each failure names the place and what to do.

use std::sync::LazyLock;

use checks::{
    dialect,
    graph::Graph,
    layout,
    manifests::{Member, members},
    modules::Crate,
    names,
    order::{self, CrateOrder, PAGE},
    sources::Sources,
    walk,
};

/// The workspace as the rules see it, read once for all tests.
struct Workspace {
    sources: Sources,
    members: Vec<Member>,
    /// The graph of every library and program, by the path of its root file.
    graphs: Vec<(String, Graph)>,
    layout: Vec<String>,
}

static WORKSPACE: LazyLock<Workspace> = LazyLock::new(|| {
    let sources = Sources::of_repository();
    let members = members(&sources);
    let mut graphs = Vec::new();
    let mut layout = layout::split_modules(&sources);
    for root in members.iter().flat_map(|member| member.roots(&sources)) {
        let read = Crate::read(&sources, &root);
        layout.extend(layout::product_called_tests(&read));
        if root.ends_with("/lib.rs") {
            layout.extend(layout::unlisted_modules(&read));
        }
        graphs.push((root, walk::graph(&read)));
    }
    Workspace { sources, members, graphs, layout }
});

/// Fails with all findings, and what to do about them.
#[track_caller]
fn none(findings: &[String], what_to_do: &str) {
    let count = findings.len();
    assert!(findings.is_empty(), "{count} found:\n\n{}\n\n{what_to_do}\n", findings.join("\n"));
}

fn order() -> Vec<CrateOrder> {
    order::read(WORKSPACE.sources.text(PAGE).unwrap_or_default()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn no_files_form_a_circle() {
    let circles = WORKSPACE
        .graphs
        .iter()
        .flat_map(|(root, graph)| graph.file_circles().into_iter().map(move |circle| format!("{root}: {circle}\n")));
    none(
        &circles.collect::<Vec<_>>(),
        "Each file should be readable without the files that use it. Move what both sides need into a file below them \
         (a type into a file of its own), or hand the upper one's part in as a parameter.",
    );
}

#[test]
fn no_folders_form_a_circle() {
    let circles = WORKSPACE
        .graphs
        .iter()
        .flat_map(|(root, graph)| graph.folder_circles().into_iter().map(move |circle| format!("{root}: {circle}\n")));
    none(
        &circles.collect::<Vec<_>>(),
        "Siblings depend one way. Move what ties them into the folder that is taken from, or into a module below both.",
    );
}

#[test]
fn crates_depend_one_way() {
    none(&order::crate_arrows(&order(), &WORKSPACE.members), "The order of crates is the design: change it last.");
}

#[test]
fn modules_take_from_the_left_only() {
    let order = order();
    let findings = WORKSPACE.graphs.iter().flat_map(|(root, graph)| {
        let of = order.iter().find(|order| *root == format!("{}/src/lib.rs", order.name));
        of.map(|of| order::module_arrows(of, graph)).unwrap_or_default()
    });
    none(
        &findings.collect::<Vec<_>>(),
        "The order is written down once, in ARCHITECTURE.md: change it only when the design has changed.",
    );
}

#[test]
fn the_page_names_every_crate_and_folder() {
    none(&layout::unnamed(&WORKSPACE.sources, &WORKSPACE.members), "A stranger finds each folder on that page.");
}

#[test]
fn names_are_the_words_of_the_field() {
    let findings: Vec<_> = names::all(&WORKSPACE.sources).iter().filter_map(dialect::finding).collect();
    none(
        &findings,
        "A stranger searches for the field's word. Where a listed word is right after all, narrow its entry in \
         checks/src/dialect.rs.",
    );
}

#[test]
fn modules_have_one_layout() {
    none(&WORKSPACE.layout, "One layout: `foo/mod.rs` with its parts in `foo/`, listed at the head of each crate.");
}
