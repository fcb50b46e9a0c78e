//! The command line of Passerelle.

// The futures of the schema's fields lie in each other more than 128 deep, which is where the compiler stops to work out
// how large they are.
#![recursion_limit = "256"]

use std::process::ExitCode;

mod command;

// Requests allocate many small things that live as long as the request; this allocator is faster at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    command::run()
}
