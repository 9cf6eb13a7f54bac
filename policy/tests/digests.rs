//! The digests of bundles in format 1.0, as they were before any later format, and of bundles in format 1.1: none of them
//! may ever change.
//!
//! Versions, packets, signatures and audit entries name bundles by these digests. Entries may be added to the golden
//! file; an entry that no longer agrees is a fault of the program, never of the file.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is its job")]

use policy::{bundle::Source, json};
use serde_json::Value;

fn golden() -> Vec<(String, Value, String)> {
    let first: &[u8] = include_bytes!("golden/digests.json");
    let later: &[u8] = include_bytes!("golden/digests-1.1.json");
    [first, later].into_iter().flat_map(read).collect()
}

fn read(text: &[u8]) -> Vec<(String, Value, String)> {
    let entries = json::parse(text).unwrap();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (text(entry, "name"), entry["bundle"].clone(), text(entry, "digest")))
        .collect()
}

#[test]
fn no_digest_of_a_bundle_changes() {
    for (name, bundle, digest) in golden() {
        assert_eq!(Source::read(bundle).unwrap().digest().as_str(), digest, "{name}");
    }
}

#[test]
fn a_bundle_that_is_written_and_read_again_keeps_its_digest() {
    for (name, bundle, digest) in golden() {
        let written = Source::read(bundle).unwrap().to_text();
        assert_eq!(Source::parse(written.as_bytes()).unwrap().digest().as_str(), digest, "{name}");
    }
}
