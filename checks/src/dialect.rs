//! Words that only this project would use, each with the established word for the thing.
//!
//! A stranger searches for the established word. Ordinary English is not forbidden: an entry says in which kinds of
//! names it counts, and whether as one word among others (`told` in `told_apart`) or only as the whole name (`one.rs`,
//! not `one_input.rs`). Variables and comments are not read.

use crate::names::{Kind, Name};

/// A word, the names in which it counts, and the word to write instead.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The words, with `_` between them.
    pub word: &'static str,
    /// The names in which the word counts.
    pub counts: Counts,
    /// The established word, as advice.
    pub instead: &'static str,
}

/// In which names a word counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// In every name.
    Anywhere,
    /// In every name but the title of a test, which is a sentence.
    Identifiers,
    /// In names of files, folders, modules and types: what people search for first. As a verb or an adjective the word
    /// is good English.
    Things,
    /// In names of types only.
    Types,
    /// As the whole name of a file, folder or module.
    File,
    /// As the whole name of a file, folder or module, in one crate only.
    FileIn(&'static str),
    /// As the whole name of a type.
    Type,
    /// As the whole name of a function.
    Function,
}

use Counts::{Anywhere, File, FileIn, Function, Identifiers, Things, Type, Types};

const fn entry(word: &'static str, counts: Counts, instead: &'static str) -> Entry {
    Entry { word, counts, instead }
}

/// The words.
pub const ENTRIES: &[Entry] = &[
    entry("told", Anywhere, "render, describe, report: what is done with it"),
    entry("tell", Anywhere, "Event for a message; render, describe, notify for a function"),
    entry("tells", Anywhere, "describes, reports, notifies"),
    entry("hear", Anywhere, "on_event, receive"),
    entry("hears", Anywhere, "receives"),
    entry("heard", Anywhere, "received"),
    entry("somebody", Anywhere, "the noun: author, reviewer, caller, person"),
    entry("whoever", Anywhere, "the noun: author, reviewer, caller, person"),
    // "Nobody can approve their own bundle" is plain English.
    entry("nobody", Things, "the noun: anonymous, unassigned"),
    entry("keeper", Anywhere, "jobs, one file a job"),
    entry("figures", Anywhere, "metrics"),
    entry("desk", Anywhere, "EditorState; PageState elsewhere"),
    entry("beside", Identifiers, "worker_client for the web worker; candidate for a bundle"),
    entry("gives_way", Anywhere, "shadowed_by"),
    entry("laid", Anywhere, "rule_alignment, AlignedRule"),
    entry("on_the_way", Anywhere, "PendingNavigation"),
    entry("gather", Things, "batching, BatchWindow"),
    entry("made", Things, "PendingDecision; created for a time"),
    entry("settle", Things, "coverage_cache"),
    entry("kept", Things, "rule_table, RuleTable, RuleRow; stored"),
    entry("again", Things, "incremental; retry, rerun"),
    entry("moved", Things, "rebase, ChangeKind"),
    entry("outside", Things, "checkpoint_file; external"),
    entry("repeated", Things, "idempotency"),
    entry("understood", Things, "ParsedBundle, ParsedRule"),
    entry("standing", Things, "ReviewStatus"),
    entry("proposed", File, "boundary_cases"),
    entry("found", File, "difference"),
    entry("under", File, "what_if"),
    entry("one", File, "detail"),
    entry("words", File, "labels"),
    entry("parts", File, "code_split"),
    entry("keep", File, "sealing"),
    entry("cut", File, "class_test"),
    entry("cuts", File, "thresholds"),
    entry("cutting", File, "memory_plan"),
    entry("keys", File, "by what they are: keyboard, signing_keys"),
    entry("live", File, "by what it is: evaluation, traffic, in_service"),
    entry("front", FileIn("server"), "service"),
    entry("ask", Types, "Request"),
    entry("asker", Type, "Prover"),
    entry("answer", Type, "ApiResult; Proof in the analysis; Decision or Response elsewhere"),
    entry("refusal", Type, "ApiError; the noun with Error elsewhere"),
    entry("failure", Type, "CliError"),
    entry("way", Type, "Connection; the noun for what is chosen between: Strategy, Route"),
    entry("found", Type, "Difference in the diff; the noun for what is found"),
    entry("known", Type, "CoverageCache in the diff; the noun for what is known"),
    entry("reading", Type, "ParsedRule; Measurement for a number"),
    entry("edited", Type, "RuleMapping"),
    entry("happened", Type, "ChangeKind"),
    entry("mixed", Type, "ShortStringMap"),
    entry("ends", Type, "Fingerprint"),
    entry("decide_text", Function, "gone: one decoder"),
];

/// Idioms of plain English that contain one of the words.
const IDIOMS: &[&str] = &["told_apart", "tell_apart", "tells_apart", "key_figures", "laid_out"];

/// The word of the project's own dialect in a name, with advice; `None` if the name has no such word.
pub fn finding(name: &Name) -> Option<String> {
    let mut words = words(&name.text).join("_");
    for idiom in IDIOMS {
        words = words.replace(idiom, "");
    }
    let words: Vec<_> = words.split('_').collect();
    let entry = ENTRIES.iter().find(|entry| entry.counts.in_kind(name) && entry.in_words(&words))?;
    Some(format!("{name} says `{}`. The field's word: {}.", entry.word, entry.instead))
}

impl Entry {
    fn in_words(&self, words: &[&str]) -> bool {
        let wanted: Vec<_> = self.word.split('_').collect();
        match self.counts {
            Anywhere | Identifiers | Things | Types => words.windows(wanted.len()).any(|window| window == wanted),
            File | FileIn(_) | Type | Function => words == wanted,
        }
    }
}

impl Counts {
    fn in_kind(self, name: &Name) -> bool {
        let file = matches!(name.kind, Kind::File | Kind::Folder | Kind::Module);
        match self {
            Anywhere => true,
            Identifiers => name.kind != Kind::Test,
            Things => file || name.kind == Kind::Type,
            Types | Type => name.kind == Kind::Type,
            // Only in Rust: pages and data are named by what users see.
            File => file && (name.kind != Kind::File || name.path.ends_with(".rs")),
            FileIn(folder) => file && name.path.split('/').next() == Some(folder),
            Function => name.kind == Kind::Function,
        }
    }
}

/// The words of a name in lower case: of `snake_case`, `CamelCase`, `kebab-case` and sentences.
pub fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let characters: Vec<char> = name.chars().collect();
    for (at, character) in characters.iter().enumerate() {
        let previous = at.checked_sub(1).map(|at| characters[at]);
        let hump = character.is_uppercase()
            && previous.is_some_and(|previous| {
                // `aB`, and the last capital of `HTTPServer`.
                previous.is_lowercase() || characters.get(at + 1).is_some_and(|next| next.is_lowercase())
            });
        if (hump || !character.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_words() {
        for (name, expected) in [
            ("gives_way", "gives way"),
            ("OnTheWay", "on the way"),
            ("HTTPServer", "http server"),
            ("MAX_LIMIT", "max limit"),
            ("rule-row--open", "rule row open"),
            ("a page, told at once", "a page told at once"),
            ("sha256Of", "sha256 of"),
        ] {
            assert_eq!(words(name).join(" "), expected);
        }
    }

    fn says(kind: Kind, path: &str, text: &str) -> bool {
        finding(&Name { kind, text: text.to_owned(), path: path.to_owned(), line: 1 }).is_some()
    }

    #[test]
    fn a_word_counts_where_its_entry_says_and_only_whole() {
        for (kind, path, text) in [
            (Kind::Function, "a.rs", "told_by"),
            (Kind::Class, "a.css", "desk-open"),
            (Kind::Test, "a.ts", "somebody signs in"),
            (Kind::Variant, "a.rs", "OnTheWay"),
            (Kind::Type, "a.rs", "KeptRow"),
            (Kind::File, "app/src/kept_rows.rs", "kept_rows"),
            (Kind::File, "app/src/one.rs", "one"),
            (Kind::Folder, "server/src/live", "live"),
            (Kind::File, "server/src/http/front.rs", "front"),
            (Kind::Type, "a.rs", "Answer"),
            (Kind::Type, "a.rs", "AskAgent"),
            (Kind::Function, "a.rs", "decide_text"),
            (Kind::Function, "a.rs", "agents_told_apart_are_told"),
            (Kind::Function, "a.rs", "open_beside"),
        ] {
            assert!(says(kind, path, text), "{kind} {text}");
        }
        for (kind, path, text) in [
            (Kind::Function, "a.rs", "kept"),
            (Kind::Field, "a.rs", "moved"),
            (Kind::Type, "a.rs", "Teller"),
            (Kind::Type, "a.rs", "Task"),
            (Kind::Type, "a.rs", "AnswerKind"),
            (Kind::File, "app/src/one_input.rs", "one_input"),
            (Kind::Folder, "scripts/front", "front"),
            (Kind::File, "style/words.css", "words"),
            (Kind::Test, "a.rs", "nobody_approves_their_own"),
            (Kind::Function, "a.rs", "decide"),
            (Kind::Function, "a.rs", "agents_are_told_apart"),
            (Kind::Test, "a.ts", "the key figures stand beside each other"),
        ] {
            assert!(!says(kind, path, text), "{kind} {text}");
        }
    }

    #[test]
    fn advice_names_the_place_and_the_better_word() {
        let name = Name { kind: Kind::Type, text: "Keeper".to_owned(), path: "a.rs".to_owned(), line: 3 };
        assert_eq!(
            finding(&name).unwrap(),
            "a.rs:3: type `Keeper` says `keeper`. The field's word: jobs, one file a job."
        );
        let file = Name { kind: Kind::File, text: "keeper".to_owned(), path: "src/keeper.rs".to_owned(), line: 0 };
        assert!(finding(&file).unwrap().starts_with("src/keeper.rs: file says `keeper`."));
    }
}
