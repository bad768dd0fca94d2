//! The processors that Lambda offers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The processor that the function runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Architecture {
    /// Intel's and AMD's.
    #[default]
    #[serde(rename = "x86_64")]
    X86_64,
    /// AWS Graviton, about a fifth cheaper per millisecond.
    #[serde(rename = "arm64")]
    Arm64,
}

impl Architecture {
    /// Every architecture.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Arm64];

    /// Its name in Lambda's API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// The architecture with this name in Lambda's API.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|architecture| architecture.as_str() == name)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_architecture_is_named_as_lambda_names_it() {
        for architecture in Architecture::ALL {
            assert_eq!(Architecture::named(architecture.as_str()), Some(architecture));
            assert_eq!(serde_json::to_value(architecture).unwrap(), architecture.as_str());
        }
        assert_eq!(Architecture::named("aarch64"), None);
    }
}
