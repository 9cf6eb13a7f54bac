//! Names of files and folders.

use std::collections::BTreeSet;

use super::name::{Kind, Name};

/// The names in these paths, each folder once.
pub(super) fn names<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<Name> {
    let mut folders = BTreeSet::new();
    let mut names = Vec::new();
    for path in paths {
        let file = path.rsplit('/').next().unwrap_or(path);
        let stem = file.trim_start_matches('.').split('.').next().unwrap_or(file);
        names.push(Name { kind: Kind::File, text: stem.to_owned(), path: path.to_owned(), line: 0 });
        let ends = path.match_indices('/').map(|(end, _)| &path[..end]);
        names.extend(ends.filter(|folder| folders.insert(*folder)).map(|folder| Name {
            kind: Kind::Folder,
            text: folder.rsplit('/').next().unwrap_or(folder).to_owned(),
            path: folder.to_owned(),
            line: 0,
        }));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_path_is_a_name_once() {
        let names = names(["app/src/one.rs", "app/src/two.spec.ts", ".ci/run"].into_iter());
        let short: Vec<_> = names.iter().map(|name| (name.kind, name.text.as_str(), name.path.as_str())).collect();
        assert_eq!(
            short,
            [
                (Kind::File, "one", "app/src/one.rs"),
                (Kind::Folder, "app", "app"),
                (Kind::Folder, "src", "app/src"),
                (Kind::File, "two", "app/src/two.spec.ts"),
                (Kind::File, "run", ".ci/run"),
                (Kind::Folder, ".ci", ".ci"),
            ]
        );
    }
}
