//! Folders that nobody but their owner can enter: they hold personal data.

use std::fs::DirBuilder;
use std::io::Result;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Makes a folder, and those around it that are missing. One that is there already is left as it is.
///
/// # Errors
/// Whatever the system says.
pub fn make_folder(folder: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
