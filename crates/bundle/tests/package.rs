//! What Lambda will see of a package, and that it never depends on anything but its content.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::io::{Cursor, Read};

use keyminder_bundle::{Error, Origin, Package, SETTINGS, available, checker_version};
use keyminder_keyage::Architecture;
use zip::{CompressionMethod, DateTime, ZipArchive};

#[path = "../build/elf.rs"]
mod elf;

/// The most that a package may have: what the checker is worth in an account, and what tests can handle quickly.
fn longest(origin: Origin) -> usize {
    match origin {
        Origin::Release | Origin::HandedIn => 3_000_000,
        Origin::Development => 8_000_000,
    }
}

fn packages() -> impl Iterator<Item = Package> {
    available().iter().map(|architecture| Package::new(*architecture).unwrap())
}

fn open(package: &Package) -> ZipArchive<Cursor<&[u8]>> {
    ZipArchive::new(Cursor::new(package.zip())).unwrap()
}

fn names(package: &Package) -> Vec<String> {
    let mut archive = open(package);
    (0..archive.len()).map(|index| archive.by_index(index).unwrap().name().unwrap().into_owned()).collect()
}

fn content(package: &Package, name: &str) -> Vec<u8> {
    let mut archive = open(package);
    let mut content = Vec::new();
    let mut entry = archive.by_name(name).unwrap();
    entry.read_to_end(&mut content).unwrap();
    content
}

/// The compressed bytes of an entry as they lie in the file.
fn raw(package: &Package, name: &str) -> Vec<u8> {
    let mut archive = open(package);
    let index = archive.index_for_name(name).unwrap();
    let mut raw = Vec::new();
    let mut entry = archive.by_index_raw(index).unwrap();
    entry.read_to_end(&mut raw).unwrap();
    raw
}

#[test]
fn a_package_holds_the_executable_alone_with_the_mode_lambda_needs() {
    for package in packages() {
        assert_eq!(names(&package), ["bootstrap"]);
        let mut archive = open(&package);
        let entry = archive.by_name("bootstrap").unwrap();
        assert_eq!(entry.unix_mode().unwrap() & 0o7777, 0o755);
        assert_eq!(entry.compression(), CompressionMethod::Deflated);
    }
}

#[test]
fn no_entry_carries_anything_of_the_machine_that_packed_it() {
    for package in packages() {
        let package = package.with_settings(Some("{}")).unwrap();
        let mut archive = open(&package);
        assert!(archive.comment().is_empty());
        for index in 0..archive.len() {
            let entry = archive.by_index(index).unwrap();
            assert_eq!(entry.last_modified(), Some(DateTime::DEFAULT));
            assert!(entry.extra_data().is_none_or(|fields| fields.is_empty()));
            // The upper byte of "version made by" is 3 for Unix (APPNOTE.TXT, 4.4.2), first in the directory.
        }
        let directory = usize::try_from(archive.central_directory_start()).unwrap();
        assert_eq!(package.zip()[directory + 5], 3);
    }
}

#[test]
fn settings_lie_beside_the_executable_readable_by_all_and_leave_its_bytes_as_they_are() {
    for plain in packages() {
        let package = plain.clone().with_settings(Some("{\"a\": 1}")).unwrap();
        assert_eq!(names(&package), ["bootstrap", SETTINGS]);
        assert_eq!(content(&package, SETTINGS), b"{\"a\": 1}");
        let mut archive = open(&package);
        let entry = archive.by_name(SETTINGS).unwrap();
        assert_eq!(entry.unix_mode().unwrap() & 0o7777, 0o644);
        assert_eq!(raw(&package, "bootstrap"), raw(&plain, "bootstrap"));
        let entry_mode = open(&package).by_name("bootstrap").unwrap().unix_mode();
        assert_eq!(entry_mode.unwrap() & 0o7777, 0o755);
    }
}

#[test]
fn equal_settings_give_equal_bytes_and_others_give_another_hash() {
    for plain in packages() {
        let once = plain.clone().with_settings(Some("{}")).unwrap();
        let again = plain.clone().with_settings(Some("{}")).unwrap();
        let other = plain.clone().with_settings(Some("{ }")).unwrap();
        assert_eq!(once.zip(), again.zip());
        assert_eq!(once.code_sha256(), again.code_sha256());
        assert_ne!(once.code_sha256(), other.code_sha256());
        assert_ne!(once.code_sha256(), plain.code_sha256());
    }
}

#[test]
fn settings_replace_earlier_ones_and_none_takes_them_away() {
    for plain in packages() {
        let first = plain.clone().with_settings(Some("1")).unwrap();
        let second = first.clone().with_settings(Some("2")).unwrap();
        assert_eq!(content(&second, SETTINGS), b"2");
        assert_eq!(open(&second).len(), 2);
        assert_eq!(second.with_settings(None).unwrap(), plain);
    }
}

/// Lambda answers the base64 of the zip file's SHA-256: here that of a known file's, worked out by
/// `sha256sum FILE | xxd -r -p | base64` on the written package.
#[test]
fn the_code_hash_is_the_base64_of_the_written_files_sha256() {
    use base64::Engine;
    use sha2::Digest;

    let folder = tempfile::tempdir().unwrap();
    for package in packages() {
        let path = folder.path().join("package.zip");
        package.write(&path).unwrap();
        let written = std::fs::read(&path).unwrap();
        assert_eq!(written, package.zip());
        let digest = sha2::Sha256::digest(&written);
        let encoded = base64::engine::general_purpose::STANDARD.encode(digest);
        assert_eq!(package.code_sha256(), encoded);
        assert_eq!(package.code_sha256().len(), 44);
    }
}

#[test]
fn a_package_that_cannot_be_written_says_where() {
    let package = packages().next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no-such-folder/package.zip");
    let error = package.write(&path).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot write {}", path.display()));
}

#[test]
fn a_package_stays_small() {
    for package in packages() {
        let (origin, bytes) = (package.origin(), package.zip().len());
        assert!(bytes <= longest(origin), "{}, {origin}: {bytes} bytes", package.architecture());
    }
}

/// The profile of these tests is the profile of the build that compiled the checker.
#[test]
fn a_development_build_carries_a_quickly_built_checker_and_a_release_build_the_real_one() {
    for package in packages() {
        match package.origin() {
            Origin::HandedIn => {}
            origin if cfg!(debug_assertions) => assert_eq!(origin, Origin::Development),
            origin => assert_eq!(origin, Origin::Release),
        }
    }
}

#[test]
fn the_executable_is_for_its_architecture_and_asks_for_no_dynamic_loader() {
    for package in packages() {
        let header = elf::header(&content(&package, "bootstrap")).unwrap();
        let machine = match package.architecture() {
            Architecture::X86_64 => 62,
            Architecture::Arm64 => 183,
        };
        assert_eq!(header.machine, machine);
        assert!(!header.has_interpreter);
    }
}

#[test]
fn no_path_of_the_building_machine_is_left_in_the_executable() {
    let home = std::env::var("HOME").unwrap();
    let folder = env!("CARGO_MANIFEST_DIR");
    for package in packages() {
        let executable = content(&package, "bootstrap");
        for path in [folder, &format!("{home}/.cargo/"), &format!("{home}/.rustup/")] {
            let found = executable.windows(path.len()).any(|window| window == path.as_bytes());
            assert!(!found, "{path} is in {}", package.architecture());
        }
    }
}

#[test]
fn an_architecture_that_is_not_bundled_is_refused_naming_those_that_are() {
    for architecture in Architecture::ALL {
        match Package::new(architecture) {
            Ok(package) => {
                assert!(available().contains(&architecture));
                assert_eq!(package.architecture(), architecture);
            }
            Err(error) => {
                assert!(matches!(error, Error::NotBundled { .. }));
                assert!(error.to_string().contains(available()[0].as_str()), "{error}");
            }
        }
    }
}

#[test]
fn the_checkers_version_is_that_of_the_workspace() {
    assert_eq!(checker_version(), env!("CARGO_PKG_VERSION"));
}
