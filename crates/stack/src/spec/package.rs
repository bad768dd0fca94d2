//! The deployment package, as whoever builds it hands it in.

use std::fmt;
use std::rc::Rc;

use keyminder_keyage::Architecture;

/// The deployment package: the zip that is uploaded.
#[derive(Clone)]
pub struct Package {
    architecture: Architecture,
    source: Option<String>,
    zip: Rc<BuildZip>,
}

type BuildZip = dyn Fn(Option<&str>) -> Result<Vec<u8>, String>;

impl Package {
    /// A package for an architecture. `zip` builds the zip file. If the settings outgrow the function's environment,
    /// it is given the text of `settings.json` to include. The same text has to give the same bytes.
    pub fn new(architecture: Architecture, zip: impl Fn(Option<&str>) -> Result<Vec<u8>, String> + 'static) -> Self {
        Self { architecture, source: None, zip: Rc::new(zip) }
    }

    /// The same with a record of what the binary was compiled from, for people: its version and a digest.
    #[must_use]
    pub fn with_source(mut self, source: Option<&str>) -> Self {
        self.source = source.map(str::to_owned);
        self
    }

    /// What the binary was compiled from.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The architecture that the binary was built for.
    #[must_use]
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    pub(crate) fn zip(&self, settings: Option<&str>) -> Result<Vec<u8>, String> {
        (self.zip)(settings)
    }
}

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Package").field("architecture", &self.architecture).finish_non_exhaustive()
    }
}
