//! The crates of the workspace, and which crate depends on which.

use std::collections::BTreeSet;

use toml::Table;

use crate::sources::Sources;

/// A crate of the workspace.
#[derive(Debug)]
pub struct Member {
    /// The package's name, which is also its folder's name.
    pub name: String,
    /// Other crates of the workspace that this crate depends on, including for tests and build scripts only.
    pub takes: BTreeSet<String>,
}

impl Member {
    /// The manifest's path.
    pub fn manifest(&self) -> String {
        format!("{}/Cargo.toml", self.name)
    }

    /// Root files of the crate: those of its library and its program.
    ///
    /// # Panics
    /// When there is no root file.
    pub fn roots(&self, sources: &Sources) -> Vec<String> {
        let roots: Vec<_> = ["lib.rs", "main.rs"]
            .into_iter()
            .map(|file| format!("{}/src/{file}", self.name))
            .filter(|path| sources.text(path).is_some())
            .collect();
        assert!(!roots.is_empty(), "{}/src has neither lib.rs nor main.rs", self.name);
        roots
    }
}

/// The workspace's crates in the order the manifest lists them.
///
/// # Panics
/// When a manifest is missing or is not TOML.
pub fn members(sources: &Sources) -> Vec<Member> {
    let workspace = table(sources, "Cargo.toml");
    let listed = workspace.get("workspace").and_then(|workspace| workspace.get("members")?.as_array());
    let names: Vec<String> = listed
        .unwrap_or_else(|| panic!("Cargo.toml has no list of workspace members"))
        .iter()
        .filter_map(|member| member.as_str().map(str::to_owned))
        .collect();
    let takes = |name: &String| {
        let manifest = table(sources, &format!("{name}/Cargo.toml"));
        let mut takes: BTreeSet<_> = ["dependencies", "dev-dependencies", "build-dependencies"]
            .into_iter()
            .filter_map(|section| manifest.get(section)?.as_table())
            .flat_map(Table::keys)
            .filter(|dependency| names.contains(dependency))
            .cloned()
            .collect();
        // A crate may depend on itself with a feature for tests.
        takes.remove(name);
        takes
    };
    names.iter().map(|name| Member { name: name.clone(), takes: takes(name) }).collect()
}

fn table(sources: &Sources, path: &str) -> Table {
    let text = sources.text(path).unwrap_or_else(|| panic!("{path} is not there"));
    text.parse().unwrap_or_else(|error| panic!("{path} is not TOML: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crates_of_the_workspace_count_and_not_the_crate_itself() {
        let sources = Sources::of([
            ("Cargo.toml", "[workspace]\nmembers = ['core', 'store', 'app']"),
            ("core/Cargo.toml", "[dependencies]\nserde = '1'"),
            ("core/src/lib.rs", ""),
            ("store/Cargo.toml", "[dependencies]\ncore.workspace = true\n[dev-dependencies]\nstore = { path = '.' }"),
            (
                "app/Cargo.toml",
                "[dependencies]\nstore = { workspace = true, optional = true }\n[dev-dependencies]\ncore.workspace = true",
            ),
            ("app/src/lib.rs", ""),
            ("app/src/main.rs", ""),
        ]);
        let members = members(&sources);
        let takes: Vec<Vec<_>> =
            members.iter().map(|member| member.takes.iter().map(String::as_str).collect()).collect();
        assert_eq!(takes, [vec![], vec!["core"], vec!["core", "store"]]);
        assert_eq!(members[2].roots(&sources), ["app/src/lib.rs", "app/src/main.rs"]);
        assert_eq!(members[0].roots(&sources), ["core/src/lib.rs"]);
    }
}
