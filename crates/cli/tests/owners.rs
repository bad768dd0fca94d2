//! Emails to the owners of keys, from the configuration to the mailbox.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use keyminder_sandbox::world::{AlternateContact, EmailIdentity};
use keyminder_sandbox::{Fault, FaultKind, OrganizationSeed, Seed};
use keyminder_testkit::command::{EMAIL, REGION, World, contains, unbroken};
use serde_json::Value;

const FILE: &str = "[notify]\nemails = ['ops@example.com']\n[owners]\nfrom = 'keys@example.com'\n\
                    domains = ['example.com']\n";

/// Three users with old keys, whose owners the tags name; SES can send from example.com.
fn world(owners: &[&str]) -> World {
    let world = World::new();
    world.sandbox.seed_users(&Seed { users: owners.len(), old: owners.len(), ..Seed::default() });
    world.sandbox.edit(|aws| {
        for (user, owner) in aws.iam.users.values_mut().zip(owners) {
            user.tags.insert("owner".to_owned(), (*owner).to_owned());
        }
        let ses = &mut aws.region(REGION).ses;
        ses.production = true;
        ses.identities.insert("example.com".to_owned(), EmailIdentity { verified: true, configuration_set: None });
    });
    world.write("keyminder.toml", FILE);
    world
}

fn problems(status: &Value) -> String {
    status["problems"].as_array().unwrap().iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

#[test]
fn owners_are_emailed_from_configuration_to_mailbox_and_status_says_so() {
    let world = world(&["anna@example.com", "anna@example.com", "eve@evil.org"]);
    let set_up = world.ok(&["setup", "--yes"]);
    contains(&set_up.stdout, &["OWNERS_FROM", "keys@example.com", "OWNERS_DOMAINS", "example.com"]);
    world.sandbox.confirm(EMAIL);
    world.ok(&["test"]);
    let emails = world.sandbox.emails();
    assert_eq!(emails.len(), 1);
    assert_eq!((emails[0].from.as_str(), &emails[0].to[..]), ("keys@example.com", &["anna@example.com".into()][..]));
    let (_, status) = world.json(&["status"]);
    assert_eq!(status["owners"]["from"], "keys@example.com");
    let owners = &status["last_run"]["owners"];
    assert_eq!(
        (&owners["emailed"], &owners["not_emailed"], &owners["keys_without_owner"]),
        (&1.into(), &0.into(), &1.into())
    );
    contains(
        &world.ok(&["status"]).stdout,
        &["Owners", "emailed from keys@example.com, in example.com", "1 owner emailed"],
    );
    world.ok(&["plan", "--exit-code"]);
    world.ok(&["teardown", "--yes"]);
    let identities = world.sandbox.edit(|aws| aws.region(REGION).ses.identities.len());
    assert_eq!(identities, 1, "the identity is the user's");
}

#[test]
fn setup_refuses_to_begin_with_a_sender_that_is_not_verified() {
    let world = world(&["anna@example.com"]);
    world.sandbox.edit(|aws| aws.region(REGION).ses.identities.get_mut("example.com").unwrap().verified = false);
    let planned = world.ok(&["plan"]);
    contains(
        &planned.stdout,
        &["Owners of keys cannot be emailed: the identity example.com in us-east-1 is not verified"],
    );
    let (code, refused) = world.json(&["setup", "--yes"]);
    assert_eq!((code, &refused["error"]["code"]), (64, &"CannotEmailOwners".into()), "{refused}");
    assert_eq!(world.writes(), 0);
}

#[test]
fn the_sandbox_of_ses_is_a_warning_and_a_problem_of_status() {
    let world = world(&["anna@example.com"]);
    world.sandbox.edit(|aws| {
        let ses = &mut aws.region(REGION).ses;
        ses.production = false;
        let domain = ses.identities.remove("example.com").unwrap();
        ses.identities.insert("keys@example.com".to_owned(), domain);
    });
    let (_, set_up) = world.json(&["setup", "--yes"]);
    let attention = set_up["attention"].as_array().unwrap();
    let found = attention.iter().find(|one| one["code"] == "owner_emails").unwrap();
    assert!(found["message"].as_str().unwrap().contains("request production access"), "{found}");
    world.sandbox.confirm(EMAIL);
    world.ok(&["test"]);
    let (_, status) = world.json(&["status"]);
    let problems = problems(&status);
    assert!(problems.contains("the account is in SES's sandbox in us-east-1"), "{problems}");
    assert!(
        problems.contains("the last run could not email an owner: anna@example.com: MessageRejected"),
        "{problems}"
    );
    world.sandbox.edit(|aws| aws.region(REGION).ses.production = true);
    world.ok(&["test"]);
    assert_eq!(world.json(&["status"]).1["ok"], true);
    world.sandbox.inject(Fault::new("ses:GetAccount", FaultKind::AccessDenied));
    let (_, status) = world.json(&["status"]);
    assert!(self::problems(&status).contains("SES could not be asked"), "{status}");
}

#[test]
fn check_shows_who_would_be_emailed_about_which_keys() {
    let world = world(&["anna@example.com", "anna@example.com ben@example.com", "eve@evil.org"]);
    let shown = world.ok(&["check", "--owners"]);
    contains(
        &shown.stdout,
        &["anna@example.com", "ben@example.com", "Keys without an owner", "is not in owners.domains: eve@evil.org"],
    );
    let (_, document) = world.json(&["check", "--owners"]);
    let emails = document["owners"]["emails"].as_array().unwrap();
    let keys: Vec<_> = emails.iter().map(|email| email["keys"].as_array().unwrap().len()).collect();
    let mut to: Vec<_> = emails.iter().map(|email| email["address"].as_str().unwrap()).zip(keys).collect();
    to.sort_unstable();
    assert_eq!(to, [("anna@example.com", 2), ("ben@example.com", 1)]);
    assert_eq!(document["owners"]["without_owner"].as_array().unwrap().len(), 1);
    assert_eq!(document["notices"], serde_json::json!([]));
    // With the notices, the emails are shown as they would be sent, and the digest says who was emailed.
    let shown = world.ok(&["check", "--owners", "--notice"]);
    let text = unbroken(&shown.stdout.replace('│', " "));
    assert!(text.contains("To: anna@example.com Subject: Yours: "), "{text}");
    assert!(text.contains("Emailed: ") && text.contains("ben@example.com (1 key)"), "{text}");
    let writes = world.sandbox.calls().iter().filter(|call| call.write).count();
    assert_eq!((world.sandbox.emails().len(), writes), (0, 0));
    let refused = world.run(&["check", "--owners", "--format", "csv"]);
    contains(&refused.stderr, &["--owners cannot be combined with --format csv"]);
    world.write("keyminder.toml", "");
    let (code, refused) = world.json(&["check", "--owners"]);
    assert_eq!((code, &refused["error"]["code"]), (64, &"OwnersNotConfigured".into()));
}

/// An organization of three accounts, each of which has two users with an old key.
fn organization(owner: Option<&str>) -> World {
    let world = world(&[]);
    let (users, reading_role) = (Seed { users: 2, old: 2, ..Seed::default() }, Some("keyminder-reader".to_owned()));
    let seed = OrganizationSeed { accounts: 3, users, old_every: 1, reading_role, ..OrganizationSeed::default() };
    // The seed leaves the sandbox's own account, which is the management account, as it is.
    world.sandbox.seed_users(&Seed { users: 2, old: 2, ..Seed::default() });
    world.sandbox.seed_organization(&seed);
    world.sandbox.edit(|aws| {
        let organization = aws.organization.as_mut().unwrap();
        organization.trusted_services.insert("account.amazonaws.com".to_owned());
        let ids: Vec<String> = organization.accounts.keys().cloned().collect();
        for id in ids {
            let account = aws.account(&id).unwrap();
            for user in account.iam.users.values_mut() {
                user.tags.remove("owner");
                user.tags.extend(owner.map(|owner| ("owner".to_owned(), owner.to_owned())));
            }
            let email = format!("sec-{id}@example.com");
            let (name, phone, title) = ("Security".to_owned(), "+1555".to_owned(), "Team".to_owned());
            account.contacts.insert("SECURITY".to_owned(), AlternateContact { email, name, phone, title });
        }
    });
    world
}

#[test]
fn one_email_covers_the_keys_of_a_person_in_all_accounts() {
    let world = organization(Some("anna@example.com"));
    let (_, document) = world.json(&["check", "--organization", "--owners"]);
    let emails = document["owners"]["emails"].as_array().unwrap();
    assert_eq!(emails.len(), 1, "{document:#}");
    let keys = emails[0]["keys"].as_array().unwrap();
    let accounts: BTreeSet<_> = keys.iter().map(|key| key["account"].as_str().unwrap()).collect();
    assert_eq!(accounts.len(), 3, "{keys:?}");
    let shown = world.ok(&["check", "--organization", "--owners"]);
    contains(&shown.stdout, accounts.iter().copied().chain(["anna@example.com"]).collect::<Vec<_>>().as_slice());
}

#[test]
fn keys_without_an_owner_go_to_the_security_contact_of_each_account() {
    let world = organization(None);
    world.write("keyminder.toml", &format!("{FILE}fallback = 'account'\n"));
    let (_, document) = world.json(&["check", "--organization", "--owners"]);
    let emails = document["owners"]["emails"].as_array().unwrap();
    // The management account is asked about without its id, which it would be refused.
    assert_eq!(
        (emails.len(), &document["owners"]["contacts_not_emailed"]),
        (3, &serde_json::json!([])),
        "{document:#}"
    );
    for email in emails {
        let to = email["address"].as_str().unwrap();
        let keys = email["keys"].as_array().unwrap();
        assert!(
            keys.iter().all(|key| to == format!("sec-{}@example.com", key["account"].as_str().unwrap())),
            "{email}"
        );
    }
}

#[test]
fn a_test_email_goes_to_the_owner_alone_and_refusals_are_named() {
    let world = world(&["anna@example.com"]);
    world.ok(&["setup", "--yes"]);
    world.sandbox.confirm(EMAIL);
    let sent = world.ok(&["test", "--notice", "--owner", "ben@example.com"]);
    contains(&sent.stdout, &["Emailed a test to ben@example.com"]);
    let (code, document) = world.json(&["test", "--notice", "--owner", "ben@example.com"]);
    assert_eq!((code, &document["told"]), (0, &serde_json::json!(["email: ben@example.com"])));
    let emails = world.sandbox.emails();
    assert_eq!(emails.len(), 2);
    assert!(emails[0].text.starts_with("This is a test."), "{}", emails[0].text);
    assert_eq!(world.sandbox.calls().iter().filter(|call| call.operation == "Publish").count(), 0);
    for (address, why) in [("eve@evil.org", "not in owners.domains (example.com)"), ("ben", "not a plain email")] {
        let refused = world.run(&["test", "--notice", "--owner", address]);
        assert_eq!(refused.code, 64);
        contains(&refused.stderr, &[why]);
    }
    assert_eq!(world.run(&["test", "--owner", "ben@example.com"]).code, 64);
    world.sandbox.edit(|aws| aws.region(REGION).ses.paused = true);
    let refused = world.run(&["test", "--notice", "--owner", "ben@example.com"]);
    assert_eq!(refused.code, 1);
    contains(&refused.stderr, &["could not email ben@example.com: SendingPausedException"]);
}

#[test]
fn what_a_tag_says_is_neither_markup_nor_a_link_in_an_email() {
    let world = world(&["anna@example.com"]);
    world.sandbox.edit(|aws| {
        let user = aws.iam.users.values_mut().next().unwrap();
        user.tags.insert("purpose".to_owned(), "ci <a href='https://evil.org'>x</a> www.evil.org".to_owned());
    });
    world.ok(&["setup", "--yes"]);
    world.ok(&["test"]);
    let email = &world.sandbox.emails()[0];
    for bad in ["<a ", "evil.org", "://"] {
        assert!(!email.html.contains(bad), "{bad}: {}", email.html);
    }
}

#[test]
fn mistakes_in_the_settings_are_told_with_their_places() {
    let world = World::new();
    world.write(
        "keyminder.toml",
        "[owners]\nfrom = 'Keys <keys@example.com>'\ndomains = ['*.example.com']\nfallback = 'me'\n",
    );
    let refused = world.run(&["plan"]);
    assert_eq!(refused.code, 64);
    contains(&refused.stderr, &["owners.fallback: 'me' is not one of none, account", "keyminder.toml:4"]);
    world
        .write("keyminder.toml", "[owners]\nfrom = 'Keys <keys@example.com>'\ndomains = ['*.example.com']\ntag = ''\n");
    let refused = world.run(&["check"]);
    assert!(!refused.stderr.contains("check.owner_tag"), "{}", refused.stderr);
    contains(
        &refused.stderr,
        &["cannot be the sender", "list each subdomain", "keyminder.toml:4:7: it is empty", "keyminder.toml:2"],
    );
    world.write("keyminder.toml", "[owners]\ndomains = ['example.com']\n");
    contains(&world.run(&["plan"]).stderr, &["no owner would be emailed"]);
    world.write("keyminder.toml", &format!("{FILE}tag = 'contact'\n[check]\nowner_tag = 'team'\n"));
    contains(&world.run(&["plan"]).stderr, &["which is the same setting"]);
}
