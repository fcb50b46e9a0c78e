//! Folders with personal data, which only their owner can enter.

use std::fs::DirBuilder;
use std::io::Result;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Creates a folder and its missing parents, accessible to their owner only. An existing folder is not changed.
///
/// # Errors
/// Any error of the operating system.
pub fn make_folder(folder: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
