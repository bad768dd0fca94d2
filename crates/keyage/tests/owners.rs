//! Who is emailed about which keys, and what the email says.

#![allow(clippy::unwrap_used)]

use keyminder_keyage::notice::{Context, owner_emails};
use keyminder_keyage::owners::sort::{Sorted, sort};
use keyminder_keyage::owners::{Address, Contact, Contacts, NoOwner};
use keyminder_keyage::reminder::Window;
use keyminder_keyage::{Fallback, Owners, Report, Settings, User};
use keyminder_testkit::keys::{by_hand, deployment, key, now, report, user};

fn owned(name: &str, owner: &str) -> User {
    User { tags: Some(vec![("owner".to_owned(), owner.to_owned())]), ..user(name) }
}

fn owners() -> Owners {
    let domains = vec!["Example.com".to_owned()];
    Owners { from: Some("keys@example.com".to_owned()), domains, ..Owners::default() }
}

fn sorted<'a>(reports: &'a [Report], contacts: &Contacts) -> Sorted<'a> {
    sort(reports, &owners(), &Settings::default(), Window::everything(now()), contacts)
}

fn no_contacts() -> Contacts {
    Contacts::new()
}

#[test]
fn an_owner_gets_one_email_about_all_keys_in_all_accounts() {
    let settings = Settings::default();
    let first = report(&settings, &[(owned("ci", "anna@example.com"), key("AKIA1", 100))]);
    let mut second = report(&settings, &[(owned("db", "Anna@EXAMPLE.com"), key("AKIA2", 300))]);
    second.account = "200000001111".to_owned();
    let reports = [first, second];
    let sorted = sorted(&reports, &no_contacts());
    assert_eq!(sorted.letters.len(), 1);
    let emails = owner_emails(&sorted.letters, &settings, &by_hand());
    assert_eq!(emails[0].to, "anna@example.com");
    assert_eq!(emails[0].keys.len(), 2);
    for part in [&emails[0].text, &emails[0].html] {
        assert!(part.contains("Account 123456789012") && part.contains("Account 200000001111"), "{part}");
    }
}

#[test]
fn a_tag_that_is_no_address_or_outside_the_domains_or_names_fifty_names_nobody() {
    let fifty: Vec<String> = (0..50).map(|n| format!("p{n}@example.com")).collect();
    let fifty = fifty.join(" ");
    let settings = Settings::default();
    let tags = ["team-payments", "eve@evil.org", "anna@example.com.evil.org", "anna@sub.example.com", &fifty, " "];
    let keys: Vec<_> = tags.iter().map(|tag| (owned("ci", tag), key("AKIA1", 100))).collect();
    for one in &keys {
        let reports = [report(&settings, std::slice::from_ref(one))];
        let sorted = sorted(&reports, &no_contacts());
        assert!(sorted.letters.is_empty(), "{:?}", one.0.tags);
        assert_eq!(sorted.ownerless.len(), 1);
        assert_eq!(sorted.accounts_without_owner, ["123456789012"]);
    }
    let why = |index: usize| {
        let reports = [report(&settings, std::slice::from_ref(&keys[index]))];
        sorted(&reports, &no_contacts()).ownerless.remove(0).why
    };
    assert!(matches!(why(0), NoOwner::NotAnAddress(_)) && matches!(why(1), NoOwner::Outside(_)));
    assert_eq!((why(4), why(5)), (NoOwner::TooMany(50), NoOwner::Untagged));
    assert!(why(1).reason("owner").ends_with("eve@evil.org"));
}

#[test]
fn of_several_people_those_in_the_domains_are_emailed_and_know_of_each_other() {
    let settings = Settings::default();
    let tag = "Anna anna@example.com, ben@example.com eve@evil.org";
    let reports = [report(&settings, &[(owned("ci", tag), key("AKIA1", 100))])];
    let sorted = sorted(&reports, &no_contacts());
    let emails = owner_emails(&sorted.letters, &settings, &by_hand());
    let to: Vec<&str> = emails.iter().map(|email| email.to.as_str()).collect();
    assert_eq!(to, ["anna@example.com", "ben@example.com"]);
    assert!(emails[0].text.contains("ben@example.com") && !emails[0].text.contains("evil"), "{}", emails[0].text);
}

#[test]
fn keys_without_an_owner_go_to_the_accounts_contact_and_still_count_as_without_one() {
    let settings = Settings::default();
    let reports = [report(&settings, &[(user("ci"), key("AKIA1", 100)), (user("new"), key("AKIA2", 3))])];
    let contact = Contact::Known(Address::parse("sec@example.com").unwrap());
    let contacts = Contacts::from([("123456789012".to_owned(), contact)]);
    let sorted = sorted(&reports, &contacts);
    assert_eq!((sorted.letters.len(), sorted.ownerless.len()), (1, 1));
    let emails = owner_emails(&sorted.letters, &settings, &by_hand());
    assert_eq!(emails[0].to, "sec@example.com");
    assert!(
        emails[0].text.replace('\n', " ").contains("you are the security contact of an account"),
        "{}",
        emails[0].text
    );
}

#[test]
fn an_owner_is_emailed_only_in_runs_that_report_one_of_their_keys_and_learns_when_the_next_one_is() {
    let settings = Settings { repeat_days: 7, ..Settings::default() };
    let context = Context::scheduled(&deployment("cron(0 9 * * ? *)"), now());
    // At 97 days it has been old for seven days less a second, which the run of the next day is the first to see.
    for (age, emailed) in [(97, false), (98, true), (99, false)] {
        let reports = [report(&settings, &[(owned("ci", "anna@example.com"), key("AKIA1", age))])];
        let sorted = sort(&reports, &owners(), &settings, context.window, &no_contacts());
        assert_eq!(!sorted.letters.is_empty(), emailed, "{age}");
        for email in owner_emails(&sorted.letters, &settings, &context) {
            assert!(email.text.contains("The next reminder comes on 2026-11-30, unless"), "{}", email.text);
        }
    }
}

#[test]
fn nothing_that_others_chose_is_markup_or_a_link() {
    let settings = Settings::default();
    let hostile = User {
        tags: Some(vec![
            ("owner".to_owned(), "anna@example.com".to_owned()),
            ("keyminder:exempt".to_owned(), "<a href=https://evil.org>click</a> evil.org/x".to_owned()),
            ("purpose".to_owned(), "ci <img src=x>".to_owned()),
        ]),
        ..user("evil.org+<b>=x@y.org")
    };
    let mut report = report(&settings, &[(hostile, key("AKIA1", 100))]);
    report.account_alias = Some("www.evil.org <script>".to_owned());
    let reports = [report];
    let emails = owner_emails(&sorted(&reports, &no_contacts()).letters, &settings, &by_hand());
    let html = &emails[0].html;
    for bad in ["<a ", "<img", "<script", "<b>", "evil.org", "://", "y.org"] {
        assert!(!html.contains(bad), "{bad}: {html}");
    }
    assert!(!emails[0].text.contains("https://evil") && !emails[0].text.contains("www.evil"), "{}", emails[0].text);
}

#[test]
fn mistakes_in_the_settings_are_named() {
    let problems = |owners: Owners| -> Vec<String> {
        owners.problems(&Settings::default()).into_iter().map(|problem| problem.path).collect()
    };
    assert_eq!(problems(Owners::default()), Vec::<String>::new());
    assert_eq!(problems(owners()), Vec::<String>::new());
    assert_eq!(problems(Owners { domains: Vec::new(), ..owners() }), ["owners.domains"]);
    assert_eq!(problems(Owners { from: None, ..owners() }), ["owners.from"]);
    assert_eq!(problems(Owners { fallback: Fallback::Account, ..Owners::default() }), ["owners.from"]);
    for domain in ["@example.com", "*.example.com", "com", "exämple.com", "a..com", ""] {
        assert_eq!(
            problems(Owners { domains: vec![domain.to_owned()], ..owners() }),
            ["owners.domains[0]"],
            "{domain}"
        );
    }
    for from in ["Keys <keys@example.com>", "example.com", ""] {
        assert_eq!(problems(Owners { from: Some(from.to_owned()), ..owners() }), ["owners.from"], "{from}");
    }
    let blind = Settings { read_user_tags: false, ..Settings::default() };
    assert_eq!(owners().problems(&blind).len(), 1);
}
