//! The zip file that Lambda takes: which entries, in which order, with which mode and time. Shared with the
//! build script. It knows nothing of where the bytes come from.
//!
//! Everything that could differ between two machines is fixed, so that equal content gives equal bytes, and
//! with them an equal `CodeSha256`: the time is the earliest that the format can hold, the creating system
//! is Unix, and no extra fields (user ids, finer times) are written.

use std::io::{Cursor, Write};

use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

/// The executable's name, which Lambda prescribes for `provided.al2023` (AWS Lambda Developer Guide,
/// "Building a custom runtime").
pub(crate) const BOOTSTRAP: &str = "bootstrap";

/// How much time deflating may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "used by the build script, and by tests")]
pub(crate) enum Effort {
    /// A fraction of a second, by zlib.
    Little,
    /// Some seconds, by zopfli: a few per cent smaller than zlib at its best.
    Most,
}

impl Effort {
    #[allow(dead_code, reason = "used by the build script, and by tests")]
    fn level(self) -> i64 {
        match self {
            Self::Little => 6,
            // Levels above 9 are zopfli's: the number above 9 is its number of iterations.
            Self::Most => 9 + 6,
        }
    }
}

/// A new zip file that holds the executable alone.
#[allow(dead_code, reason = "used by the build script, and by tests")]
pub(crate) fn pack(binary: &[u8], effort: Effort) -> ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let method = options(0o755).compression_method(CompressionMethod::Deflated);
    zip.start_file(BOOTSTRAP, method.compression_level(Some(effort.level())))?;
    zip.write_all(binary)?;
    Ok(zip.finish()?.into_inner())
}

/// `zip` with a text file after its entries, which stay as they are, byte for byte. The text is stored, not
/// compressed: it is small, and no compressor's version can then change the bytes.
#[allow(dead_code, reason = "not used by the build script")]
pub(crate) fn append(zip: &[u8], name: &str, text: &str) -> ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new_append(Cursor::new(zip.to_vec()))?;
    zip.start_file(name, options(0o644).compression_method(CompressionMethod::Stored))?;
    zip.write_all(text.as_bytes())?;
    Ok(zip.finish()?.into_inner())
}

fn options(mode: u32) -> SimpleFileOptions {
    SimpleFileOptions::default().last_modified_time(DateTime::DEFAULT).system(System::Unix).unix_permissions(mode)
}
