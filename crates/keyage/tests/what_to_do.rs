//! What a notice asks its readers to do: first, once, and about the right keys.

#![allow(clippy::unwrap_used)]

use jiff::SignedDuration;
use keyminder_keyage::notice::{Context, failure_notice};
use keyminder_keyage::{
    Format, Key, KeyStatus, LastUsed, Notice, NoticeSteps, ReadError, Remedy, Settings, User, notices,
};
use keyminder_testkit::keys::{ago, by_hand, deployment, key, now, report, user};
use serde_json::Value;

fn owned(name: &str, owner: &str) -> User {
    User { tags: Some(vec![("owner".to_owned(), owner.to_owned())]), ..user(name) }
}

fn idle(id: &str, age: i64, unused: i64) -> Key {
    Key { last_used: LastUsed::At { at: ago(unused), service: None, region: None }, ..key(id, age) }
}

fn daily() -> Context {
    Context::scheduled(&deployment("cron(0 9 * * ? *)"), now())
}

fn sent(settings: &Settings, keys: &[(User, Key)], context: &Context) -> Notice {
    notices(&report(settings, keys), settings, context).remove(0)
}

fn steps_in_chat(keys: &[(User, Key)]) -> String {
    let settings = Settings { format: Format::Chat, ..Settings::default() };
    let message: Value = serde_json::from_str(&sent(&settings, keys, &by_hand()).message).unwrap();
    message["content"]["nextSteps"].to_string()
}

#[test]
fn what_to_do_comes_before_a_long_list_and_the_list_is_cut_and_counted() {
    let keys: Vec<_> =
        (0..120).map(|n| (user(&format!("user-{n:03}")), key(&format!("AKIA{n:016}"), 100 + n))).collect();
    let text = sent(&Settings::default(), &keys, &by_hand()).text;
    let line_of = |words: &str| text.lines().position(|line| line.contains(words)).unwrap();
    assert!(line_of("aws iam create-access-key") < 25, "{text}");
    assert!(line_of("ROTATE 120 KEYS") < line_of("OVER THE LIMIT: 120"));
    assert_eq!(text.lines().filter(|line| line.ends_with("days old")).count(), 50);
    assert!(text.contains("and 70 keys more. To list all keys, run: keyminder check\n"), "{text}");
    assert!(text.lines().count() < 160, "{} lines", text.lines().count());
    let few = sent(&Settings::default(), &keys[..2], &by_hand()).text;
    assert!(few.find("OVER THE LIMIT: 2").unwrap() < few.find("ROTATE 2 KEYS").unwrap(), "{few}");
}

#[test]
fn keys_are_listed_by_owner_if_any_owner_is_known() {
    let keys = [
        (user("ann"), key("AKIA1", 400)),
        (owned("ben", "data team"), key("AKIA2", 300)),
        (owned("cat", "platform team"), key("AKIA3", 200)),
        (owned("dan", "data team"), key("AKIA4", 100)),
    ];
    let text = sent(&Settings::default(), &keys, &by_hand()).text;
    let order =
        ["Owner: data team", "ben  AKIA2", "dan  AKIA4", "Owner: platform team", "cat", "No owner known", "ann  AKIA1"];
    let list = &text[text.find("OVER THE LIMIT").unwrap()..];
    let places: Vec<usize> =
        order.iter().map(|words| list.find(words).unwrap_or_else(|| panic!("{words}: {text}"))).collect();
    assert!(places.is_sorted(), "{text}");
    assert_eq!(text.matches("data team").count(), 1, "{text}");
}

#[test]
fn a_key_that_nobody_uses_is_to_be_deleted_in_every_form() {
    let keys = [(user("ann"), idle("AKIAIDLE", 700, 660)), (user("ben"), key("AKIAUSED", 100))];
    let settings = Settings::default();
    let report = report(&settings, &keys);
    let remedy = |user: &str| report.keys.iter().find(|finding| finding.user == user).unwrap().remedy;
    assert_eq!((remedy("ann"), remedy("ben")), (Some(Remedy::Delete), Some(Remedy::Rotate)));
    let text = sent(&settings, &keys, &by_hand()).text;
    assert!(text.contains("create-access-key --user-name ben") && !text.contains("create-access-key --user-name ann"));
    assert!(text.contains("DELETE 1 KEY\n"), "{text}");
    let chat = steps_in_chat(&keys);
    assert!(chat.contains("create-access-key --user-name ben") && !chat.contains("create-access-key --user-name ann"));
    let never = [(user("ann"), Key { last_used: LastUsed::Never, ..key("AKIANEVER", 100) })];
    for shown in [sent(&settings, &never, &by_hand()).text, steps_in_chat(&never)] {
        assert!(!shown.contains("create-access-key") && shown.contains("update-access-key"), "{shown}");
    }
    let off = [(user("ann"), Key { status: KeyStatus::Inactive, ..key("AKIAOFF", 700) })];
    let settings = Settings { inactive: keyminder_keyage::Inactive::Report, ..settings };
    let text = sent(&settings, &off, &by_hand()).text;
    assert!(text.contains("delete-access-key") && !text.contains("update-access-key"), "{text}");
}

#[test]
fn steps_are_in_full_when_a_key_is_new_and_in_short_after_that() {
    let known = (user("ann"), key("AKIA1", 200));
    let fresh = Key { created: ago(90) - SignedDuration::from_hours(12), ..key("AKIA2", 0) };
    let full = |settings: &Settings, keys: &[(User, Key)], context: &Context| {
        sent(settings, keys, context).text.contains("1. Create a second key")
    };
    let auto = Settings::default();
    assert!(!full(&auto, std::slice::from_ref(&known), &daily()));
    assert!(full(&auto, &[known.clone(), (user("ben"), fresh)], &daily()));
    assert!(full(&auto, std::slice::from_ref(&known), &by_hand()));
    let set = |notice_steps| Settings { notice_steps, ..Settings::default() };
    assert!(full(&set(NoticeSteps::Full), std::slice::from_ref(&known), &daily()));
    assert!(!full(&set(NoticeSteps::Short), std::slice::from_ref(&known), &by_hand()));
    let short = sent(&auto, &[known], &daily()).text;
    assert!(
        short.contains("Rotate 1 key: create a second key") && short.contains("keyminder check --notice"),
        "{short}"
    );
}

#[test]
fn a_runbook_and_a_contact_are_in_every_form() {
    let settings = Settings {
        runbook_url: Some("https://wiki.example.com/keys?a=1".to_owned()),
        contact: Some("#aws-help".to_owned()),
        ..Settings::default()
    };
    let keys = [(user("ann"), key("AKIA1", 200))];
    let notice = sent(&settings, &keys, &by_hand());
    assert!(notice.text.contains("\nRunbook: https://wiki.example.com/keys?a=1\n"), "{}", notice.text);
    assert!(notice.text.contains("\nQuestions: #aws-help\n"), "{}", notice.text);
    assert!(!notice.text.contains("1. Create a second key"), "the runbook has the steps: {}", notice.text);
    let document: Value = serde_json::from_str(&notice.json).unwrap();
    assert_eq!(
        (&document["runbook_url"], &document["contact"]),
        (&"https://wiki.example.com/keys?a=1".into(), &"#aws-help".into())
    );
    let chat = sent(&Settings { format: Format::Chat, ..settings }, &keys, &by_hand()).message;
    assert!(
        chat.contains("Runbook: https://wiki.example.com/keys?a=1") && chat.contains("Questions: #aws-help"),
        "{chat}"
    );
}

#[test]
fn an_alert_does_not_ask_its_readers_to_change_or_remove_the_notifier() {
    let keys = [(user("ann"), key("AKIA1", 200))];
    let settings = Settings { format: Format::Chat, ..Settings::default() };
    for shown in [sent(&Settings::default(), &keys, &by_hand()).text, sent(&settings, &keys, &by_hand()).message] {
        assert!(
            !shown.contains("teardown") && !shown.contains("keyminder.toml") && !shown.contains("setup"),
            "{shown}"
        );
    }
}

#[test]
fn a_digest_begins_with_how_many_old_keys_are_new() {
    let fresh = |id: &str| Key { created: ago(90) - SignedDuration::from_hours(12), ..key(id, 0) };
    let known = [(user("ann"), key("AKIA1", 131)), (user("ben"), key("AKIA2", 200))];
    let begins = |keys: &[(User, Key)], words: &str| {
        let text = sent(&Settings::default(), keys, &daily()).text;
        let start: String = text.lines().take(4).collect::<Vec<_>>().join(" ");
        assert!(start.starts_with(words), "{text}");
    };
    begins(
        &known,
        "2 IAM access keys older than 90 days: none is new since the last check. Oldest: user ben, key AKIA2, 200 days old, over its limit for 110 days.",
    );
    let with_new = [known.to_vec(), vec![(user("cat"), fresh("AKIA3"))]].concat();
    begins(&with_new, "3 IAM access keys older than 90 days: 1 new since the last check, 2 from before.");
    begins(&with_new[2..], "1 IAM access key older than 90 days: new since the last check.");
    let document: Value = serde_json::from_str(&sent(&Settings::default(), &with_new, &daily()).json).unwrap();
    assert_eq!((&document["progress"]["new"], &document["progress"]["before"]), (&1.into(), &2.into()));
}

#[test]
fn a_check_that_failed_says_so_in_its_first_words() {
    let settings = Settings::default();
    let mut report = report(&settings, &[(user("ann"), key("AKIA1", 200))]);
    report.complete = false;
    report.summary.users = 40;
    report.errors.push(ReadError {
        user: None,
        operation: "iam:ListUsers".to_owned(),
        code: "AccessDenied".to_owned(),
        message: "not authorized".to_owned(),
    });
    let notice = notices(&report, &settings, &by_hand()).remove(0);
    assert_eq!(notice.subject, "Incomplete check: 1 IAM access key older than 90 days in 123456789012");
    let start = notice.text.split("\n\n").next().unwrap().replace('\n', " ");
    assert!(start.contains("Only 1 of 40 users could be read; keys of the others may be old."), "{start}");
    assert!(start.contains("First error: iam:ListUsers: AccessDenied: not authorized."), "{start}");
    let failed = failure_notice("123456789012", "MAX_AGE_DAYS: \"x\" is not a whole number", &by_hand());
    assert_eq!(failed.subject, "IAM access keys were not checked in 123456789012");
    assert!(failed.text.starts_with("IAM access keys were not checked."), "{}", failed.text);
    assert!(failed.text.contains("MAX_AGE_DAYS: \"x\" is not a whole number"), "{}", failed.text);
}

#[test]
fn a_user_name_that_begins_with_a_hyphen_does_not_break_the_commands() {
    let keys = [(user("-rf"), key("AKIA1", 200))];
    let text = sent(&Settings::default(), &keys, &by_hand()).text;
    assert_eq!(text.matches("--user-name=").count(), 3, "{text}");
    assert!(!text.contains("--user-name "), "{text}");
    assert!(steps_in_chat(&keys).contains("--user-name='-rf'"));
}

#[test]
fn an_owner_that_looks_like_a_link_is_broken_up() {
    let keys = [(owned("ann", "reset at evil.example/login"), key("AKIA1", 200))];
    let text = sent(&Settings::default(), &keys, &by_hand()).text;
    assert!(text.contains("owner reset at evil[.]example/login"), "{text}");
    let settings = Settings { format: Format::Chat, ..Settings::default() };
    assert!(sent(&settings, &keys, &by_hand()).message.contains("evil[.]example/login"));
}
