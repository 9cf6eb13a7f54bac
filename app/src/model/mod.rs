//! The editor's model: a bundle document under edit. The model knows nothing about pages, so all of it is tested as
//! plain functions.
//!
//! ```text
//! content         the document: rules with stable local keys, and everything that is not a rule
//! rule            reading and writing the fields of one rule as written
//! condition       operators, values and the rows of the condition form
//! approval_terms  the terms on which a rule asks people
//! order           the evaluation order of rules, moving a rule in it, filtering
//! edit            the operations, each from one document to the next
//! history         undo and redo, with typing folded into one step
//! text            the document as JSON text, both ways
//! paste           rules from the clipboard: JSON or rows of a spreadsheet
//! ```

pub mod approval_terms;
pub mod condition;
pub mod content;
pub mod edit;
pub mod history;
pub mod order;
pub mod paste;
pub mod rule;
pub mod text;

pub use content::{Content, RuleEntry, RuleKey};
pub use edit::{Edit, EditRefused};
pub use history::{EditHistory, TypingTarget};
pub use rule::{RawRule, SharedRule};
