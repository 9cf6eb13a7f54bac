//! A packet's evidence, and running its replay again.

use policy::replay::Corpus;
use serde::{Deserialize, Serialize};

use super::{
    Content, PacketBundle, ReviewSettings,
    content::packet_id,
    replay::{DigestedBundle, replay},
};

/// A packet with its corpus: everything needed to run the replay again, anywhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The packet's id.
    pub packet_id: String,
    /// The content whose hash is the id.
    pub content: Content,
    /// The decisions.
    pub corpus: Corpus,
}

impl Evidence {
    /// Runs the replay again and compares the results.
    pub fn verify(&self) -> Verification {
        verify(&self.packet_id, &self.content, &self.corpus)
    }
}

/// The result of re-running a packet's replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Whether everything below agrees.
    pub passed: bool,
    /// Whether the packet's id is the hash of its content.
    pub packet_id_matches: bool,
    /// Whether both bundles have the digests the packet states.
    pub digests_match: bool,
    /// Whether the corpus has the digest the packet states.
    pub corpus_matches: bool,
    /// The checksum the packet states.
    pub expected_checksum: String,
    /// The checksum of the new replay.
    pub replay_checksum: String,
    /// Whether the new replay, itself run twice, gave the same checksum.
    pub checksum_matches: bool,
    /// The mismatches, in sentences; empty when everything agrees.
    pub problems: Vec<String>,
}

/// Runs the replay of `content` over `corpus` again and compares everything that the content states with the results.
pub fn verify(stated_id: &str, content: &Content, corpus: &Corpus) -> Verification {
    let draft = content.bundle.source();
    let base = content.base.as_ref().map(PacketBundle::source);
    let draft_digest = draft.digest().to_string();
    let base_digest = base.as_ref().map(|base| base.digest().to_string());
    let digests_match = draft_digest == content.bundle.digest
        && base_digest.as_deref() == content.base.as_ref().map(|base| base.digest.as_str());
    let parsed = draft.parse_rules().bundle;
    let parsed_base = base.as_ref().map(|base| base.parse_rules().bundle);
    let base_digested =
        parsed_base.as_ref().zip(base_digest.as_deref()).map(|(bundle, digest)| DigestedBundle { bundle, digest });
    let draft_digested = DigestedBundle { bundle: &parsed, digest: &draft_digest };
    let (report, _) = replay(corpus, base_digested, draft_digested, &ReviewSettings::default(), true);
    let stated = &content.replay;
    let packet_id_matches = packet_id(content) == stated_id;
    let corpus_matches = report.corpus_digest == stated.corpus_digest;
    let checksum_matches = report.deterministic_pass && report.replay_checksum == stated.replay_checksum;
    let mut problems = Vec::new();
    let mut expect = |holds: bool, problem: String| {
        if !holds {
            problems.push(problem);
        }
    };
    expect(packet_id_matches, "The packet's id is not the hash of its content: the content was changed.".to_owned());
    expect(digests_match, "A bundle in the packet does not have the digest that is stated for it.".to_owned());
    expect(corpus_matches, "The corpus is not the one the packet was built from.".to_owned());
    if report.engine_version == stated.engine_version {
        expect(
            checksum_matches,
            format!("The replay gives {}, the packet states {}.", report.replay_checksum, stated.replay_checksum),
        );
    } else {
        expect(
            false,
            format!(
                "The packet was replayed by {}, this is {}: build it again to compare.",
                stated.engine_version, report.engine_version
            ),
        );
    }
    Verification {
        passed: problems.is_empty(),
        packet_id_matches,
        digests_match,
        corpus_matches,
        expected_checksum: stated.replay_checksum.clone(),
        replay_checksum: report.replay_checksum,
        checksum_matches,
        problems,
    }
}
