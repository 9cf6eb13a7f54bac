//! The size limits of the policy language and of inputs, named once. A value past a limit is refused with an error that
//! names the limit.

/// Most rules a bundle may hold.
pub const MAX_RULES: usize = 100_000;
/// Most bytes of a request body or bundle document: 32 MiB.
pub const MAX_BUNDLE_BYTES: usize = 32 * 1024 * 1024;
/// Most conditions a rule may hold.
pub const MAX_CONDITIONS: usize = 64;
/// Most bytes of a string inside a rule: 1 KiB.
pub const MAX_STRING_BYTES: usize = 1024;
/// Most bytes of the id that a caller gives a decision.
pub const MAX_DECISION_ID_BYTES: usize = 200;
/// Most bytes of an evaluation context, as JSON: 64 KiB.
pub const MAX_CONTEXT_BYTES: usize = 64 * 1024;
/// Most fields of an evaluation context, counted through nested objects.
pub const MAX_CONTEXT_FIELDS: usize = 512;
/// Most levels of nested objects and arrays, in a context and in a bundle. JSON readers stop at 127 or 128 levels, and
/// contexts and bundles are stored inside other objects.
pub const MAX_NESTING: usize = 100;
/// Most characters of a bundle's notes.
pub const MAX_NOTES_CHARS: usize = 512;
/// Fewest characters a rule's reason should have; fewer is a lint warning.
pub const MIN_REASON_CHARS: usize = 10;
/// Most characters of a rule's reason.
pub const MAX_REASON_CHARS: usize = 256;
/// Highest priority of a rule; the lowest is 0.
pub const MAX_PRIORITY: u16 = 1000;
/// Priority of a rule that states none.
pub const DEFAULT_PRIORITY: u16 = 50;
/// Budget cost in USD above which a rule draws a lint warning.
pub const HIGH_COST_USD: f64 = 1000.0;
/// Most rows a list answers in one page.
pub const MAX_PAGE: u32 = 500;
/// Rows a list answers when no limit is asked for.
pub const DEFAULT_PAGE: u32 = 50;
