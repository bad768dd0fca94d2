//! What answers in AWS's place: named in those words, within the deadline, and never taken for a missing permission.

use std::time::{Duration, Instant};

use keyminder_testkit::command::{Ran, contains, finish, machine};

use super::server::{Reply, Server, http, identity};

const COMMANDS: [&[&str]; 6] = [
    &["plan"],
    &["status"],
    &["setup", "--yes", "--email", "ops@example.com"],
    &["teardown", "--yes"],
    &["check"],
    &["test"],
];

/// What answers, how, and what is said of it.
type Case = (&'static str, fn(&str) -> Reply, &'static str);

fn run(server: &Server, arguments: &[&str]) -> Ran {
    let home = tempfile::TempDir::new().unwrap();
    let mut command = machine(home.path(), &[arguments, &["--endpoint-url", &server.url()]].concat());
    command.env("AWS_ACCESS_KEY_ID", "AKIAX").env("AWS_SECRET_ACCESS_KEY", "s").env("AWS_REGION", "eu-west-1");
    // What is said does not depend on how often it was tried.
    command.env("AWS_MAX_ATTEMPTS", "1");
    finish(command)
}

#[test]
fn something_other_than_aws_is_called_that() {
    let cases: [Case; 8] = [
        (
            "a login page",
            |_| http("200 OK", "Content-Type: text/html\r\n", "<html><title>Guest Wi-Fi</title>"),
            "a web page, \"Guest Wi-Fi\" (HTTP 200)",
        ),
        (
            "a redirect",
            |_| http("302 Found", "Location: https://login.example.com/?x\r\n", ""),
            "a redirect to login.example.com (HTTP 302)",
        ),
        (
            "a proxy",
            |_| http("407 Proxy Authentication Required", "", ""),
            "a proxy that wants a user name and a password (HTTP 407)",
        ),
        ("a firewall", |_| http("403 Forbidden", "", "blocked"), "HTTP 403, without one of AWS's error codes"),
        ("a web server", |_| http("404 Not Found", "", "nothing here"), "HTTP 404, without one of AWS's error codes"),
        (
            "a gateway",
            |_| http("403 Forbidden", "Content-Type: application/json\r\n", r#"{"message":"Forbidden"}"#),
            "something other than AWS answered",
        ),
        (
            "an answer without end",
            |_| Reply::Endless(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".to_vec(), vec![b'a'; 1 << 16]),
            "is longer than 4 MiB",
        ),
        (
            "another answer without end",
            |_| Reply::Endless(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec(), vec![b'a'; 1 << 16]),
            "is longer than 4 MiB",
        ),
    ];
    for (what, answer, says) in cases {
        let server = Server::start(answer);
        for arguments in COMMANDS {
            let ran = run(&server, arguments);
            assert_eq!(ran.code, 1, "{what}, {arguments:?}: {ran:#?}");
            contains(&ran.stderr, &[says]);
            assert!(!ran.stderr.contains("permission"), "{what}, {arguments:?}: {ran:#?}");
        }
    }
}

#[test]
fn a_stranger_behind_a_true_identity_is_called_that_too_and_nothing_is_taken_for_absent() {
    for status in ["404 Not Found", "403 Forbidden", "302 Found"] {
        let server = Server::start(move |request| match request.contains("Action=GetCallerIdentity") {
            true => identity("123456789012"),
            false => http(status, "", "no"),
        });
        for arguments in COMMANDS {
            let ran = run(&server, arguments);
            assert_eq!(ran.code, 1, "{status}, {arguments:?}: {ran:#?}");
            assert!(
                !ran.stderr.contains("permission") && !ran.stdout.contains("+ create"),
                "{status}, {arguments:?}: {ran:#?}"
            );
        }
    }
}

#[test]
fn an_account_that_is_none_is_refused() {
    for account in ["", "12345678901", "12345678901x", "1234567890123"] {
        let server = Server::start(move |_| identity(account));
        let ran = run(&server, &["plan"]);
        assert_eq!(ran.code, 1, "{ran:#?}");
        contains(&ran.stderr, &["an account id has twelve digits"]);
    }
}

#[test]
fn a_silent_endpoint_ends_every_command_within_ninety_seconds() {
    let (silent, half) = (
        Server::start(|_| Reply::Silence),
        Server::start(|request| match request.contains("Action=GetCallerIdentity") {
            true => identity("123456789012"),
            false => Reply::Silence,
        }),
    );
    let start = Instant::now();
    std::thread::scope(|scope| {
        for server in [&silent, &half] {
            for arguments in COMMANDS {
                scope.spawn(move || {
                    let ran = run(server, arguments);
                    assert_eq!(ran.code, 1, "{arguments:?}: {ran:#?}");
                    assert!(start.elapsed() < Duration::from_secs(90), "{arguments:?}: {:?}", start.elapsed());
                });
            }
        }
    });
}

#[test]
fn endpoints_of_different_parties_are_shown_and_refused_where_an_account_is_named() {
    let (ours, theirs) =
        (Server::start(|_| identity("123456789012")), Server::start(|_| http("404 Not Found", "", "")));
    let home = tempfile::TempDir::new().unwrap();
    let with = |arguments: &[&str]| {
        let mut command = machine(home.path(), arguments);
        command.env("AWS_ACCESS_KEY_ID", "AKIAX").env("AWS_SECRET_ACCESS_KEY", "s").env("AWS_REGION", "eu-west-1");
        command.env("AWS_ENDPOINT_URL_STS", ours.url()).env("AWS_ENDPOINT_URL", theirs.url());
        finish(command)
    };
    let ran = with(&["setup", "--yes", "--email", "ops@example.com", "--account", "123456789012"]);
    assert_eq!(ran.code, 64, "{ran:#?}");
    contains(&ran.stderr, &["the services have different endpoints", &format!("{} for STS", ours.url())]);
    assert!(ours.asked().is_empty() && theirs.asked().is_empty());
}
