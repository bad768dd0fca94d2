//! `keyminder check --organization` in all its forms.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use keyminder_sandbox::{Fault, FaultKind, OrganizationSeed, Seed};
use keyminder_testkit::command::{World, contains};
use serde_json::{Value, json};

const OWN: &str = "123456789012";
const FIRST: &str = "200000001111";
const SECOND: &str = "200000002222";
const THIRD: &str = "200000003333";

/// An organization of so many accounts, each but the management account with four users, one of them with an old key.
fn organization(accounts: usize) -> World {
    let world = World::new();
    let users = Seed { users: 4, old: 1, ..Seed::default() };
    let reading_role = Some("keyminder-reader".to_owned());
    let seed = OrganizationSeed { accounts, users, reading_role, ..OrganizationSeed::default() };
    world.sandbox.seed_organization(&seed);
    world
}

/// One in which one account is unknown, one arriving, one suspended and one excluded by [`EXCEPT`].
fn troubled() -> World {
    let world = organization(7);
    world.sandbox.edit(|aws| {
        for id in [FIRST, SECOND] {
            aws.account(id).unwrap().iam.roles.remove("keyminder-reader");
        }
        aws.member(SECOND).unwrap().joined = jiff::Timestamp::now();
        aws.member(THIRD).unwrap().state = "SUSPENDED".into();
    });
    world
}

const EXCEPT: &str = "200000004444";

#[test]
fn the_table_has_accounts_first_then_keys_by_account() {
    let world = organization(5);
    let ran = world.ok(&["check", "--organization"]);
    let accounts = ran.stdout.find("STATE").unwrap();
    let keys = ran.stdout.find("VERDICT").unwrap();
    assert!(accounts < keys, "{}", ran.stdout);
    contains(
        &ran.stdout,
        &[
            "keyminder check: organization o-",
            "(management account 123456789012)",
            "read 200000001111 payments-0001 4",
            "200000001111 payments-0001 VERDICT USER KEY",
            "1 more account was read and has nothing to report. Use --all to list it.",
            "5 accounts: 5 read.",
            "✗ 4 keys are over the limit.",
        ],
    );
    assert_eq!(ran.stdout.matches("VERDICT").count(), 4, "{}", ran.stdout);
    let all = world.ok(&["check", "--organization", "--all"]).stdout;
    assert!(all.contains("fresh") && all.contains(OWN) && !all.contains("nothing to report"), "{all}");
}

#[test]
fn each_account_that_was_not_read_is_listed_with_its_reason_and_what_to_do() {
    let world = troubled();
    let ran = world.run(&["check", "--organization", "--except", EXCEPT]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    contains(
        &ran.stdout,
        &[
            "unknown 200000001111 payments-0001 - - - - -",
            "sts:AssumeRole: AccessDenied",
            "arriving 200000002222",
            "joined less than a day ago and cannot be read yet",
            "not active 200000003333",
            "suspended",
            "excluded 200000004444",
            "excluded by --except",
            "to do: create the role keyminder-reader in the account and have it trust 123456789012",
            "7 accounts: 3 read, 1 arriving, 1 not active, 1 excluded, 1 unknown.",
            "Not everything could be read: what is missing may be old.",
        ],
    );
    assert!(!ran.stdout.contains('✓'), "{}", ran.stdout);
    assert!(ran.stdout.find("unknown").unwrap() < ran.stdout.find("read ").unwrap(), "{}", ran.stdout);
}

#[test]
fn the_document_has_the_organization_its_accounts_and_their_keys() {
    let world = troubled();
    let (code, document) = world.json(&["check", "--organization", "--except", EXCEPT]);
    assert_eq!(code, 1);
    assert_eq!((&document["schema"], &document["command"]), (&json!(1), &json!("check")));
    assert_eq!(document["organization"]["management_account"], OWN);
    assert!(document["organization"]["id"].as_str().unwrap().starts_with("o-"));
    let account = |id: &str| -> Value {
        document["accounts"].as_array().unwrap().iter().find(|account| account["id"] == id).unwrap().clone()
    };
    let states: Vec<_> =
        [OWN, FIRST, SECOND, THIRD, EXCEPT, "200000005555"].map(|id| account(id)["state"].clone()).to_vec();
    assert_eq!(json!(states), json!(["read", "unknown", "arriving", "not_active", "excluded", "read"]));
    let first = account(FIRST);
    assert_eq!((&first["name"], &first["cause"]), (&json!("payments-0001"), &json!("role_refused")));
    assert!(first["reason"].as_str().unwrap().contains("sts:AssumeRole"), "{first}");
    assert!(first["hint"].as_str().unwrap().contains("keyminder-reader"), "{first}");
    assert_eq!((&first["users"], &first["old"]), (&Value::Null, &Value::Null), "nothing is known of it");
    let read = account("200000005555");
    assert_eq!((&read["users"], &read["old"]), (&json!(4), &json!(1)));
    assert!(read.get("reason").is_none() && read.get("hint").is_none(), "{read}");
    let keys = document["keys"].as_array().unwrap();
    assert!(keys.iter().all(|key| key["account"].is_string() && key["user"].is_string()), "{keys:?}");
    assert_eq!(keys.iter().filter(|key| key["verdict"] == "old").count(), 2);
    assert_eq!(keys[0]["verdict"], "old", "the worst come first");
    let summary = &document["summary"];
    let counts = ["accounts", "accounts_read", "accounts_unknown", "accounts_arriving", "accounts_not_active", "old"];
    assert_eq!(json!(counts.map(|name| &summary[name])), json!([7, 3, 1, 1, 1, 2]), "{summary}");
    assert_eq!((&document["complete"], &document["role"]), (&json!(false), &json!("keyminder-reader")));
}

#[test]
fn the_exit_status_tells_findings_from_accounts_that_are_unknown() {
    let world = organization(3);
    assert_eq!(world.run(&["check", "--organization"]).code, 0);
    assert_eq!(world.run(&["check", "--organization", "--exit-code"]).code, 2);
    assert_eq!(world.run(&["check", "--organization", "--exit-code", "--accounts", OWN]).code, 0);
    world.sandbox.edit(|aws| aws.account(FIRST).unwrap().iam.roles.remove("keyminder-reader"));
    let ran = world.run(&["check", "--organization", "--exit-code", "--format", "csv"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    contains(&ran.stderr, &["1 account could not be read in full: 200000001111: sts:AssumeRole: AccessDenied"]);
}

#[test]
fn csv_has_the_columns_for_one_account_and_a_line_for_each_account_that_was_not_read() {
    let world = troubled();
    let ran = world.run(&["check", "--organization", "--except", EXCEPT, "--format", "csv"]);
    let header = ran.stdout.lines().next().unwrap();
    let one = world.ok(&["check", "--format", "csv"]).stdout;
    assert_eq!(header, format!("{},account_name,account_state,account_reason", one.lines().next().unwrap()));
    let lines = |word: &str| ran.stdout.lines().filter(|line| line.contains(word)).count();
    for (id, state) in [(FIRST, "unknown"), (SECOND, "arriving"), (THIRD, "not_active"), (EXCEPT, "excluded")] {
        let line =
            ran.stdout.lines().find(|line| line.starts_with(id)).unwrap_or_else(|| panic!("{id}: {}", ran.stdout));
        assert!(line.contains(&format!(",{state},")), "{line}");
        assert_eq!(lines(id), if state == "unknown" { 1 } else { lines(id) });
    }
    let columns: Vec<&str> = header.split(',').collect();
    let verdict = columns.iter().position(|name| *name == "verdict").unwrap();
    let of = |id: &str| ran.stdout.lines().find(|line| line.starts_with(id)).unwrap().split(',').nth(verdict).unwrap();
    assert_eq!((of(FIRST), of(THIRD), of("200000005555")), ("unknown", "", "old"));
}

#[test]
fn the_page_has_accounts_first_and_nothing_from_anywhere_else() {
    let world = troubled();
    world.sandbox.edit(|aws| aws.member(FIRST).unwrap().name = "<script>alert(1)</script>".into());
    world.run(&["check", "--organization", "--except", EXCEPT, "--save", "keys.html"]);
    let page = std::fs::read_to_string(world.home.path().join("keys.html")).unwrap();
    assert!(page.find("<h2>Accounts</h2>").unwrap() < page.find("<h2>Keys</h2>").unwrap());
    for part in ["organization o-", "joined less than a day ago", "suspended", "To do: create the role", "3 of 7"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert"), "{page}");
    for loading in ["src=", "href=\"http", "url(", "@import", "<link", " style=\""] {
        assert!(!page.contains(loading), "{loading}");
    }
    assert_eq!(page.matches("<table class=\"keys\">").count(), 2);
}

#[test]
fn a_name_that_somebody_chose_cannot_paint_the_terminal() {
    let world = organization(3);
    world.sandbox.edit(|aws| aws.member(FIRST).unwrap().name = "\u{1b}[31mred\u{7}\nread 999999999999".into());
    let ran = world.ok(&["check", "--organization"]);
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stdout.contains('\u{7}'), "{:?}", ran.stdout);
    assert!(!ran.stdout.lines().any(|line| line.starts_with("read 999999999999")), "{}", ran.stdout);
}

#[test]
fn another_role_and_an_external_id_are_handed_on() {
    let world = organization(3);
    world.ok(&["check", "--organization", "--role", "OrganizationAccountAccessRole"]);
    world.sandbox.edit(|aws| {
        let trust = json!({"Statement": [{
            "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{OWN}:root")}, "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "audit"}},
        }]});
        let now = jiff::Timestamp::now();
        for id in [FIRST, SECOND] {
            let role = aws.account(id).unwrap().add_role("/audit/", "scan", &trust.to_string(), now);
            role.attached.push("arn:aws:iam::aws:policy/IAMReadOnlyAccess".into());
        }
    });
    assert_eq!(world.run(&["check", "--organization", "--role", "audit/scan"]).code, 1);
    world.ok(&["check", "--organization", "--role", "audit/scan", "--external-id", "audit"]);
}

#[test]
fn a_role_that_no_account_has_is_taken_for_a_wrong_name() {
    let world = organization(3);
    let ran = world.run(&["check", "--organization", "--role", "keyminder-raeder"]);
    assert_eq!(ran.code, 1);
    contains(&ran.stdout, &["no account let you in with the role keyminder-raeder: is that its name?"]);
}

#[test]
fn one_unit_or_some_accounts_can_be_checked() {
    let world = organization(7);
    let unit = world.sandbox.edit(|aws| aws.organization.as_ref().unwrap().accounts["200000005555"].parent.clone());
    let (_, document) = world.json(&["check", "--organization", "--unit", &unit]);
    assert_eq!(document["accounts"].as_array().unwrap().len(), 1);
    let (_, document) = world.json(&["check", "--organization", "--accounts", &format!("{FIRST},{SECOND}")]);
    let ids: Vec<_> = document["accounts"].as_array().unwrap().iter().map(|account| account["id"].clone()).collect();
    assert_eq!(json!(ids), json!([FIRST, SECOND]));
}

#[test]
fn what_is_not_there_is_wrong_usage_and_says_what_to_do() {
    let world = organization(3);
    for (arguments, code, part) in [
        (&["--accounts", "999999999999"][..], "NoSuchAccount", "999999999999"),
        (&["--unit", "ou-none-12345678"], "NoSuchUnit", "ou-none-12345678"),
        (&["--user", "nobody-*"], "NoSuchUser", "nobody-*"),
    ] {
        let (status, document) = world.json(&[&["check", "--organization"], arguments].concat());
        assert_eq!((status, &document["error"]["code"]), (64, &json!(code)), "{document:#}");
        assert!(document["error"]["message"].as_str().unwrap().contains(part), "{document:#}");
        assert!(!document["error"]["hints"].as_array().unwrap().is_empty(), "{document:#}");
    }
    let ran = world.ok(&["check", "--organization", "--except", "999999999999"]);
    contains(&ran.stderr, &["--except: not among the accounts that were listed: 999999999999"]);
    let (status, document) = World::new().json(&["check", "--organization"]);
    assert_eq!((status, &document["error"]["code"]), (64, &json!("NoOrganization")), "{document:#}");
}

#[test]
fn an_organization_that_cannot_be_listed_is_a_failure_that_names_the_permissions() {
    let world = organization(3);
    world.sandbox.inject(Fault::new("organizations:ListAccounts", FaultKind::AccessDenied).always());
    let (code, document) = world.json(&["check", "--organization"]);
    assert_eq!((code, &document["error"]["operation"]), (1, &json!("organizations:ListAccounts")), "{document:#}");
    let hints = document["error"]["hints"].to_string();
    assert!(hints.contains("delegated administrator") && hints.contains("sts:AssumeRole"), "{hints}");
    let (code, document) = world.json(&["check", "--organization", "--accounts", FIRST]);
    assert_eq!((code, &document["accounts"][0]["state"]), (0, &json!("read")), "{document:#}");
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    let world = organization(2);
    for arguments in [
        &["--role", "reader"][..],
        &["--accounts", FIRST],
        &["--except", FIRST],
        &["--unit", "ou-ab12-34567890"],
        &["--external-id", "secret"],
        &["--organization", "--notice"],
        &["--organization", "--role", "arn:aws:iam::123456789012:role/reader"],
        &["--organization", "--role", "two words"],
        &["--organization", "--accounts", "1234"],
        &["--organization", "--accounts", "12345678901x"],
        &["--organization", "--except", ""],
        &["--organization", "--unit", "Production"],
        &["--organization", "--external-id", "x"],
    ] {
        let ran = world.run(&[&["check"], arguments].concat());
        assert_eq!(ran.code, 64, "{arguments:?}: {ran:#?}");
    }
    assert_eq!(world.sandbox.calls().len(), 0, "nothing was asked");
}

#[test]
fn a_simulation_says_so_for_all_accounts() {
    let world = organization(3);
    let (_, document) = world.json(&["check", "--organization", "--at", "2037-01-01"]);
    assert_eq!((&document["simulated"], &document["as_of"]), (&json!(true), &json!("2037-01-01T00:00:00Z")));
    let ran = world.ok(&["check", "--organization", "--at", "2037-01-01"]);
    contains(&ran.stdout, &["Simulated for 2037-01-01", "will be over the limit on 2037-01-01"]);
}
