//! Code in the account that this command did not upload.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use keyminder_testkit::command::{EMAIL, REGION, World, unbroken};

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
    let file = format!("[notify]\nemails = [\"{EMAIL}\"]\n[function]\ntrusted_code = [\"{OTHER}\"]\n");
    world.write("keyminder.toml", &file);
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
    assert!(other["message"].as_str().unwrap().contains("The installed code"), "{other:#}");
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
