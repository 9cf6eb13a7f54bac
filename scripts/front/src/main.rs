//! Makes the files for browsers from a wasm file built by rustc: NAME.js and NAME.wasm in OUT.
//!
//! `front bind NAME FILE OUT` only adds the JavaScript side. `front cut NAME FILE OUT` also splits the file at the
//! functions marked with `wasm_split`:
//!
//! ```text
//! FILE ──cut──► first part ──bind──► NAME.js, NAME.wasm
//!          ├──► parts/PART-BUILD.wasm       code for that part only
//!          ├──► parts/shared-N-BUILD.wasm   code for several parts
//!          └──► NAME_parts.js               fetches the parts on demand
//! ```
//!
//! BUILD is a digest of FILE. Parts call into the first part by position, so a part of another build must never be
//! mistaken for one of this build; a page that was opened before an update asks for a file that no longer exists
//! instead.

use std::{
    env, error, fs,
    hash::{DefaultHasher, Hasher},
    path::Path,
};

use wasm_bindgen_cli_support::Bindgen;
use wasm_split_cli_support::{Options, transform};

type Outcome<T> = Result<T, Box<dyn error::Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [what, name, file, out] = arguments.as_slice() else {
        return Err("usage: front bind|cut NAME FILE OUT".into());
    };
    let (wasm, out) = (fs::read(file)?, Path::new(out));
    fs::create_dir_all(out)?;
    match what.as_str() {
        "bind" => bind(name, wasm, out),
        "cut" => bind(name, cut(name, &wasm, out)?, out),
        _ => Err(format!("{what}: neither bind nor cut").into()),
    }
}

/// Writes NAME.js and NAME.wasm.
fn bind(name: &str, wasm: Vec<u8>, out: &Path) -> Outcome<()> {
    Bindgen::new()
        .input_bytes(name, wasm)
        .web(true)?
        .typescript(false)
        // Parts import the memory, the table and the stack pointer, which the linker exports.
        .keep_lld_exports(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(out)?;
    // The pages ask for NAME.wasm, so the script's own default must be that name too.
    fs::rename(out.join(format!("{name}_bg.wasm")), out.join(format!("{name}.wasm")))?;
    let script = out.join(format!("{name}.js"));
    fs::write(&script, fs::read_to_string(&script)?.replace(&format!("{name}_bg.wasm"), &format!("{name}.wasm")))?;
    Ok(())
}

/// Writes the parts and their loader, and returns the first part.
fn cut(name: &str, wasm: &[u8], out: &Path) -> Outcome<Vec<u8>> {
    let first = out.join("first.wasm");
    let main_module = format!("./{name}.js");
    let loader = format!("./{name}_parts.js");
    let mut options = Options::new(wasm);
    options.output_dir = out;
    options.main_out_path = &first;
    options.main_module = &main_module;
    options.link_name = &loader;
    transform(options)?;
    name_parts(out, &out.join(loader), &build(wasm))?;
    let content = fs::read(&first)?;
    fs::remove_file(first)?;
    Ok(content)
}

fn build(wasm: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(wasm);
    format!("{:016x}", hasher.finish())
}

/// Moves the parts into their folder, under names with the build's hash, and puts those names into the loader.
fn name_parts(out: &Path, loader: &Path, build: &str) -> Outcome<()> {
    let parts = out.join("parts");
    fs::create_dir_all(&parts)?;
    let mut script = fs::read_to_string(loader)?;
    for entry in fs::read_dir(out)? {
        let file = entry?.path();
        let Some(stem) = file.file_stem().and_then(|stem| stem.to_str()) else { continue };
        let name = match stem.split_once('_') {
            Some(("split", part)) => part.to_owned(),
            Some(("chunk", number)) => format!("shared-{number}"),
            _ => continue,
        };
        let named = format!("{name}-{build}.wasm");
        let (was, is) = (format!("\"./{stem}.wasm\""), format!("\"./parts/{named}\""));
        // A part that turned out empty is written, but never fetched.
        if script.contains(&was) {
            script = script.replace(&was, &is);
            fs::rename(&file, parts.join(named))?;
        } else {
            fs::remove_file(&file)?;
        }
    }
    fs::write(loader, script)?;
    Ok(())
}
