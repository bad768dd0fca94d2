//! Files that the command reads and writes: which one, how much of it, and with which permissions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, Instant};

use keyminder_testkit::command::{EMAIL, REGION, Ran, World, finish, unbroken};
use serde_json::Value;

fn mode(world: &World, file: &str) -> u32 {
    std::fs::metadata(world.home.path().join(file)).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_file_of_a_folder_above_is_read_and_named() {
    let world = World::new();
    world.write("keyminder.toml", "[check]\nmax_age_days = 60\n");
    let folder = world.home.path().join("infra/aws");
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = world.command(&["plan", "--verbose"]);
    command.current_dir(&folder);
    let ran = finish(command);
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ran.stdout.contains("settings from ../../keyminder.toml"), "{}", ran.stdout);
    assert!(ran.stdout.contains("MAX_AGE_DAYS: \"60\"") || ran.stdout.contains("60"), "{}", ran.stdout);
    let ran = World::new().run(&["plan"]);
    assert!(ran.stdout.contains("no keyminder.toml found"), "{}", ran.stdout);
}

#[test]
fn a_mistake_in_a_file_above_has_the_path_to_it() {
    let world = World::new();
    world.write("keyminder.toml", "nam = 1\n");
    let folder = world.home.path().join("sub");
    std::fs::create_dir(&folder).unwrap();
    let mut command = world.command(&["plan"]);
    command.current_dir(&folder);
    let ran = finish(command);
    assert!(ran.code == 64 && ran.stderr.contains("../keyminder.toml:1:1:"), "{ran:#?}");
}

#[test]
fn a_file_without_end_is_a_clear_error() {
    let world = World::new();
    for device in ["/dev/zero", "/dev/full"] {
        let start = Instant::now();
        let ran = world.run(&["plan", "--config", device]);
        assert_eq!(ran.code, 64, "{ran:#?}");
        assert!(ran.stderr.contains("larger than 16 MB"), "{ran:#?}");
        assert!(start.elapsed() < Duration::from_secs(10));
    }
    let ran = world.run(&["check", "--save", "/dev/full", "--format", "csv"]);
    assert!(ran.code == 1 && ran.stderr.contains("/dev/full"), "{ran:#?}");
    assert_eq!(world.run(&["plan", "--config", "/dev/null"]).code, 0);
}

#[test]
fn twenty_thousand_exemptions_are_read_in_no_time() {
    let world = World::new();
    let mut file = String::from("[check]\nmax_age_day = 60\nexemptions = [\n");
    for n in 0..20_000 {
        writeln!(file, "  {{ user = \"service-{n}\", until = 2030-01-31, reason = \"moves to a role\" }},").unwrap();
    }
    file.push_str("]\n");
    world.write("keyminder.toml", &file);
    // With a mistake in it each entry is tried by itself, which is the slow way.
    let start = Instant::now();
    let ran = world.run(&["plan"]);
    let took = start.elapsed();
    assert!(ran.code == 64 && ran.stderr.contains("keyminder.toml:2:1: unknown key"), "{}", ran.stderr);
    assert!(took < Duration::from_secs(10), "it took {took:?}");
}

#[test]
fn a_report_is_for_its_owner_and_a_file_keeps_its_mode() {
    let world = World::seeded(3, 1);
    world.ok(&["check", "--save", "keys.csv", "--format", "csv"]);
    assert_eq!(mode(&world, "keys.csv"), 0o600);
    let path = world.home.path().join("keys.csv");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    world.ok(&["check", "--save", "keys.csv", "--format", "csv"]);
    assert_eq!(mode(&world, "keys.csv"), 0o640);
}

#[test]
fn a_planted_link_is_replaced_and_not_followed() {
    let world = World::seeded(3, 1);
    world.write("victim", "precious");
    symlink(world.home.path().join("victim"), world.home.path().join("keys.csv")).unwrap();
    world.ok(&["check", "--save", "keys.csv", "--format", "csv"]);
    assert_eq!(std::fs::read_to_string(world.home.path().join("victim")).unwrap(), "precious");
    assert!(std::fs::symlink_metadata(world.home.path().join("keys.csv")).unwrap().is_file());
    assert_eq!(mode(&world, "keys.csv"), 0o600);
}

#[test]
fn setup_with_yes_and_without_anybody_to_notify_is_refused_before_the_first_write() {
    let world = World::new();
    let ran = world.run(&["setup", "--yes"]);
    assert_eq!((ran.code, world.writes()), (64, 0), "{ran:#?}");
    assert!(ran.stderr.contains("no one would be notified") && ran.stderr.contains("--no-recipients"), "{ran:#?}");
    world.ok(&["setup", "--yes", "--no-recipients"]);

    // An address that has yet to confirm is somebody.
    let world = World::new();
    world.ok(&["setup", "--yes", "--email", EMAIL]);
    world.ok(&["setup", "--yes", "--max-age-days", "60"]);
}

#[test]
fn settings_that_somebody_chose_are_not_reset_by_a_run_that_does_not_know_them() {
    let world = World::new();
    world.write("keyminder.toml", "[notify]\nemails = [\"ops@example.com\"]\n[check]\nmax_age_days = 60\n");
    world.ok(&["setup", "--yes"]);
    std::fs::rename(world.home.path().join("keyminder.toml"), world.home.path().join("elsewhere.toml")).unwrap();
    let before = world.writes();
    let ran = world.run(&["setup", "--yes"]);
    assert_eq!((ran.code, world.writes()), (64, before), "{ran:#?}");
    for part in ["MAX_AGE_DAYS", "--config", "--defaults"] {
        assert!(ran.stderr.contains(part), "{part}: {ran:#?}");
    }
    world.ok(&["setup", "--yes", "--config", "elsewhere.toml"]);
    assert_eq!(world.writes(), before, "nothing had changed");
    world.ok(&["setup", "--yes", "--defaults"]);
    world.ok(&["plan", "--exit-code"]);
}

#[test]
fn a_plan_says_in_advance_that_setup_would_refuse_to_reset_the_settings() {
    let world = World::new();
    world.ok(&["setup", "--yes", "--email", EMAIL, "--max-age-days", "60", "--log-retention-days", "30"]);
    for arguments in [&["plan"][..], &["setup", "--dry-run"]] {
        let said = unbroken(&world.ok(arguments).stdout);
        for part in ["setup would refuse this plan", "UnknownSettings", "lambda_function.environment.MAX_AGE_DAYS"] {
            assert!(said.contains(part), "{arguments:?}: {part} is not in {said}");
        }
    }
    let (_, plan) = world.json(&["plan"]);
    let of = |plan: &Value| plan["attention"].as_array().unwrap().iter().any(|one| one["code"] == "unknown_settings");
    assert!(of(&plan), "{plan:#}");
    // What is given as a flag is meant.
    let (_, plan) = world.json(&["plan", "--max-age-days", "90"]);
    assert!(!of(&plan), "{plan:#}");
    let ran = world.ok(&["setup", "--dry-run", "--defaults"]);
    assert!(!ran.stdout.contains("would refuse"), "{ran:#?}");

    let none = World::new().ok(&["plan"]);
    assert!(unbroken(&none.stdout).contains("setup --yes refuses to install without recipients"), "{none:#?}");
}

#[test]
fn settings_that_went_with_a_deleted_function_are_not_taken_for_the_defaults() {
    let world = World::new();
    world.write("keyminder.toml", "[notify]\nemails = [\"ops@example.com\"]\n[check]\nmax_age_days = 60\n");
    world.ok(&["setup", "--yes"]);
    world.sandbox.edit(|account| account.region(REGION).functions.clear());
    std::fs::create_dir(world.home.path().join("elsewhere")).unwrap();
    std::fs::rename(world.home.path().join("keyminder.toml"), world.home.path().join("elsewhere/keyminder.toml"))
        .unwrap();
    let before = world.writes();
    let ran = world.run(&["setup", "--yes"]);
    assert_eq!((ran.code, world.writes()), (64, before), "{ran:#?}");
    assert!(unbroken(&ran.stderr).contains("the function was deleted, and its settings with it"), "{ran:#?}");
    let mut command = world.command(&["setup", "--yes"]);
    command.current_dir(world.home.path().join("elsewhere"));
    assert_eq!(finish(command).code, 0, "in the folder of the file it is repaired");
    world.ok(&["plan", "--exit-code", "--config", "elsewhere/keyminder.toml"]);
}

#[test]
fn in_a_subfolder_the_file_above_is_read_and_every_document_names_it() {
    let world = World::seeded(4, 1);
    let exemption = "exemptions = [{ user = \"ci\", until = 2099-01-01, reason = \"moving\" }]";
    let file = format!("[notify]\nemails = [\"{EMAIL}\"]\n[check]\nmax_age_days = 60\n{exemption}\n");
    world.write("keyminder.toml", &file);
    world.ok(&["setup", "--yes"]);
    let below = world.home.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.current_dir(&below);
        finish(command)
    };
    let before = world.writes();
    let ran = run(&["setup", "--yes"]);
    assert_eq!((ran.code, world.writes()), (0, before), "the limit and the exemption stay: {ran:#?}");
    assert!(ran.stdout.contains("settings from ../../keyminder.toml"), "{ran:#?}");

    let named = |run: &Ran| {
        let document: Value = serde_json::from_str(&run.stdout).unwrap();
        document["config_file"].as_str().map(std::path::PathBuf::from)
    };
    let expected = Some(world.home.path().join("keyminder.toml").canonicalize().unwrap());
    let link = world.sandbox.outbox()[0].confirm_link.clone().unwrap();
    let commands: [&[&str]; 8] = [
        &["confirm", "--resend"],
        &["confirm", &link],
        &["setup", "--yes"],
        &["plan"],
        &["status"],
        &["check"],
        &["test", "--dry-run"],
        &["teardown", "--dry-run"],
    ];
    for command in commands {
        let ran = run(&[command, &["--output", "json"]].concat());
        assert_eq!(named(&ran), expected, "{command:?}: {ran:#?}");
    }

    let world = World::new();
    let ran = world.ok(&["plan", "--email", EMAIL]);
    assert!(ran.stdout.contains("no keyminder.toml found: using flags and defaults"), "{ran:#?}");
    assert!(world.json(&["plan"]).1["config_file"].is_null());
}

#[test]
fn drift_of_an_installation_with_the_defaults_is_repaired_without_a_file() {
    let world = World::new();
    world.ok(&["setup", "--yes", "--email", EMAIL]);
    world.sandbox.edit(|account| {
        let function = account.region("us-east-1").functions.values_mut().next().unwrap();
        function.environment.insert("MAX_AGE_DAYS".into(), "3650".into());
    });
    world.ok(&["setup", "--yes"]);
    world.ok(&["plan", "--exit-code"]);
}
