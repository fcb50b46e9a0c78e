//! The command line of Passerelle.

use std::process::ExitCode;

mod command;

// Requests allocate many small things that live as long as the request; this allocator is faster at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    command::run()
}
