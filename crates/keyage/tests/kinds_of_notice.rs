//! What each kind of notice says that the others do not.

#![allow(clippy::unwrap_used)]

use keyminder_keyage::{
    AllClear, CredentialKind, Exemption, Format, Key, KeyStatus, LastUsed, NoticeKind, Settings, User, notices,
};
use keyminder_testkit::keys::{by_hand, key, report, user};
use serde_json::Value;

#[test]
fn a_notice_per_key_does_not_call_another_credential_an_access_key() {
    let settings = Settings { other_credentials: true, notice: NoticeKind::PerKey, ..Settings::default() };
    let ssh = Key { kind: CredentialKind::SshPublicKey, last_used: LastUsed::NotRead, ..key("APKA1", 100) };
    let sent = notices(&report(&settings, &[(user("alice"), ssh)]), &settings, &by_hand());
    assert_eq!(sent[0].subject, "Credential Needs Rotating For User: alice");
    assert!(sent[0].text.starts_with("You need to rotate SSH public key: APKA1 for user: alice\n"), "{}", sent[0].text);
}

#[test]
fn a_chat_notification_gives_commands_for_access_keys_alone() {
    let settings = Settings { other_credentials: true, format: Format::Chat, ..Settings::default() };
    let ssh = Key { kind: CredentialKind::SshPublicKey, last_used: LastUsed::NotRead, ..key("APKA1", 500) };
    let steps = |keys: &[(User, Key)]| -> String {
        let sent = notices(&report(&settings, keys), &settings, &by_hand());
        let message: Value = serde_json::from_str(&sent[0].message).unwrap();
        message["content"]["nextSteps"].to_string()
    };
    let told = steps(&[(user("alice"), ssh.clone())]);
    assert!(!told.contains("access-key"), "{told}");
    let told = steps(&[(user("alice"), ssh), (user("bob"), key("AKIA1", 100))]);
    assert!(told.contains("--user-name bob --access-key-id AKIA1"), "{told}");
}

#[test]
fn an_all_clear_does_not_speak_for_keys_that_are_exempt_or_switched_off() {
    let exemption = Exemption {
        user: "vendor".to_owned(),
        access_key_id: None,
        until: "2027-03-31".parse().unwrap(),
        reason: "moving".to_owned(),
        approved_by: Some("Ada".to_owned()),
    };
    let settings = Settings { exemptions: vec![exemption], all_clear: AllClear::Always, ..Settings::default() };
    let off = Key { status: KeyStatus::Inactive, ..key("AKIA2", 700) };
    let mut keys = vec![(user("alice"), key("AKIA1", 4))];
    let clear = |keys: &[(User, Key)]| notices(&report(&settings, keys), &settings, &by_hand()).remove(0);
    assert!(clear(&keys).text.starts_with("No access key is over its limit.\n\nEverything was read: 1 user"));
    keys.extend([(user("vendor"), key("AKIA3", 300)), (user("bob"), off)]);
    let text = clear(&keys).text;
    assert!(
        text.contains("over its limit.\nNot counted: 1 exempt, 1 inactive.\n\nEverything was read: 3 users"),
        "{text}"
    );
    let chat = Settings { format: Format::Chat, ..settings.clone() };
    let sent = notices(&report(&chat, &keys), &chat, &by_hand());
    assert!(sent[0].message.contains("Not counted: 1 exempt, 1 inactive."), "{}", sent[0].message);
}

#[test]
fn a_user_with_several_keys_gets_one_notice_of_all_of_them() {
    let settings = Settings { notice: NoticeKind::PerUser, ..Settings::default() };
    let keys = [
        (user("alice"), key("AKIA1", 100)),
        (user("bob"), key("AKIA2", 300)),
        (user("alice"), key("AKIA3", 200)),
        (user("carl"), key("AKIA4", 4)),
    ];
    let sent = notices(&report(&settings, &keys), &settings, &by_hand());
    let subjects: Vec<&str> = sent.iter().map(|notice| notice.subject.as_str()).collect();
    let older = "older than 90 days of user";
    assert_eq!(subjects, [format!("1 IAM access key {older} bob"), format!("2 IAM access keys {older} alice")]);
    assert!(sent[1].text.find("AKIA3").unwrap() < sent[1].text.find("AKIA1").unwrap(), "the oldest first");
}
