//! What is Unix's and no other system's. devres-gen is used and tested on Linux alone; whoever
//! wants another system begins here.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink as unix_symlink};
use std::path::Path;

/// Permissions of a new file, of which the system takes what the user's umask says.
pub(crate) fn new_file_permissions() -> Permissions {
    Permissions::from_mode(0o666)
}

/// Makes a symbolic link.
///
/// # Errors
/// What the file system answers.
pub(crate) fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    unix_symlink(target, link)
}
