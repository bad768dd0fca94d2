//! Code in the account that this command did not upload.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Cursor, Write};
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine};
use keyminder_testkit::command::{EMAIL, REGION, World, unbroken};
use sha2::{Digest, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const FUNCTION: &str = "rotate-old-access-keys-notification-sender";
/// Thirty-two bytes in base64, as a hash has.
const OTHER: &str = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";

/// An installation whose code was replaced, with a record that claims this command's own source.
fn forged() -> World {
    let world = World::seeded(12, 3);
    world.install();
    world.sandbox.confirm(EMAIL);
    world.sandbox.edit(|aws| {
        let function = aws.region(REGION).functions.get_mut(FUNCTION).unwrap();
        function.code = Arc::new(b"somebody else's".to_vec());
        function.code_sha256 = OTHER.to_owned();
        // The tag that claims the source stays as setup wrote it: a forger would write the same.
    });
    world
}

fn installed_hash(world: &World) -> String {
    world.sandbox.edit(|aws| aws.region(REGION).functions[FUNCTION].code_sha256.clone())
}

fn trust(world: &World) {
    trust_only(world, OTHER);
}

/// A file whose exemptions do not fit into the function's environment; the first one ends on a day of `year`.
fn many_exemptions(year: u16, function: &str) -> String {
    let exemption = |number: u16| {
        let year = if number == 0 { year } else { 2029 };
        format!("{{ user = \"user-{number}-*\", until = \"{year}-01-31\", reason = \"is moving to a role\" }},\n")
    };
    let exemptions: String = (0..60).map(exemption).collect();
    format!("[notify]\nemails = [\"{EMAIL}\"]\n[check]\nexemptions = [\n{exemptions}]\n[function]\n{function}")
}

/// The package of the installed function.
fn installed_package(world: &World) -> Vec<u8> {
    world.sandbox.edit(|aws| aws.region(REGION).functions[FUNCTION].code.to_vec())
}

/// Puts another package into the function, as UpdateFunctionCode would.
fn replace_package(world: &World, zip: Vec<u8>) {
    world.sandbox.edit(|aws| {
        let function = aws.region(REGION).functions.get_mut(FUNCTION).unwrap();
        function.code_sha256 = sha256(&zip);
        function.code = Arc::new(zip);
    });
}

fn sha256(zip: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(zip))
}

/// The package that another build of keyminder carries, without settings.
fn package_of_another_build() -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
    zip.write_all(b"compiled elsewhere").unwrap();
    zip.finish().unwrap().into_inner()
}

/// The paths of the function's fields that differ.
fn differing(document: &serde_json::Value) -> Vec<&str> {
    let changes = document["changes"].as_array().unwrap();
    let function = changes.iter().find(|change| change["address"] == "lambda_function").unwrap();
    function["fields"].as_array().unwrap().iter().map(|field| field["path"].as_str().unwrap()).collect()
}

fn says(document: &serde_json::Value, code: &str) -> Option<String> {
    let attention = document["attention"].as_array().unwrap();
    let found = attention.iter().find(|one| one["code"] == code)?;
    Some(found["message"].as_str().unwrap().to_owned())
}

/// What this command's code was compiled from.
fn carried_source() -> Option<&'static str> {
    let architecture = keyminder_bundle::available()[0];
    keyminder_bundle::Package::new(architecture).unwrap().source()
}

/// An installation whose settings travel in its package.
fn with_settings_in_the_package() -> World {
    let world = World::seeded(12, 3);
    world.write("keyminder.toml", &many_exemptions(2027, ""));
    world.ok(&["setup", "--yes"]);
    world.sandbox.confirm(EMAIL);
    assert!(keyminder_bundle::split(&installed_package(&world)).is_some());
    world
}

#[test]
fn other_settings_in_the_package_are_no_other_code() {
    let world = with_settings_in_the_package();
    let (code, plan) = world.json(&["plan", "--exit-code"]);
    assert_eq!(code, 0, "{plan:#}");
    world.write("keyminder.toml", &many_exemptions(2028, ""));
    let (code, plan) = world.json(&["plan", "--exit-code"]);
    assert_eq!(code, 2, "{plan:#}");
    assert_eq!(differing(&plan), ["packaged_settings", "tags.keyminder:settings"], "{plan:#}");
    assert_eq!(says(&plan, "other_code"), None, "{plan:#}");
    let (_, status) = world.json(&["status"]);
    let problems = status["problems"].to_string();
    assert!(problems.contains("other settings") && !problems.contains("version or build"), "{problems}");
    world.ok(&["setup", "--yes"]);
    let (_, settings) = keyminder_bundle::split(&installed_package(&world)).unwrap();
    assert!(settings.contains("2028-01-31"), "{settings}");
}

#[test]
fn other_code_beside_the_same_settings_is_a_difference_in_code() {
    let world = with_settings_in_the_package();
    let (_, settings) = keyminder_bundle::split(&installed_package(&world)).unwrap();
    let other = package_of_another_build();
    replace_package(&world, keyminder_bundle::join(&other, &settings).unwrap());
    let (code, plan) = world.json(&["plan", "--exit-code"]);
    assert_eq!((code, differing(&plan)), (2, vec!["code_sha256"]), "{plan:#}");
    let message = says(&plan, "other_code").unwrap();
    assert!(message.contains(&sha256(&other)), "the hash to list is that of the package without settings: {message}");
    let (code, status) = world.json(&["status", "--exit-code"]);
    assert_eq!((code, action(&status)), (2, "update"), "{status:#}");
}

#[test]
fn kept_code_gets_the_new_settings_beside_it() {
    let world = with_settings_in_the_package();
    let (_, settings) = keyminder_bundle::split(&installed_package(&world)).unwrap();
    let other = package_of_another_build();
    replace_package(&world, keyminder_bundle::join(&other, &settings).unwrap());
    let trusted = format!("trusted_code = [\"{}\"]\n", sha256(&other));
    world.write("keyminder.toml", &many_exemptions(2027, &trusted));
    let (code, status) = world.json(&["status", "--exit-code"]);
    assert_eq!((code, action(&status)), (0, "none"), "{status:#}");
    world.write("keyminder.toml", &many_exemptions(2028, &trusted));
    let (_, plan) = world.json(&["plan", "--keep-code"]);
    assert_eq!(differing(&plan), ["packaged_settings", "tags.keyminder:settings"], "{plan:#}");
    world.ok(&["setup", "--yes", "--keep-code"]);
    let (executable, settings) = keyminder_bundle::split(&installed_package(&world)).unwrap();
    assert_eq!(executable, other);
    assert!(settings.contains("2028-01-31"), "{settings}");
    // A list that fits into the environment again leaves the executable alone.
    trust_only(&world, &sha256(&other));
    world.ok(&["setup", "--yes", "--keep-code"]);
    assert_eq!(installed_package(&world), other);
}

fn trust_only(world: &World, hash: &str) {
    let file = format!("[notify]\nemails = [\"{EMAIL}\"]\n[function]\ntrusted_code = [\"{hash}\"]\n");
    world.write("keyminder.toml", &file);
}

#[test]
fn a_package_that_is_not_the_one_that_lambda_names_is_not_believed() {
    let world = with_settings_in_the_package();
    // The link leads to what setup uploaded, but Lambda names another hash.
    world.sandbox.edit(|aws| aws.region(REGION).functions.get_mut(FUNCTION).unwrap().code_sha256 = OTHER.to_owned());
    let (code, plan) = world.json(&["plan", "--exit-code"]);
    assert_eq!(code, 2, "{plan:#}");
    assert!(differing(&plan).contains(&"code_sha256"), "{plan:#}");
    let message = says(&plan, "other_code").unwrap();
    assert!(message.contains("could not be downloaded"), "{message}");
    let (code, status) = world.json(&["status", "--exit-code"]);
    assert_eq!((code, action(&status)), (2, "update"), "{status:#}");
}

fn action(document: &serde_json::Value) -> &str {
    let changes = document["changes"].as_array().unwrap();
    changes.iter().find(|change| change["address"] == "lambda_function").unwrap()["action"].as_str().unwrap()
}

#[test]
fn forged_code_with_a_forged_record_stays_a_difference_everywhere() {
    let world = forged();
    let (code, plan) = world.json(&["plan", "--email", EMAIL, "--exit-code"]);
    assert_eq!((code, action(&plan)), (2, "update"), "{plan:#}");
    let attention = plan["attention"].as_array().unwrap();
    let other = attention.iter().find(|one| one["code"] == "other_code").unwrap();
    let message = other["message"].as_str().unwrap();
    // A checker that is handed in need not say what it was compiled from.
    match carried_source() {
        Some(source) => {
            assert!(message.contains(&format!("claims to be the same source as this command's ({source})")))
        }
        None => assert!(message.contains("does not say what it was compiled from"), "{other:#}"),
    }
    let (code, status) = world.json(&["status", "--email", EMAIL, "--exit-code"]);
    assert_eq!((code, action(&status)), (2, "update"), "{status:#}");
    let kept = world.run(&["setup", "--email", EMAIL, "--yes", "--keep-code"]);
    assert_eq!(kept.code, 64, "{kept:#?}");
    assert!(unbroken(&kept.stderr).contains("not listed in function.trusted_code"), "{kept:#?}");
    assert_eq!(installed_hash(&world), OTHER);
    world.ok(&["setup", "--email", EMAIL, "--yes"]);
    assert_ne!(installed_hash(&world), OTHER);
}

#[test]
fn code_that_the_configuration_lists_is_accepted_and_kept_on_request_only() {
    let world = forged();
    trust(&world);
    let (_, status) = world.json(&["status"]);
    assert_eq!(action(&status), "none", "{status:#}");
    let (code, plan) = world.json(&["plan", "--exit-code"]);
    assert_eq!((code, action(&plan)), (2, "update"), "{plan:#}");
    world.ok(&["setup", "--yes", "--keep-code"]);
    assert_eq!(installed_hash(&world), OTHER);
    world.ok(&["setup", "--yes"]);
    assert_ne!(installed_hash(&world), OTHER);
}
