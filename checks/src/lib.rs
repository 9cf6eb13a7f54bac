//! The rules of the architecture as functions over the sources of the workspace. Nothing here ships: the test
//! `tests/architecture.rs` runs every rule and prints what breaks it.
//!
//! ```text
//! sources    the text of every file in the repository
//! manifests  the crates of the workspace, and which crate depends on which
//! modules    a crate as a tree of modules: what each file defines, imports and re-exports
//! resolve    from a path in the code to the file that defines the name
//! graph      which file takes which names from which file, and the circles in it
//! tokens     names among the tokens of a macro
//! walk       reads a crate's code and fills its graph
//! markdown   the code in a page of Markdown or in a doc comment
//! order      the order of crates and modules as ARCHITECTURE.md writes it down, and the arrows against it
//! names      every name the sources give: in Rust, in style sheets, in browser tests
//! dialect    words that only this project uses, and the field's words for them
//! layout     one way to lay out modules, and what ARCHITECTURE.md and each `lib.rs` must mention
//! ```
//!
//! Limits: what a procedural macro generates is not seen (a path to it leads to the module that the path names), and
//! neither is a method that another file adds to a type.

pub mod dialect;
pub mod graph;
pub mod layout;
pub mod manifests;
pub mod markdown;
pub mod modules;
pub mod names;
pub mod order;
pub mod resolve;
pub mod sources;
pub mod tokens;
pub mod walk;
