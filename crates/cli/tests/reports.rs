//! Reports that cannot be misread: what a check covered, how it was made, what it did not look at.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keyminder_sandbox::world::{AccessKey, LastUsed, User};
use keyminder_testkit::command::{Ran, World, finish, machine};
use serde_json::{Value, json};

/// A key, so many days old, last used so many days ago.
struct Made {
    user: &'static str,
    age: i64,
    used: Option<i64>,
    owner: Option<&'static str>,
}

fn made(user: &'static str, age: i64, used: Option<i64>) -> Made {
    Made { user, age, used, owner: None }
}

fn ago(days: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(24 * days) - SignedDuration::from_mins(5)
}

/// An account with just these keys.
fn account(keys: &[Made]) -> World {
    let world = World::new();
    world.sandbox.edit(|account| {
        for (number, key) in keys.iter().enumerate() {
            let region = "eu-west-1".to_owned();
            let last_used = key.used.map(|days| LastUsed { at: ago(days), service: "s3".to_owned(), region });
            let user = account.iam.users.entry(key.user.to_owned()).or_insert_with(|| User {
                name: key.user.to_owned(),
                path: "/".to_owned(),
                id: format!("AIDA{number:016}"),
                created: ago(key.age),
                tags: key.owner.iter().map(|owner| ("owner".to_owned(), (*owner).to_owned())).collect(),
                access_keys: Vec::new(),
                service_specific_credentials: Vec::new(),
                ssh_public_keys: Vec::new(),
                signing_certificates: Vec::new(),
            });
            let id = format!("AKIA{number:016}");
            user.access_keys.push(AccessKey { id, active: true, created: ago(key.age), last_used });
        }
    });
    world
}

/// Three old keys of others, and a young one of mei.
fn three_old() -> World {
    account(&[made("ana", 200, Some(1)), made("bob", 300, Some(1)), made("cy", 100, Some(1)), made("mei", 5, Some(1))])
}

fn saved(world: &World, name: &str) -> String {
    std::fs::read_to_string(world.home.path().join(name)).unwrap()
}

/// The page, as a browser reads its text.
fn page(world: &World, arguments: &[&str]) -> String {
    let html = world.run(&[arguments, &["--format", "html"]].concat()).stdout;
    html.replace("&#x27;", "'").replace("&#x2f;", "/")
}

/// The text of a terminal with its lines joined.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn rows(ran: &Ran) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(ran.stdout.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

fn grades(document: &Value) -> Vec<&str> {
    document["controls"].as_array().unwrap().iter().map(|control| control["result"].as_str().unwrap()).collect()
}

const ROOT: usize = 0;
const ROTATION: usize = 1;
const UNUSED: usize = 2;

#[test]
fn a_filter_is_said_everywhere_and_grades_no_control() {
    let world = three_old();
    let check = ["check", "--user", "mei*"];
    let page = page(&world, &check);
    let title = page.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
    assert!(title.starts_with("IAM access keys of users named 'mei*' in account"), "{title}");
    let banner = page.split("<section class=\"verdict").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(banner.contains("Only users named") && banner.contains("says nothing about other users"), "{banner}");
    assert!(!banner.contains("✓ No key"), "{banner}");
    assert!(!page.contains(">pass<") && page.matches(">not graded<").count() == 3, "{page}");

    let (_, document) = world.json(&check);
    assert_eq!(document["user_filter"], "mei*");
    assert_eq!(grades(&document), ["not_graded"; 3], "{document}");
    let filtered = rows(&world.ok(&[&check[..], &["--format", "csv"]].concat()));
    assert!(filtered.len() == 1 && filtered[0]["user_filter"] == "mei*", "{filtered:?}");
    let table = world.ok(&check).stdout;
    assert!(table.contains("✓ No key of users named 'mei*' is over the limit."), "{table}");
    assert!(joined(&table).ends_with("This report says nothing about other users."), "{table}");

    let (_, all) = world.json(&["check"]);
    assert!(all["user_filter"].is_null() && all["simulated"] == false, "{all}");
    assert_eq!(grades(&all)[ROTATION], "fail");
}

#[test]
fn a_simulation_says_so_and_when_and_by_whom_it_was_made() {
    let world = account(&[made("ana", 30, Some(1)), made("bob", 300, Some(20))]);
    let before = Timestamp::now().as_second();
    let check = ["check", "--at", "2099-01-31"];
    let (_, document) = world.json(&check);
    let made_at: Timestamp = document["made_at"].as_str().unwrap().parse().unwrap();
    assert!((before..=Timestamp::now().as_second()).contains(&made_at.as_second()), "{made_at}");
    assert!(document["simulated"] == true && document["as_of"] == "2099-01-31T00:00:00Z", "{document}");
    let made_by = document["made_by"].as_str().unwrap();
    assert!(made_by.starts_with("arn:aws:"), "{document}");
    assert_eq!(grades(&document), ["not_graded"; 3], "{document}");
    let page = page(&world, &check);
    assert!(
        page.contains("<title>Simulation: ") && page.contains(&format!(" by {made_by}, with keyminder ")),
        "{page}"
    );
    assert!(page.contains("2 keys will be over the limit on 2099-01-31."), "{page}");
    let table = world.ok(&check).stdout;
    assert!(table.contains("✗ 2 keys will be over the limit on 2099-01-31."), "{table}");
    assert_eq!(table.matches("Simulated for 2099-01-31").count(), 2, "at the top and at the end: {table}");
    let rows = rows(&world.ok(&[&check[..], &["--format", "csv"]].concat()));
    assert!(rows.iter().all(|row| row["simulated"] == "true" && !row["made_at"].starts_with("2099")), "{rows:?}");
    assert!(rows.iter().all(|row| row["made_by"] == made_by), "{rows:?}");
}

#[test]
fn in_the_past_there_are_no_later_keys_and_no_later_uses() {
    let world = account(&[made("ana", 30, Some(1)), made("bob", 300, Some(20)), made("cy", 300, Some(150))]);
    let at = ago(100).to_string();
    let (_, document) = world.json(&["check", "--at", &at]);
    let keys = document["keys"].as_array().unwrap();
    assert_eq!(keys.iter().map(|key| key["user"].as_str().unwrap()).collect::<Vec<_>>(), ["bob", "cy"], "{document}");
    assert_eq!(keys[0]["last_used"], "unknown", "IAM knows the last use only, and that was later");
    let as_of: Timestamp = document["as_of"].as_str().unwrap().parse().unwrap();
    assert!(keys[1]["last_used"].as_str().unwrap().parse::<Timestamp>().unwrap() <= as_of, "{document}");
    assert!(world.ok(&["check", "--at", &at]).stdout.contains("2 keys were over the limit on"));
}

#[test]
fn a_later_key_of_an_earlier_user_is_counted_as_left_out() {
    let world = account(&[made("ana", 300, Some(200)), made("ana", 10, None)]);
    let at = ago(100).to_string();
    let (_, document) = world.json(&["check", "--at", &at]);
    assert_eq!((&document["created_later"], &document["summary"]["keys"]), (&1.into(), &1.into()), "{document}");
    assert!(joined(&world.ok(&["check", "--at", &at]).stdout).contains("1 key created later is left out."));
}

#[test]
fn controls_are_graded_by_the_benchmarks_own_days_whatever_the_limit_is() {
    let rotation =
        |world: &World, limit| grades(&world.json(&["check", "--max-age-days", limit]).1)[ROTATION].to_owned();
    let young = account(&[made("ana", 68, Some(1))]);
    assert_eq!([rotation(&young, "60"), rotation(&young, "365")], ["pass", "pass"]);
    let old = account(&[made("ana", 91, Some(1))]);
    assert_eq!([rotation(&old, "60"), rotation(&old, "365")], ["fail", "fail"]);

    let unused = |used| account(&[made("ana", 60, used)]).json(&["check"]).1["controls"][UNUSED].clone();
    assert_eq!(unused(Some(45))["result"], "fail");
    assert_eq!(unused(None)["result"], "fail", "never used in 60 days");
    let control = unused(Some(44));
    assert_eq!(control["result"], "not_graded");
    assert!(control["because"].as_str().unwrap().contains("console passwords"), "{control}");

    let world = account(&[]);
    assert_eq!(grades(&world.json(&["check"]).1)[ROOT], "pass");
    world.sandbox.edit(|account| account.iam.root_access_keys = 1);
    let (_, document) = world.json(&["check"]);
    assert_eq!(grades(&document)[ROOT], "fail");
    let numbers = document["controls"][ROOT]["numbers"].as_array().unwrap().iter();
    assert_eq!(numbers.map(|one| one["number"].as_str().unwrap()).collect::<Vec<_>>(), ["1.4", "1.3", "2.3", "2.4"]);
}

#[test]
fn an_exemption_does_not_make_a_control_pass_and_names_who_approved_it() {
    let world = account(&[made("vendor", 200, Some(1))]);
    let exemption = "user = \"vendor\"\nuntil = 2099-01-01\nreason = \"moving\"\napproved_by = \"Ada\"\n";
    world.write("keyminder.toml", &format!("[[check.exemptions]]\n{exemption}"));
    let (_, document) = world.json(&["check"]);
    assert_eq!((&document["summary"]["exempt"], grades(&document)[ROTATION]), (&1.into(), "fail"), "{document}");
    let because = document["controls"][ROTATION]["because"].as_str().unwrap();
    assert!(because.starts_with("1 active access key is older than 90 days, 1 of them exempt"), "{because}");
    assert_eq!(document["exemptions"][0]["approved_by"], "Ada");
    assert!(document["config_file"].as_str().unwrap().ends_with("/keyminder.toml"), "{document}");
    let page = page(&world, &["check"]);
    assert!(page.contains("data-name=\"Approved by\">Ada<"), "{page}");
    let order = ["CIS AWS Foundations", "<h2>Exemptions", "<h2>Keys"].map(|part| page.find(part).unwrap());
    assert!(order.is_sorted(), "exemptions and controls come before a list that can be long");
    assert!(world.ok(&["check"]).stdout.contains("moving (approved by Ada)"));
    assert_eq!(rows(&world.ok(&["check", "--format", "csv"]))[0]["approved_by"], "Ada");
}

#[test]
fn who_approved_an_exemption_can_stand_in_the_tag() {
    let world = account(&[made("vendor", 200, Some(1))]);
    world.sandbox.edit(|account| {
        let tags = &mut account.iam.users.get_mut("vendor").unwrap().tags;
        tags.insert("keyminder:exempt".into(), "until=2099-01-01 approved_by=ada@example.com moving to a role".into());
    });
    let exemption = world.json(&["check"]).1["exemptions"][0].clone();
    assert_eq!((&exemption["approved_by"], &exemption["source"]), (&"ada@example.com".into(), &"tag".into()));
    assert_eq!(exemption["reason"], "moving to a role");
}

#[test]
fn a_file_has_the_last_use_and_owner_of_fresh_keys_and_says_what_was_not_read() {
    let world = account(&[Made { owner: Some("ops@example.com"), ..made("ana", 5, Some(1)) }]);
    let row = || rows(&world.ok(&["check", "--format", "csv"])).remove(0);
    let found = row();
    assert!(found["last_used"].starts_with("20") && found["owner"] == "ops@example.com", "{found:?}");
    let (_, document) = world.json(&["check"]);
    assert!(document["keys"][0]["last_used"].is_string() && document["keys"][0]["owner"] == "ops@example.com");
    let page = page(&world, &["check"]);
    assert!(page.contains(", s3 in eu-west-1<") && page.contains(">ops@example.com<"), "{page}");

    world.write("keyminder.toml", "[check]\nread_user_tags = false\n");
    assert_eq!(row()["owner"], "not_read");
    assert_eq!(world.json(&["check"]).1["keys"][0]["not_read"], json!(["owner"]));
}

#[test]
fn the_name_of_the_file_chooses_the_form_and_no_file_holds_escapes() {
    let world = three_old();
    for (name, start) in [("a.html", "<!doctype html>"), ("a.csv", "account,as_of,"), ("a.JSON", "{\n  \"schema\": 1")]
    {
        world.ok(&["--color", "always", "check", "--save", name]);
        assert!(saved(&world, name).starts_with(start), "{name}");
    }
    world.ok(&["--color", "always", "check", "--save", "a.txt"]);
    world.ok(&["--color", "always", "check", "--notice", "--save", "b.txt"]);
    for name in ["a.html", "a.csv", "a.JSON", "a.txt", "b.txt"] {
        assert!(!saved(&world, name).contains('\u{1b}'), "{name}");
    }
    for contradiction in [
        &["check", "--format", "csv", "--save", "c.html"][..],
        &["check", "--output", "json", "--save", "c.html"],
        &["check", "--output", "json", "--format", "csv"],
        &["check", "--notice", "--save", "c.csv"],
        &["check", "--notice", "--format", "html"],
    ] {
        let ran = world.run(contradiction);
        assert!(ran.code == 64 && (ran.stderr + &ran.stdout).contains("cannot be combined with"), "{contradiction:?}");
    }
}

#[test]
fn the_table_fits_eighty_columns_with_owner_due_date_and_a_limit_of_its_own() {
    let owner = Some("the-platform-team@subdomain.example.com");
    let keys = [
        Made { owner, ..made("deployment-robot-of-the-production-cluster", 1_234, Some(1)) },
        Made { owner, ..made("break-glass", 25, Some(1)) },
        Made { owner, ..made("soon", 85, Some(1)) },
    ];
    let world = account(&keys);
    let limit = "[[check.limits]]\nuser = \"break-*\"\nmax_age_days = 20\n";
    world.write("keyminder.toml", &format!("[check]\nwarn_days = [10]\n{limit}"));
    let table = world.ok(&["check"]).stdout;
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.contains("LIMIT") && table.contains("20 d"), "{table}");
    assert_eq!(table.matches("owner the-platform-team@subdomain.example.com").count(), 3, "{table}");
    let due_at = world.json(&["check", "--user", "soon"]).1["keys"][0]["due_at"].as_str().unwrap()[..10].to_owned();
    assert!(table.contains(&format!("old on {due_at}")), "{table}");
    std::fs::remove_file(world.home.path().join("keyminder.toml")).unwrap();
    assert!(!world.ok(&["check"]).stdout.contains("LIMIT"), "all keys have the same limit");
}

#[test]
fn the_counts_add_up_and_an_overlap_is_explained() {
    let world = account(&[made("ana", 200, Some(150)), made("bob", 80, Some(70)), made("cy", 5, Some(1))]);
    let table = joined(&world.ok(&["check", "--unused-days", "60"]).stdout);
    let counts = "3 keys of 3 users: 1 old, 0 due, 0 exempt, 0 inactive, 2 fresh. 2 of them are also unused.";
    assert!(table.contains(counts), "{table}");
    let (_, document) = world.json(&["check", "--unused-days", "60"]);
    let number = |name: &str| document["summary"][name].as_u64().unwrap();
    assert_eq!(["old", "due", "exempt", "inactive", "fresh"].map(number).iter().sum::<u64>(), number("keys"));
}

#[test]
fn the_page_says_its_scope_its_settings_and_the_days_over_each_limit() {
    let world = account(&[made("ana", 100, Some(1))]);
    let page = page(&world, &["check", "--max-age-days", "80"]);
    for part in [
        "The only user was read, with 1 key.",
        "defaults, with --max-age-days",
        "data-name=\"Limit\" class=\"number\">80<",
        ">20</td><td data-name=\"Created\"",
        "1 active access key is older than 90 days",
        "<dl class=\"legend\">",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(!page.contains("1 active keys") && !page.contains("1 keys"), "{page}");
}

#[test]
fn the_message_for_a_chat_is_shown_as_it_would_be_sent() {
    let world = three_old();
    world.write("keyminder.toml", "[check]\nformat = \"chat\"\n");
    let shown = world.ok(&["check", "--notice"]).stdout;
    assert!(shown.contains("\"textType\": \"client-markdown\"") && shown.contains("\"nextSteps\""), "{shown}");
    assert_eq!(world.json(&["check", "--notice"]).1["notices"][0]["chat"]["source"], "custom");
}

#[test]
fn no_command_in_a_notice_is_broken_in_the_middle() {
    let name = "a-user-with-a-name-that-is-sixty-four-characters-long-as-iam-has";
    let world = account(&[made(name, 200, Some(1))]);
    let shown = world.ok(&["check", "--notice"]).stdout;
    let commands: Vec<_> = shown.lines().filter(|line| line.contains(" aws iam ")).collect();
    assert!(commands.len() > 3, "{shown}");
    for command in commands {
        let is_whole = command.contains(&format!("--user-name {name}")) || command.contains("get-access-key-last-used");
        let last = command.trim_end().rsplit(' ').next().unwrap();
        assert!(is_whole && !last.starts_with("--"), "{command}\n{shown}");
    }
}

#[test]
fn a_check_needs_no_region_and_any_other_command_does() {
    let world = three_old();
    let without_region = |arguments: &[&str]| {
        let mut command = machine(world.home.path(), arguments);
        command.envs(world.sandbox.variables().into_iter().filter(|(name, _)| !name.contains("REGION")));
        finish(command)
    };
    let ran = without_region(&["check"]);
    assert!(ran.code == 0 && ran.stdout.contains("3 keys are over the limit."), "{ran:#?}");
    let ran = without_region(&["check", "--notice"]);
    assert!(ran.code == 0 && ran.stderr.contains("no region is configured"), "{ran:#?}");
    assert_eq!(without_region(&["plan"]).code, 64);
}
