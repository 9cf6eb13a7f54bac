//! Where the pages are.

/// The path of the first page; the others lie below it.
pub(super) const ROOT: &str = "/docs";
/// The name of the page about errors.
pub(super) const ERRORS: &str = "errors";
/// The name of the page about schemas.
pub(super) const SCHEMAS: &str = "schemas";

/// The path of a page.
pub(super) fn path_of(name: &str) -> String {
    format!("{ROOT}/{name}")
}

/// The name of a resource in an address.
pub(super) fn slug(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}
