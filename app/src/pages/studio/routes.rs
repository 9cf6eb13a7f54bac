//! URLs of a bundle that the server answers without a page.

/// The download of a bundle as a signed file.
pub fn export_path(id: i64) -> String {
    format!("/policy/bundles/{id}/export/download")
}
