//! `docs/security.md` prints the very policies, and `README.md` the very names, of what is made.

use keyminder_sandbox::OrganizationSeed;
use serde_json::Value;

use crate::page::{section, text};
use crate::terminal::{ACCOUNT, Terminal, sandbox};

/// The JSON below the comment that names it.
fn printed(name: &str) -> Value {
    let page = text("docs/security.md");
    let marker = format!("<!-- policy: {name} -->\n```json\n");
    let rest = page.split_once(&marker).unwrap_or_else(|| panic!("no policy {name}")).1;
    serde_json::from_str(rest.split("\n```").next().unwrap()).unwrap()
}

/// Statements in one order.
fn statements(policy: &Value) -> Vec<Value> {
    let mut statements = policy.as_array().unwrap().clone();
    statements.sort_by_key(Value::to_string);
    statements
}

fn plan() -> Value {
    let sandbox = sandbox(ACCOUNT);
    Terminal::before(&sandbox).run(&["plan", "--output", "json"]).exits(0).json()
}

fn after<'p>(plan: &'p Value, address: &str, path: &str) -> &'p Value {
    let changes = plan["changes"].as_array().unwrap();
    let change = changes.iter().find(|change| change["address"] == address).unwrap();
    let fields = change["fields"].as_array().unwrap();
    let field = fields.iter().find(|field| field["path"] == path);
    &field.unwrap_or_else(|| panic!("no {path} in {change:#}"))["after"]
}

#[test]
fn the_policies_of_function_role_and_topic_are_those_that_are_printed() {
    let plan = plan();
    for (name, address, path) in [
        ("function", "iam_policy", "document.Statement"),
        ("trust", "iam_role", "trust.Statement"),
        ("topic", "sns_topic", "policy.Statement"),
    ] {
        assert_eq!(statements(&printed(name)["Statement"]), statements(after(&plan, address, path)), "{name}");
    }
}

#[test]
fn the_policy_of_a_session_in_each_account_is_the_one_that_is_printed() {
    let sandbox = sandbox(ACCOUNT);
    let reading_role = Some("keyminder-reader".to_owned());
    sandbox.seed_organization(&OrganizationSeed { accounts: 3, reading_role, ..OrganizationSeed::default() });
    Terminal::before(&sandbox).run(&["check", "--organization"]).exits(0);
    let policies: Vec<_> = sandbox.edit(|world| world.sessions.values().map(|one| one.policy.clone()).collect());
    assert_eq!(policies, [Some(printed("session")), Some(printed("session"))]);
}

#[test]
fn the_statements_for_emails_to_owners_are_those_that_are_printed() {
    let sandbox = sandbox(ACCOUNT);
    let file = "[owners]\nfrom = 'iam-keys@example.com'\ndomains = ['example.com']\nfallback = 'account'\n\
                configuration_set = 'keys'";
    let plan = Terminal::before(&sandbox).run_with(file, &["plan", "--output", "json"]).exits(0).json();
    let all = statements(after(&plan, "iam_policy", "document.Statement"));
    let added = all.into_iter().filter(|one| !statements(&printed("function")["Statement"]).contains(one));
    assert_eq!(statements(&printed("owners")["Statement"]), added.collect::<Vec<_>>());
}

#[test]
fn the_deployers_policy_is_the_one_that_is_printed() {
    let sandbox = sandbox(ACCOUNT);
    let exported = Terminal::before(&sandbox).run(&["export", "policy"]).exits(0).json();
    assert_eq!(printed("deployer"), exported, "{exported:#}");
    let actions =
        exported["Statement"].as_array().unwrap().iter().flat_map(|s| s["Action"].as_array().unwrap()).count();
    let readme = text("README.md");
    assert!(readme.contains(&format!("{actions} actions")), "README.md does not say {actions} actions");
}

#[test]
fn the_names_in_the_guide_are_the_defaults() {
    let guide = text("docs/guide.md");
    let table = section(&guide, "## What gets installed");
    let plan = plan();
    for change in plan["changes"].as_array().unwrap() {
        let name = change["name"].as_str().unwrap();
        for part in name.split(" of ").flat_map(|part| part.split(" on ")) {
            assert!(table.contains(&format!("`{part}`")), "{part} ({}) is not in the guide", change["address"]);
        }
    }
}
