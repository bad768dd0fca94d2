//! `docs/json.md`: the fields that it names are those that are written, and no others.

use std::collections::BTreeSet;

use keyminder_sandbox::OrganizationSeed;
use serde_json::Value;

use crate::page::{quoted, rows, section, text};
use crate::terminal::{ACCOUNT, Terminal, sandbox};

fn documented(heading: &str) -> BTreeSet<String> {
    let page = text("docs/json.md");
    let own = section(&page, heading).split("\n## ").next().unwrap().to_owned();
    let fields = rows(&own).filter(|row| row[0] != "field");
    fields.flat_map(|row| quoted(row[0]).into_iter().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn written(document: &Value) -> BTreeSet<String> {
    document.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_field_of_every_document_is_described_and_no_other() {
    let sandbox = sandbox(ACCOUNT);
    let terminal = Terminal::before(&sandbox);
    let run = |arguments: &[&str], code: i32| {
        let run = terminal.run(&[arguments, &["--output", "json"]].concat()).exits(code);
        assert!(run.out.starts_with("{\n  \"schema\": 1,\n"), "{}", run.out);
        written(&run.json())
    };
    let everywhere = documented("## All commands");
    let expect = |heading: &str, found: &BTreeSet<String>, without: &[&str]| {
        let mut expected = &documented(heading) | &everywhere;
        expected.retain(|field| !without.contains(&field.as_str()));
        assert_eq!(*found, expected, "{heading}");
    };
    expect("## `setup`, `plan`, `teardown`", &run(&["setup", "--email", "ops@example.com", "--yes"], 0), &[]);
    expect("## `setup`, `plan`, `teardown`", &run(&["plan"], 0), &[]);
    let of_confirm = ["confirmed", "arn", "safe_from_one_click_unsubscribing", "waiting"];
    expect("## `confirm`", &run(&["confirm", "--resend"], 0), &of_confirm);
    let link = sandbox.outbox().last().unwrap().confirm_link.clone().unwrap();
    expect("## `confirm`", &run(&["confirm", &link], 0), &["resent"]);
    expect("## `test`", &run(&["test"], 0), &[]);
    expect("## `status`", &run(&["status"], 0), &[]);
    expect("## `check`", &run(&["check", "--notice"], 0), &["region", "install"]);
    let reading_role = Some("keyminder-reader".to_owned());
    sandbox.seed_organization(&OrganizationSeed { accounts: 3, reading_role, ..OrganizationSeed::default() });
    let many = ["check", "--organization"];
    expect("## `check --organization`", &run(&many, 0), &["account", "region", "install"]);
    expect("## `setup`, `plan`, `teardown`", &run(&["teardown", "--yes"], 0), &[]);
    let of_no_account = ["account", "region", "install", "config_file", "commit", "commit_date"];
    expect("## `version`", &run(&["version"], 0), &of_no_account);
    let failed = run(&["plan", "--account", "1"], 64);
    assert_eq!(failed, &documented("## Errors") | &BTreeSet::from(["schema".to_owned()]));
}
