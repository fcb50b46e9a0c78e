//! The program `passerelle`. Its code is in the library, because code in this crate is compiled a second time.

use std::process::ExitCode;

// Requests allocate many small things that live as long as the request; this allocator is faster at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    passerelle::command::run()
}
