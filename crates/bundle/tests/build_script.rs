//! The parts of the build script that can be looked at without a build.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

#[path = "../build/elf.rs"]
mod elf;
#[path = "../build/sources.rs"]
mod sources;

/// A 64-bit header with one program header of `kind`.
fn executable(machine: u16, kind: u32) -> Vec<u8> {
    let mut bytes = vec![0; 64 + 56];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    bytes[32..40].copy_from_slice(&64_u64.to_le_bytes());
    bytes[54..56].copy_from_slice(&56_u16.to_le_bytes());
    bytes[56..58].copy_from_slice(&1_u16.to_le_bytes());
    bytes[64..68].copy_from_slice(&kind.to_le_bytes());
    bytes
}

#[test]
fn a_binary_that_names_an_interpreter_is_told_from_a_static_one() {
    let loadable = 1;
    let interpreter = 3;
    assert!(!elf::header(&executable(62, loadable)).unwrap().has_interpreter);
    assert!(elf::header(&executable(62, interpreter)).unwrap().has_interpreter);
    assert_eq!(elf::header(&executable(183, loadable)).unwrap().machine, 183);
}

#[test]
fn what_is_no_whole_executable_has_no_header() {
    let whole = executable(62, 1);
    for length in 0..whole.len() - 52 {
        assert_eq!(elf::header(&whole[..length]), None, "{length} bytes");
    }
    assert_eq!(elf::header(b"#!/bin/sh\n"), None);
    let mut far = whole;
    far[32..40].fill(0xff);
    assert_eq!(elf::header(&far), None);
}

#[test]
fn this_very_test_is_read_as_an_executable_with_an_interpreter() {
    // Test programs are linked dynamically on Linux with the GNU C library, and only there.
    if cfg!(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static"))) {
        let test = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(elf::header(&test).unwrap().has_interpreter);
    }
}

#[test]
fn sources_are_the_files_read_and_the_manifests_of_their_crates() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("a workspace");
    for name in ["crates/one/src", "crates/two/src", "assets"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    for name in ["Cargo.toml", "crates/one/Cargo.toml", "crates/two/Cargo.toml"] {
        fs::write(root.join(name), "").unwrap();
    }
    let escaped = root.display().to_string().replace(' ', "\\ ");
    let dep_info = format!(
        "{escaped}/target/bootstrap: {escaped}/crates/one/src/main.rs crates/two/src/lib.rs \
         {escaped}/assets/notice.txt {escaped}/target/lambda/out/generated.rs\n"
    );
    let expected: BTreeSet<PathBuf> = [
        "assets/notice.txt",
        "crates/one/Cargo.toml",
        "crates/one/src/main.rs",
        "crates/two/Cargo.toml",
        "crates/two/src/lib.rs",
    ]
    .into_iter()
    .map(|name| root.join(name))
    .collect();
    assert_eq!(sources::sources(&dep_info, &root, &root.join("target")), expected);
}

#[test]
fn the_digest_of_sources_depends_on_their_names_and_content_and_not_on_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let digest = |root: &str, name: &str, content: &str| {
        let root = folder.path().join(root);
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join(name), content).unwrap();
        sources::digest(&[root.join(name)].into(), &root).unwrap()
    };
    let here = digest("here", "main.rs", "1");
    assert_eq!(here.len(), 12);
    assert_eq!(digest("elsewhere", "main.rs", "1"), here);
    assert_ne!(digest("here", "lib.rs", "1"), here);
    assert_ne!(digest("here", "main.rs", "2"), here);
}

/// The part of the workspace's manifest that begins with `[heading]`.
fn table(heading: &str) -> &'static str {
    let manifest = include_str!("../../../Cargo.toml");
    let (_, rest) = manifest.split_once(&format!("\n[{heading}]\n")).unwrap();
    rest.split("\n[").next().unwrap()
}

#[test]
fn no_crate_of_the_checker_inherits_that_the_command_leaves_it_unoptimised() {
    let unoptimised = table("profile.release.package");
    let dependencies = include_str!("../../checker/Cargo.toml");
    let crates: BTreeSet<&str> = dependencies
        .lines()
        .filter_map(|line| line.split(['.', ' ']).next())
        .filter(|name| unoptimised.contains(&format!("{name} = {{ opt-level = 0 }}")) && name.starts_with("aws-sdk-"))
        .collect();
    assert!(crates.contains("aws-sdk-iam"), "{crates:?}");
    for name in crates {
        assert!(table("profile.lambda.package").contains(&format!("{name} = {{ opt-level = \"z\" }}")), "{name}");
        assert!(
            table("profile.lambda-development.package").contains(&format!("{name} = {{ opt-level = 0 }}")),
            "{name}"
        );
    }
}
