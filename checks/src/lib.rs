//! The rules of the architecture as functions over the sources of the workspace. None of this ships: the test
//! `tests/architecture.rs` runs every rule and prints the violations.
//!
//! ```text
//! sources    the text of every file in the repository
//! manifests  the crates of the workspace, and which crate depends on which
//! modules    a crate as a tree of modules: what each file defines, imports and re-exports
//! resolve    from a path in the code to the file that defines the name
//! graph      which names each file takes from others, and the cycles among files
//! tokens     names among the tokens of a macro
//! walk       reads a crate's code and builds its graph
//! markdown   the code in a page of Markdown or in a doc comment
//! order      the order of crates and modules as ARCHITECTURE.md states it, and the uses that violate it
//! names      every name that the sources define: in Rust, in style sheets, in browser tests
//! dialect    words that only this project uses, and the established words for them
//! layout     the one layout of modules, and what ARCHITECTURE.md and each `lib.rs` must mention
//! ```
//!
//! Limits: names that a procedural macro generates are not seen (a path to one leads to the module that the path
//! names), and neither is a method that another file adds to a type.

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
