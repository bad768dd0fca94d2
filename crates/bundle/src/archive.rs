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

/// Above 9 it is zopfli that deflates, with so many iterations more: a few per cent smaller than zlib at its best.
#[allow(dead_code, reason = "used by the build script")]
const LEVEL: i64 = 9 + 6;

/// A new zip file with the executable alone, as small as deflate makes it.
#[allow(dead_code, reason = "used by the build script, and by tests")]
pub(crate) fn pack(binary: &[u8]) -> ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let deflated = options(0o755).compression_method(CompressionMethod::Deflated).compression_level(Some(LEVEL));
    zip.start_file(BOOTSTRAP, deflated)?;
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
