//! The editor's model: a bundle document under edit. Nothing here knows about pages, so all of it is tested as plain
//! functions.
//!
//! ```text
//! content    the document: rules with stable local keys, and everything that is not a rule
//! rule       reading and writing the fields of one rule as written
//! condition  operators, values and the rows of the condition form
//! order      the order the evaluator looks at rules in, moving a rule in it, filtering
//! edit       the operations, each from one content to the next
//! history    undo and redo, with typing folded into one step
//! text       the document as JSON text, both ways
//! paste      rules from a clipboard: JSON or a spreadsheet
//! ```

pub mod condition;
pub mod content;
pub mod edit;
pub mod history;
pub mod order;
pub mod paste;
pub mod rule;
pub mod text;

pub use content::{Content, Entry, Key, Written};
pub use edit::{Edit, Refused};
pub use history::{Editor, Stroke};
