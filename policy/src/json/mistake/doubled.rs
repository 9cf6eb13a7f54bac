//! Members that appear again in their object.

/// The members of a document that appear again in their object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Doubled {
    /// The JSON Pointers of the first ones. Of a long pointer only the beginning is kept.
    pub pointers: Vec<String>,
    /// How many more there are.
    pub more: usize,
}
