//! `passerelle schema`.

use std::io::{ErrorKind, Write};

use super::Failure;

/// Prints the schema.
pub(super) fn run() -> Result<(), Failure> {
    match std::io::stdout().write_all(crate::schema::sdl().as_bytes()) {
        // The reader has closed the pipe, as in `passerelle schema | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => {
            written.map_err(|error| Failure::failed(format!("the schema could not be written: {error}")))
        }
    }
}
