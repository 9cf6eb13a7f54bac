//! The parsed draft, for the tabs that evaluate single inputs on the page.

use std::sync::{Arc, OnceLock};

use policy::{bundle::Bundle, engine::Prepared};

use crate::model::Content;

/// A parsed draft.
#[derive(Debug)]
pub struct ParsedDraft {
    /// The document it was parsed from.
    pub content: Content,
    /// The parsed bundle.
    pub bundle: Bundle,
    prepared: OnceLock<Prepared>,
}

impl ParsedDraft {
    /// Parses `content`.
    pub fn new(content: Content) -> Self {
        let bundle = content.to_source().parse_rules().bundle;
        Self { content, bundle, prepared: OnceLock::new() }
    }

    /// The draft compiled for evaluation, which happens on first use.
    pub fn prepared(&self) -> &Prepared {
        self.prepared.get_or_init(|| Prepared::new(&self.bundle))
    }
}

/// A shared [`ParsedDraft`], equal only to itself: comparing two drafts would take longer than drawing one.
#[derive(Debug, Clone)]
pub struct SharedDraft(Arc<ParsedDraft>);

impl From<ParsedDraft> for SharedDraft {
    fn from(draft: ParsedDraft) -> Self {
        Self(Arc::new(draft))
    }
}

impl PartialEq for SharedDraft {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl std::ops::Deref for SharedDraft {
    type Target = ParsedDraft;

    fn deref(&self) -> &ParsedDraft {
        &self.0
    }
}
