//! Merges the files of `openapi/` into the one document that is served.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let contract = contract(&manifest.join("openapi"))?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("openapi.json"), contract.to_string())?;
    Ok(())
}

/// `openapi.yaml` with the content of `paths/`, `schemas/` and `examples/`.
fn contract(folder: &Path) -> Result<Value, Box<dyn Error>> {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut document = yaml(&folder.join("openapi.yaml"))?;
    let components = document.get_mut("components").and_then(Value::as_object_mut).ok_or("no components")?;
    components.insert("schemas".to_owned(), Value::Object(merged(&folder.join("schemas"))?));
    let mut examples = Map::new();
    for file in sorted(&folder.join("examples"))? {
        let content = serde_json::from_str(&fs::read_to_string(&file)?).map_err(|error| at(&file, &error))?;
        examples.insert(file.file_stem().unwrap_or_default().to_string_lossy().into_owned(), content);
    }
    let document_members = document.as_object_mut().ok_or("openapi.yaml is no object")?;
    document_members.insert("paths".to_owned(), Value::Object(merged(&folder.join("paths"))?));
    document_members.insert("x-examples".to_owned(), Value::Object(examples));
    Ok(document)
}

/// The members of all files in a folder; a name may be used only once.
fn merged(folder: &Path) -> Result<Map<String, Value>, Box<dyn Error>> {
    let mut all = Map::new();
    for file in sorted(folder)? {
        let Value::Object(members) = yaml(&file)? else { return Err(at(&file, &"is no object")) };
        for (name, value) in members {
            if all.insert(name.clone(), value).is_some() {
                return Err(at(&file, &format!("`{name}` is written twice")));
            }
        }
    }
    Ok(all)
}

fn yaml(file: &Path) -> Result<Value, Box<dyn Error>> {
    serde_saphyr::from_str(&fs::read_to_string(file)?).map_err(|error| at(file, &error))
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    Ok(files)
}

fn at(file: &Path, error: &dyn std::fmt::Display) -> Box<dyn Error> {
    format!("{}: {error}", file.display()).into()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
