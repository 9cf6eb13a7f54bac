//! One contender loaded in a fresh process, with an allocator that counts bytes: started by `bench cold`.

use std::{alloc::System, process::ExitCode};

use bench::{arguments::Arguments, cold::fresh, workload::Shape};
use cap::Cap;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

fn main() -> ExitCode {
    match report() {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cold: {error}");
            ExitCode::FAILURE
        }
    }
}

fn report() -> Result<String, String> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    let engine = arguments.text("engine").ok_or("--engine is missing")?;
    let shape = arguments.text("shape").and_then(Shape::parse).ok_or("--shape is missing or unknown")?;
    let rules = arguments.value("rules", 1_000)?;
    let report = fresh(engine, shape, rules, || HEAP.allocated(), || HEAP.max_allocated())?;
    serde_json::to_string(&report).map_err(|error| error.to_string())
}
