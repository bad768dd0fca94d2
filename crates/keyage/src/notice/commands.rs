//! The commands of keyminder that notices name.

use crate::environment::DEFAULT_INSTALL;
use crate::untrusted::shell_option;

/// ` --name INSTALL` for commands about an installation; nothing for the default one.
#[must_use]
pub fn install_flag(install: &str) -> String {
    if install == DEFAULT_INSTALL { String::new() } else { format!(" {}", shell_option("--name", install)) }
}
