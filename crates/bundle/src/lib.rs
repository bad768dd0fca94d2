//! The checker as Lambda takes it: compiled, static, and packed in a zip file whose bytes depend on source
//! and toolchain alone. This crate owns the zip file's form and knows nothing of AWS's API; what the checker
//! does is `keyminder-checker`'s, how it is compiled is in this crate's build script.
//!
//! ```
//! use keyminder_bundle::{Package, available};
//!
//! let package = Package::new(available()[0])?.with_settings(Some(r#"{"max_age_days": 60}"#))?;
//! assert_eq!(package.code_sha256().len(), 44);
//! # Ok::<(), keyminder_bundle::Error>(())
//! ```

mod archive;

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyminder_keyage::Architecture;
use sha2::{Digest, Sha256};

include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// The name of the entry that holds the settings, beside the executable in the zip file.
pub const SETTINGS: &str = "settings.json";

/// How the checker in a package was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Compiled with this command in a development build: quickly, so it is larger and slower than a released one.
    Development,
    /// Compiled with this command in a release build: small and quick to start.
    Release,
    /// Handed in ready-made when this command was compiled.
    HandedIn,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Development => "development build",
            Self::Release => "release build",
            Self::HandedIn => "prebuilt",
        })
    }
}

/// What can go wrong with a package.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// This build of keyminder carries no checker for that architecture.
    #[error("this build carries no checker for {architecture}, only for {}", list(BUNDLED))]
    NotBundled {
        /// The architecture asked for.
        architecture: Architecture,
    },
    /// The settings could not be put into the zip file.
    #[error("cannot put {SETTINGS} into the package")]
    Zip(#[from] zip::result::ZipError),
    /// The zip file could not be written to disk.
    #[error("cannot write {}", path.display())]
    Write {
        /// Where it was to be written.
        path: PathBuf,
        /// Why that failed.
        source: io::Error,
    },
}

/// The architectures that this build carries a checker for: at least one, the default first.
#[must_use]
pub fn available() -> &'static [Architecture] {
    BUNDLED
}

/// The architecture that a package has unless another is asked for.
#[must_use]
pub fn preferred() -> Architecture {
    BUNDLED.first().copied().unwrap_or_default()
}

/// The version of the checker in the packages, the same as this command's: they are released together.
#[must_use]
pub fn checker_version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The package that `executable` is, from whichever build, with settings beside it.
///
/// # Errors
/// [`Error::Zip`] if `executable` is not a zip file.
pub fn join(executable: &[u8], settings: &str) -> Result<Vec<u8>, Error> {
    Ok(archive::append(executable, SETTINGS, settings)?)
}

/// The opposite of [`join`]: a package without the settings beside its executable, and the settings. `None` if `zip` is
/// not a package with settings as [`join`] makes it.
///
/// ```
/// use keyminder_bundle::{Package, available, join, split};
///
/// let package = Package::new(available()[0])?;
/// let joined = join(package.zip(), "{}")?;
/// assert_eq!(split(&joined), Some((package.zip().to_vec(), "{}".to_owned())));
/// assert_eq!(split(package.zip()), None);
/// # Ok::<(), keyminder_bundle::Error>(())
/// ```
#[must_use]
pub fn split(zip: &[u8]) -> Option<(Vec<u8>, String)> {
    archive::split(zip, SETTINGS)
}

/// A zip file for Lambda's `CreateFunction` and `UpdateFunctionCode`.
#[derive(Clone, PartialEq, Eq)]
pub struct Package {
    architecture: Architecture,
    origin: Origin,
    source: Option<&'static str>,
    zip: Cow<'static, [u8]>,
}

impl Package {
    /// The checker alone.
    ///
    /// # Errors
    /// [`Error::NotBundled`] for an architecture that is not among [`available`].
    pub fn new(architecture: Architecture) -> Result<Self, Error> {
        let (origin, source, zip) = bundled(architecture).ok_or(Error::NotBundled { architecture })?;
        Ok(Self { architecture, origin, source, zip: Cow::Borrowed(zip) })
    }

    /// The checker with settings beside it that are too large for the function's environment, in place of
    /// such as were there; `None` leaves the checker alone. Equal settings give equal bytes.
    ///
    /// # Errors
    /// [`Error::Zip`] where they do not fit into a zip file, which for less than 4 GiB does not happen.
    pub fn with_settings(self, settings: Option<&str>) -> Result<Self, Error> {
        let mut package = Self::new(self.architecture)?;
        if let Some(settings) = settings {
            package.zip = Cow::Owned(archive::append(&package.zip, SETTINGS, settings)?);
        }
        Ok(package)
    }

    /// What the executable in it runs on.
    #[must_use]
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// How the executable in it was made.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The version and a digest of the source that the executable was compiled from, such as `0.1.0 1f0a66a2bf35`;
    /// `None` if it was handed in without that.
    #[must_use]
    pub fn source(&self) -> Option<&'static str> {
        self.source
    }

    /// The zip file's bytes.
    #[must_use]
    pub fn zip(&self) -> &[u8] {
        &self.zip
    }

    /// The zip file's SHA-256 in base64, which is what Lambda answers as `CodeSha256` once it has this very
    /// file (AWS Lambda API Reference, `FunctionConfiguration`).
    #[must_use]
    pub fn code_sha256(&self) -> String {
        STANDARD.encode(Sha256::digest(&self.zip))
    }

    /// Writes the zip file to `path`, over a file that is there.
    ///
    /// # Errors
    /// [`Error::Write`] where the file cannot be made or written whole.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        fs::write(path, &self.zip).map_err(|source| Error::Write { path: path.to_path_buf(), source })
    }
}

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Package")
            .field("architecture", &self.architecture)
            .field("origin", &self.origin)
            .field("bytes", &self.zip.len())
            .field("code_sha256", &self.code_sha256())
            .finish()
    }
}

fn list(architectures: &[Architecture]) -> String {
    let names: Vec<&str> = architectures.iter().map(|one| one.as_str()).collect();
    names.join(" and ")
}
