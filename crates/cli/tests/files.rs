//! Files that the command reads and writes: which one, how much of it, and with which permissions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, Instant};

use keyminder_testkit::command::{EMAIL, World, finish};

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
