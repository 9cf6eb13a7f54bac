//! The `countersign` program. Everything is in the library, so that tests can reach it.

use std::process::ExitCode;

/// Answering a question takes some thirty small pieces of memory that live for a moment; the system's allocator took a
/// fifth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::cli::run()
}
