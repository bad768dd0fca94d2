//! The command against AWS emulators that others wrote: independent judges of what this program believes about AWS,
//! and of its own sandbox. They are separate programs, so these tests are ignored unless you ask for them:
//! `cargo test --test emulators -- --ignored moto:: ministack::`, as `.ci/run` does. A missing emulator fails them.
//! `aws::` needs an emulator of AWS's own that is already running; see docs/emulators.md.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod command;
mod deviations;
mod server;
mod wire;

use command::Terminal;
use deviations::Deviation;
use keyminder_checker::Event;
use keyminder_keyage::{Fallback, Owners};
use serde_json::{Value, json};
use server::{Emulator, Kind};
use wire::Wire;

const ROLE: &str = "rotate-old-access-keys-notification-role";
const FUNCTION: &str = "rotate-old-access-keys-notification-sender";
const RULE: &str = "Rotate-Old-Access-Keys-Notification-Scheduler";
const TOPIC: &str = "IAM-Access-Key-Rotation-Topic";
const POLICY: &str = "rotate-old-access-keys-notification-policy";

/// On [moto](https://github.com/getmoto/moto).
mod moto {
    use super::*;

    #[test]
    #[ignore = "needs moto: see docs/emulators.md"]
    fn it_differs_from_aws_only_where_it_is_known_to() {
        deviations_show(Kind::Moto);
    }

    #[test]
    #[ignore = "needs moto: see docs/emulators.md"]
    fn the_notifier_is_set_up_kept_repaired_and_removed() {
        life_of_an_install(&Emulator::start(Kind::Moto));
    }

    #[test]
    #[ignore = "needs moto: see docs/emulators.md"]
    fn a_topic_with_our_name_that_is_not_ours_is_left_alone() {
        let emulator = Emulator::start(Kind::Moto);
        let terminal = Terminal::before(&emulator);
        emulator.wire.query("sns", "CreateTopic", &[("Name", TOPIC)]).ok();

        let refused = terminal.run("setup --yes --email ops@example.com").exits(1);
        assert!(refused.document["error"]["message"].as_str().unwrap().contains(TOPIC), "{:#}", refused.document);
        terminal.run("teardown --yes");
        let topics = emulator.wire.query("sns", "ListTopics", &[]).ok();
        assert!(topics.contains(TOPIC), "a topic that is not ours was deleted");
    }

    #[test]
    #[ignore = "needs moto: see docs/emulators.md"]
    fn a_check_with_a_future_date_finds_the_keys_of_today_old() {
        let emulator = Emulator::start(Kind::Moto);
        let terminal = Terminal::before(&emulator);
        let key = make_key(emulator.wire, "alice");

        let today = terminal.run("check --exit-code").exits(0);
        assert_eq!(today.document["keys"].as_array().map(Vec::len), Some(1), "{:#}", today.document);
        let later = terminal.run("check --exit-code --at 2099-01-01").exits(2);
        let found = &later.document["keys"][0];
        assert_eq!((&found["access_key_id"], &found["verdict"]), (&json!(key), &json!("old")));
    }

    #[test]
    #[ignore = "needs moto: see docs/emulators.md"]
    fn owners_and_the_security_contact_are_emailed_and_a_sender_that_is_not_verified_is_refused_by_name() {
        let emulator = Emulator::start(Kind::Moto);
        let (wire, terminal) = (emulator.wire, Terminal::before(&emulator));
        make_key(wire, "alice");
        make_key(wire, "lost");
        let tag = [("UserName", "alice"), ("Tags.member.1.Key", "owner"), ("Tags.member.1.Value", "anna@example.com")];
        wire.query("iam", "TagUser", &tag).ok();
        wire.rest("ses", "POST", "/v2/email/identities", &json!({ "EmailIdentity": "example.com" })).ok();
        let contact = json!({
            "AlternateContactType": "SECURITY", "EmailAddress": "sec@example.com", "Name": "Security",
            "PhoneNumber": "+1 555", "Title": "Team",
        });
        wire.rest("account", "POST", "/putAlternateContact", &contact).ok();
        let topic = wire.query("sns", "CreateTopic", &[("Name", TOPIC)]).text("TopicArn");

        let run = |from: &str| {
            let (from, domains) = (Some(from.to_owned()), vec!["example.com".to_owned()]);
            let owners = Owners { from, domains, fallback: Fallback::Account, ..Owners::default() };
            let function = keyminder_testkit::checker::function_at(wire.url, wire::REGION, &topic, owners);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let later = "2099-01-01T00:00:00Z".parse().unwrap();
            runtime.block_on(function.handle(&Event::new(&json!({})), later, None)).answer
        };
        let sent = run("keys@example.com");
        let owners = sent.owners.unwrap();
        assert_eq!((sent.sent, owners.sent, owners.unsent), (1, 2, 0), "{owners:?}");
        let mut to = owners.to;
        to.sort();
        assert_eq!(to, ["anna@example.com", "sec@example.com"]);
        assert_eq!(wire.query("ses", "GetSendQuota", &[]).text("SentLast24Hours"), "2.0");

        let refused = run("keys@example.org");
        let owners = refused.owners.unwrap();
        assert_eq!((refused.sent, owners.sent, owners.unsent), (1, 0, 2), "{owners:?}");
        assert!(owners.errors.iter().all(|error| error.contains("MessageRejected: ")), "{owners:?}");

        let file = "[owners]\nfrom = 'keys@example.com'\ndomains = ['example.com']\nfallback = 'account'\n";
        terminal.write("keyminder.toml", file);
        let shown = terminal.run("check --owners --at 2099-01-01").exits(0);
        let emails = shown.document["owners"]["emails"].as_array().unwrap();
        let mut shown: Vec<_> = emails.iter().map(|email| email["address"].as_str().unwrap()).collect();
        shown.sort_unstable();
        assert_eq!(shown, ["anna@example.com", "sec@example.com"]);
    }

    /// It keeps accounts apart, and does not evaluate trust policies.
    mod organization {
        use super::*;

        const ROLE: &str = "OrganizationAccountAccessRole";

        /// An organization with more accounts than a page holds, and their ids.
        fn organization(wire: Wire) -> Vec<String> {
            wire.json("organizations", "CreateOrganization", &json!({ "FeatureSet": "ALL" })).ok();
            let create = |n: usize| {
                let account = json!({ "AccountName": format!("team-{n}"), "Email": format!("team-{n}@example.com") });
                let status = wire.json("organizations", "CreateAccount", &account).json();
                status["CreateAccountStatus"]["AccountId"].as_str().unwrap().to_owned()
            };
            (0..25).map(create).collect()
        }

        #[test]
        #[ignore = "needs moto: see docs/emulators.md"]
        fn each_account_is_read_through_its_role_and_has_its_own_keys() {
            let emulator = Emulator::start(Kind::Moto);
            let members = organization(emulator.wire);
            let role = |account: &str| format!("arn:aws:iam::{account}:role/{ROLE}");
            // The same user name in three accounts: keys must not get mixed up.
            let mut expected = vec![(server::ACCOUNT.to_owned(), make_key(emulator.wire, "alice"))];
            for account in [&members[0], &members[24]] {
                expected.push((account.clone(), make_key(emulator.wire.with_role(&role(account)), "alice")));
            }
            let closed = json!({ "AccountId": members[12] });
            emulator.wire.json("organizations", "CloseAccount", &closed).ok();

            let terminal = Terminal::before(&emulator);
            let line = format!("check --organization --role {ROLE} --at 2099-01-01 --exit-code");
            let document = terminal.run(&line).exits(2).document;
            let summary = &document["summary"];
            let counts = ["accounts", "accounts_read", "accounts_not_active", "accounts_unknown", "old"];
            assert_eq!(json!(counts.map(|name| &summary[name])), json!([26, 25, 1, 0, 3]), "{summary:#}");
            let keys = document["keys"].as_array().unwrap();
            let mut found: Vec<_> = keys
                .iter()
                .map(|key| {
                    (key["account"].as_str().unwrap().to_owned(), key["access_key_id"].as_str().unwrap().to_owned())
                })
                .collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected);
            let states = document["accounts"].as_array().unwrap();
            let state = states.iter().find(|account| account["id"] == members[12]).unwrap();
            assert_eq!(state["state"], "not_active", "{state:#}");
            assert_eq!(document["organization"]["management_account"], server::ACCOUNT);
        }

        #[test]
        #[ignore = "needs moto: see docs/emulators.md"]
        fn a_unit_stands_for_its_accounts() {
            let emulator = Emulator::start(Kind::Moto);
            let members = organization(emulator.wire);
            let root = emulator.wire.json("organizations", "ListRoots", &json!({})).json();
            let root = root["Roots"][0]["Id"].as_str().unwrap();
            let unit = |parent: &str| {
                let unit = json!({ "ParentId": parent, "Name": "Unit" });
                let made = emulator.wire.json("organizations", "CreateOrganizationalUnit", &unit).json();
                made["OrganizationalUnit"]["Id"].as_str().unwrap().to_owned()
            };
            let outer = unit(root);
            let inner = unit(&outer);
            for (account, parent) in [(&members[3], &outer), (&members[4], &inner)] {
                let place = json!({ "AccountId": account, "SourceParentId": root, "DestinationParentId": parent });
                emulator.wire.json("organizations", "MoveAccount", &place).ok();
            }
            let terminal = Terminal::before(&emulator);
            let document =
                terminal.run(&format!("check --organization --role {ROLE} --unit {outer}")).exits(0).document;
            let accounts = document["accounts"].as_array().unwrap();
            let mut found: Vec<_> = accounts.iter().map(|account| account["id"].as_str().unwrap()).collect();
            let mut expected = [members[3].as_str(), members[4].as_str()];
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected);
        }
    }
}

/// On [ministack](https://pypi.org/project/ministack/).
mod ministack {
    use super::*;

    #[test]
    #[ignore = "needs ministack: see docs/emulators.md"]
    fn it_differs_from_aws_only_where_it_is_known_to() {
        deviations_show(Kind::Ministack);
    }

    #[test]
    #[ignore = "needs ministack: see docs/emulators.md"]
    fn the_notifier_is_set_up_kept_repaired_and_removed() {
        life_of_an_install(&Emulator::start(Kind::Ministack));
    }

    #[test]
    #[ignore = "needs ministack: see docs/emulators.md"]
    fn the_installed_function_runs_and_its_notice_names_the_old_key() {
        let emulator = Emulator::start(Kind::Ministack);
        let wire = emulator.wire;
        let terminal = Terminal::before(&emulator);
        let key = make_key(wire, "alice");
        let (queue, queue_arn) = wire.queue("inbox");
        let endpoint = emulator.endpoint();

        terminal
            .run(&format!("setup --yes --subscribe sqs={queue_arn} --environment AWS_ENDPOINT_URL={endpoint}"))
            .exits(0);
        terminal.run("test").exits(0);

        let notices = wire.received(&queue);
        assert_eq!(notices.len(), 1, "{notices:#?}\n{}", emulator.log());
        let message = notices[0]["Message"].as_str().unwrap();
        assert!(message.contains(&key) && message.contains("alice"), "{message}");
    }
}

/// On the emulator that AWS publishes, already running at `KEYMINDER_AWS_EMULATOR`.
mod aws {
    use super::*;

    #[test]
    #[ignore = "needs AWS's own emulator at KEYMINDER_AWS_EMULATOR: see docs/emulators.md"]
    fn the_notifier_is_set_up_kept_repaired_and_removed() {
        life_of_an_install(&Emulator::running());
    }
}

fn deviations_show(kind: Kind) {
    let emulator = Emulator::start(kind);
    let gone: Vec<String> = Deviation::of(kind)
        .filter(|deviation| !deviation.shows_on(&emulator))
        .map(|deviation| format!("{}: {} (AWS: {})", kind.name(), deviation.name, deviation.instead))
        .collect();
    assert!(gone.is_empty(), "no longer true, remove it from the list:\n{}", gone.join("\n"));
}

/// Setup, a second run, drift, repair, other options, teardown: each judged by the command's own answer and by
/// what the emulator says when asked directly.
fn life_of_an_install(emulator: &Emulator) {
    let wire = emulator.wire;
    let terminal = Terminal::before(emulator);
    let setup = "setup --yes --email ops@example.com";
    let plan = "plan --exit-code --email ops@example.com";

    let planned = terminal.run(plan).exits(2);
    assert!(!wire_has_install(wire), "a plan made something");
    let made = terminal.run(setup).exits(0);
    assert_eq!(made.document["applied"], true);
    assert_eq!(made.changed(), planned.changed(), "setup did not do what plan said");
    for address in [
        "events_rule",
        "events_target",
        "iam_policy",
        "iam_role",
        "iam_role_attachment",
        "lambda_function",
        "lambda_log_group",
        "lambda_permission",
        "sns_subscriptions",
        "sns_topic",
    ] {
        assert!(made.addresses("create").contains(&address), "{address} was not made: {:#}", made.document);
    }
    assert!(wire_has_install(wire));

    let again = terminal.run(setup).exits(0);
    assert_eq!(again.changed(), [], "a second run found something to do: {:#}", again.document);
    terminal.run(plan).exits(0);

    break_things(wire);
    let drifted = terminal.run(plan).exits(2);
    assert_eq!(
        drifted.changed(),
        [
            ("create", "events_target"),
            ("update", "events_rule"),
            ("update", "lambda_function"),
            ("update", "lambda_log_group"),
        ]
    );
    terminal.run(setup).exits(0);
    terminal.run(plan).exits(0);
    assert_eq!(live_function(wire)["Timeout"], made_timeout(&planned.document));

    let stricter = format!("{setup} --max-age-days 60");
    let changed = terminal.run(&stricter).exits(0);
    assert_eq!(changed.changed(), [("update", "lambda_function")]);
    assert_eq!(terminal.run(&stricter).exits(0).changed(), []);

    let removed = terminal.run("teardown --yes").exits(0);
    assert!(removed.addresses("delete").contains(&"lambda_log_group"), "{:#}", removed.document);
    assert!(!wire_has_install(wire), "teardown left something");
    assert_eq!(terminal.run("teardown --yes").exits(0).changed(), []);
}

/// What a careless colleague might do in the console.
fn break_things(wire: Wire) {
    wire.json("events", "DisableRule", &json!({ "Name": RULE })).ok();
    wire.json("events", "RemoveTargets", &json!({ "Rule": RULE, "Ids": ["1"] })).ok();
    let group = format!("/aws/lambda/{FUNCTION}");
    wire.json("logs", "PutRetentionPolicy", &json!({ "logGroupName": group, "retentionInDays": 1 })).ok();
    wire.lambda("PUT", &format!("/{FUNCTION}/configuration"), &json!({ "Timeout": 3 })).ok();
}

fn live_function(wire: Wire) -> Value {
    wire.lambda("GET", &format!("/{FUNCTION}/configuration"), &json!(null)).json()
}

/// The function's timeout as a plan to create it has it.
fn made_timeout(plan: &Value) -> Value {
    let changes = plan["changes"].as_array().unwrap();
    let function = changes.iter().find(|change| change["address"] == "lambda_function").unwrap();
    let fields = function["fields"].as_array().unwrap();
    let timeout = fields.iter().find(|field| field["path"].as_str().is_some_and(|path| path.contains("timeout")));
    timeout.unwrap_or_else(|| panic!("no timeout in {function:#}"))["after"].clone()
}

/// Whether anything of an install is there.
fn wire_has_install(wire: Wire) -> bool {
    let lists = [
        wire.query("sns", "ListTopics", &[]),
        wire.query("iam", "ListRoles", &[]),
        wire.query("iam", "ListPolicies", &[("Scope", "Local")]),
        wire.lambda("GET", "/", &json!(null)),
        wire.json("events", "ListRules", &json!({})),
        wire.json("logs", "DescribeLogGroups", &json!({})),
    ];
    let names = [TOPIC, ROLE, POLICY, FUNCTION, RULE];
    lists.into_iter().map(wire::Reply::ok).any(|list| names.iter().any(|name| list.contains(name)))
}

/// Makes a user with a key, and gives the key's id.
fn make_key(wire: Wire, user: &str) -> String {
    wire.query("iam", "CreateUser", &[("UserName", user)]).ok();
    wire.query("iam", "CreateAccessKey", &[("UserName", user)]).text("AccessKeyId")
}
