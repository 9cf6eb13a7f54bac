//! The size limits of the policy language and of inputs, named once. A value past a limit is refused with an error that
//! names the limit.

use std::ops::RangeInclusive;

/// Maximum number of rules in a bundle.
pub const MAX_RULES: usize = 100_000;
/// Maximum size of a request body or bundle document: 32 MiB.
pub const MAX_BUNDLE_BYTES: usize = 32 * 1024 * 1024;
/// Maximum number of conditions in a rule.
pub const MAX_CONDITIONS: usize = 64;
/// Maximum size of a string in a rule, in bytes: 1 KiB.
pub const MAX_STRING_BYTES: usize = 1024;
/// Maximum size of the id that a caller gives a decision, in bytes.
pub const MAX_DECISION_ID_BYTES: usize = 200;
/// Maximum size of an evaluation context as JSON, in bytes: 64 KiB.
pub const MAX_CONTEXT_BYTES: usize = 64 * 1024;
/// Maximum number of fields in an evaluation context, counted through nested objects.
pub const MAX_CONTEXT_FIELDS: usize = 512;
/// Maximum number of levels of nested objects and arrays, in a context and in a bundle. JSON readers stop at 127 or 128
/// levels, and contexts and bundles are stored inside other objects.
pub const MAX_NESTING: usize = 100;
/// Maximum length of a bundle's notes, in characters.
pub const MAX_NOTES_CHARS: usize = 512;
/// Recommended minimum length of a rule's reason, in characters; a shorter reason is a lint warning.
pub const MIN_REASON_CHARS: usize = 10;
/// Maximum length of a rule's reason, in characters.
pub const MAX_REASON_CHARS: usize = 256;
/// Highest priority of a rule; the lowest is 0.
pub const MAX_PRIORITY: u16 = 1000;
/// Priority of a rule that does not state one.
pub const DEFAULT_PRIORITY: u16 = 50;
/// Maximum number of roles and people that a rule names as approvers.
pub const MAX_APPROVERS: usize = 32;
/// Maximum length of an email address, in characters.
pub const MAX_EMAIL_CHARS: usize = 254;
/// How many people a rule may ask for.
pub const QUORUM: RangeInclusive<u32> = 1..=9;
/// After how many seconds a rule may let a request for approval expire: a minute to seven days.
pub const EXPIRES_IN: RangeInclusive<u32> = 60..=604_800;
/// Maximum number of fields that a rule names as not bound.
pub const MAX_UNBOUND: usize = 64;
/// Cost of a budget, in USD, above which a rule draws a lint warning.
pub const HIGH_COST_USD: f64 = 1000.0;
/// Maximum number of rows in one page of a list.
pub const MAX_PAGE: u32 = 500;
/// Number of rows in a page of a list when the request states no limit.
pub const DEFAULT_PAGE: u32 = 50;
