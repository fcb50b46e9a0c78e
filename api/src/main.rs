//! The program `passerelle`. Its code is in the library: what is compiled here is compiled a second time.

use std::process::ExitCode;

// Requests allocate many small things that live as long as the request; this allocator is faster at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    passerelle::command::run()
}
