//! The zip file that Lambda takes: which entries, in which order, with which mode and time. Shared with the
//! build script. It knows nothing of where the bytes come from.
//!
//! Everything that could differ between two machines is fixed, so that equal content gives equal bytes, and
//! with them an equal `CodeSha256`: the time is the earliest that the format can hold, the creating system
//! is Unix, and no extra fields (user ids, finer times) are written.

use std::io::{Cursor, Read, Write};

use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipArchive, ZipWriter};

/// The executable's name, which Lambda prescribes for `provided.al2023` (AWS Lambda Developer Guide,
/// "Building a custom runtime").
pub(crate) const BOOTSTRAP: &str = "bootstrap";

/// More text than any configuration has; what is longer is not read.
#[allow(dead_code, reason = "not used by the build script")]
const LONGEST_TEXT: u64 = 4 << 20;

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

/// The opposite of [`append`]: `zip` without the text file at its end, and the text. `None` unless appending the text
/// gives `zip` again, byte for byte.
#[allow(dead_code, reason = "not used by the build script")]
pub(crate) fn split(zip: &[u8], name: &str) -> Option<(Vec<u8>, String)> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).ok()?;
    let last = archive.len().checked_sub(1)?;
    let mut text = String::new();
    archive.by_name(name).ok()?.take(LONGEST_TEXT).read_to_string(&mut text).ok()?;
    let mut rest = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..last {
        rest.raw_copy_file(archive.by_index_raw(index).ok()?).ok()?;
    }
    let rest = rest.finish().ok()?.into_inner();
    (append(&rest, name, &text).ok()? == zip).then_some((rest, text))
}

fn options(mode: u32) -> SimpleFileOptions {
    SimpleFileOptions::default().last_modified_time(DateTime::DEFAULT).system(System::Unix).unix_permissions(mode)
}
