//! Lists the files of the site (scripts, styles, fonts) so that a release build carries them inside.
//!
//! `SITE_DIR` says where they are; the default is `target/site` of the workspace. A missing folder is an empty site:
//! the server then serves pages without styles, and says so when it starts.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed=SITE_DIR");
    println!("cargo:rerun-if-changed=build.rs");
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let site = env::var("SITE_DIR").map_or_else(|_| manifest.join("../target/site"), PathBuf::from);
    let site = if site.is_absolute() { site } else { manifest.join("..").join(site) };

    let mut files = Vec::new();
    // Development builds read the folder when asked, so that a new style sheet needs no new server.
    if env::var("PROFILE")? == "release" {
        println!("cargo:rerun-if-changed={}", site.display());
        if site.is_dir() {
            collect(&site, &mut files)?;
        }
    }
    files.sort();

    let mut table = String::from("/// Path below the site, content.\npub static FILES: &[(&str, &[u8])] = &[\n");
    for file in &files {
        let name = file.strip_prefix(&site)?.to_string_lossy().replace('\\', "/");
        let place = file.canonicalize()?;
        writeln!(table, "    ({name:?}, include_bytes!({:?})),", place.display().to_string())?;
    }
    table.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("site.rs"), table)?;
    println!("cargo:rustc-env=COUNTERSIGN_SITE_DIR={}", site.display());
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
