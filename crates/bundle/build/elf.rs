//! Reads from an ELF header what decides whether Lambda can start a binary: its machine, and whether it
//! asks for a dynamic loader. It knows nothing of Cargo or zip files.

const PT_INTERP: u32 = 3;

/// What an ELF header says of a binary.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// `e_machine`: 62 for x86_64, 183 for AArch64.
    pub(crate) machine: u16,
    /// Whether a program header names an interpreter, that is, a dynamic loader of the system it runs on.
    pub(crate) has_interpreter: bool,
}

/// Reads the header of a 64-bit little-endian ELF executable; `None` where `binary` is not one.
pub(crate) fn header(binary: &[u8]) -> Option<Header> {
    if binary.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let machine = u16::from_le_bytes(bytes(binary, 18)?);
    let offset = usize::try_from(u64::from_le_bytes(bytes(binary, 32)?)).ok()?;
    let entry_size = usize::from(u16::from_le_bytes(bytes(binary, 54)?));
    let entries = usize::from(u16::from_le_bytes(bytes(binary, 56)?));
    let mut has_interpreter = false;
    for index in 0..entries {
        let at = offset.checked_add(index.checked_mul(entry_size)?)?;
        has_interpreter |= u32::from_le_bytes(bytes(binary, at)?) == PT_INTERP;
    }
    Some(Header { machine, has_interpreter })
}

fn bytes<const N: usize>(binary: &[u8], at: usize) -> Option<[u8; N]> {
    binary.get(at..at.checked_add(N)?)?.try_into().ok()
}
