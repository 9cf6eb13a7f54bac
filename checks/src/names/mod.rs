//! Every name that the sources define, with its place.

mod css;
mod name;
mod paths;
mod rust;
mod titles;

pub use name::{Kind, Name};

use crate::sources::Sources;

/// All names: of files and folders, in Rust, in style sheets, and of tests that run in a browser.
pub fn all(sources: &Sources) -> Vec<Name> {
    let mut names = paths::names(sources.files().map(|(path, _)| path));
    names.extend(sources.with_extension("rs").flat_map(|(path, text)| rust::names(path, text)));
    names.extend(sources.with_extension("css").flat_map(|(path, text)| css::names(path, text)));
    names.extend(sources.with_extension("ts").flat_map(|(path, text)| titles::names(path, text)));
    names
}
