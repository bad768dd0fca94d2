//! What a person sees, to the letter, at 80 columns and without colour. What differs from run to run is filtered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use keyminder_testkit::command::{EMAIL, REGION, World};

/// The command line, the exit code and both streams.
fn transcript(world: &World, arguments: &[&str]) -> String {
    let ran = world.run(arguments);
    let mut text = format!("$ keyminder {}\n{}", arguments.join(" "), ran.stdout);
    if !ran.stderr.is_empty() {
        text.push_str(&format!("--- stderr\n{}", ran.stderr));
    }
    text.push_str(&format!("--- exit code {}\n", ran.code));
    // Resources of one stage are ready in any order.
    let mut lines: Vec<&str> = text.lines().collect();
    let is_progress = |line: &&str| line.starts_with("  ✓ ") && line.contains("ed (");
    let (first, count) = (lines.iter().position(is_progress), lines.iter().filter(|line| is_progress(line)).count());
    if let Some(first) = first {
        lines[first..first + count].sort_unstable();
    }
    lines.join("\n")
}

fn filtered(check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT");
    settings.add_filter(r"\(\d+\.\ds\)", "(TIME)");
    settings.add_filter(r"[A-Za-z0-9+/]{43}=", "SHA256");
    settings.add_filter(r"[A-Z][a-z]{2} \d{1,2}\s+[A-Z][a-z]{2}\s+\d{4}\s+\d{2}:\d{2} UTC", "MOMENT");
    // A subscription is recorded to the second, and the run has taken some time by now.
    settings.add_filter(r"1 day 23 h|2 days", "ALMOST 2 DAYS");
    settings.add_filter(r"in 23 h 59 min|in 1 day\b", "in ALMOST 1 DAY");
    settings.add_filter(r"\(request [^)]+\)", "(request ID)");
    settings.add_filter(r"Deleted (\d+):(.|\n)*?\n✓", "Deleted $1: …\n✓");
    // A checker that was handed in ready-made need not say what it was compiled from: one field less.
    settings.add_filter(r"\d+ more fields not shown", "COUNT more fields not shown");
    settings.bind(check);
}

#[test]
fn the_help_of_the_command() {
    let world = World::new();
    filtered(|| insta::assert_snapshot!("help", transcript(&world, &["--help"])));
}

#[test]
fn the_help_of_setup() {
    let world = World::new();
    filtered(|| insta::assert_snapshot!("help_setup", transcript(&world, &["setup", "-h"])));
}

#[test]
fn a_life_from_setup_to_teardown() {
    let world = World::new();
    filtered(|| {
        insta::assert_snapshot!("setup", transcript(&world, &["setup", "--email", EMAIL, "--yes"]));
        insta::assert_snapshot!("setup_again", transcript(&world, &["setup", "--email", EMAIL]));
        world.sandbox.edit(|account| {
            let region = account.region(REGION);
            region.rules.values_mut().for_each(|rule| rule.enabled = false);
            region.functions.values_mut().for_each(|function| function.statements.clear());
        });
        insta::assert_snapshot!("plan_drifted", transcript(&world, &["plan", "--email", EMAIL, "--exit-code"]));
        insta::assert_snapshot!("status_drifted", transcript(&world, &["status", "--email", EMAIL, "--exit-code"]));
        insta::assert_snapshot!("teardown", transcript(&world, &["teardown", "--yes"]));
    });
}

#[test]
fn errors_have_hints() {
    let world = World::new();
    world.write("bad.toml", "[check]\nmax_age_day = 60\nnotice = \"per_key\"\n");
    filtered(|| {
        insta::assert_snapshot!("error_configuration", transcript(&world, &["plan", "--config", "bad.toml"]));
        insta::assert_snapshot!(
            "error_no_confirmation",
            transcript(&world, &["setup", "--email", "ops", "--schedule", "rate(1 days)"])
        );
        insta::assert_snapshot!("error_account", transcript(&world, &["plan", "--account", "999999999999"]));
    });
}
