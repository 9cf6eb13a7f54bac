//! Writing answers.

mod created;
mod etag;
mod list;
mod problem;
mod served;

pub use created::created;
pub use etag::{matches, with_revision};
pub use list::{List, to_list};
pub use problem::{method_not_allowed, no_such_path, problem_as_page};
pub use served::Served;
