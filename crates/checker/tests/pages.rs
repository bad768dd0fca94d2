//! Listings in pieces: whichever call it is, no piece is left out.
//!
//! The sandbox answers these listings whole, so IAM is a few answers here.
#![allow(clippy::unwrap_used)]

use aws_sdk_iam::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::Builder;
use jiff::{SignedDuration, Timestamp};
use keyminder_checker::Check;
use keyminder_keyage::{Limit, Report, Settings};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// An IAM that answers each action, asked for the first or the second page, with what `answer` says:
/// the elements, and the end of the listing.
async fn iam(answer: fn(&str, bool) -> String) -> aws_sdk_iam::Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                loop {
                    let mut length = 0;
                    loop {
                        let mut line = String::new();
                        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                            return;
                        }
                        let line = line.trim().to_ascii_lowercase();
                        if let Some(value) = line.strip_prefix("content-length:") {
                            length = value.trim().parse().unwrap();
                        }
                        if line.is_empty() {
                            break;
                        }
                    }
                    let mut body = vec![0; length];
                    stream.read_exact(&mut body).await.unwrap();
                    let body = String::from_utf8(body).unwrap();
                    let action = body.split('&').find_map(|field| field.strip_prefix("Action=")).unwrap();
                    let elements = answer(action, body.contains("Marker=second"));
                    let xml =
                        format!("<{action}Response><{action}Result>{elements}</{action}Result></{action}Response>");
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", xml.len());
                    stream.get_mut().write_all((head + &xml).as_bytes()).await.unwrap();
                }
            });
        }
    });
    aws_sdk_iam::Client::from_conf(
        aws_sdk_iam::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(url)
            .credentials_provider(Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test"))
            .http_client(Builder::new().build_http())
            .build(),
    )
}

const MORE: &str = "<IsTruncated>true</IsTruncated><Marker>second</Marker>";
const LOST: &str = "<IsTruncated>true</IsTruncated>";
const DATE: &str = "2026-07-01T00:00:00Z";

fn members(list: &str, members: &[String]) -> String {
    let members: String = members.iter().map(|member| format!("<member>{member}</member>")).collect();
    format!("<{list}>{members}</{list}>")
}

fn user(name: &str) -> String {
    format!(
        "<Path>/</Path><UserName>{name}</UserName><UserId>AIDA{name}</UserId>\
         <Arn>arn:aws:iam::123456789012:user/{name}</Arn><CreateDate>{DATE}</CreateDate>"
    )
}

fn access_key(id: &str) -> String {
    format!(
        "<UserName>u</UserName><AccessKeyId>{id}</AccessKeyId><Status>Active</Status><CreateDate>{DATE}</CreateDate>"
    )
}

/// One user with two of everything, one on each page.
fn in_two_pages(action: &str, second: bool) -> String {
    let place = if second { "2" } else { "1" };
    let more = if second { "" } else { MORE };
    let listed = match action {
        "ListUsers" => return members("Users", &[user("u")]),
        "ListAccessKeys" => members("AccessKeyMetadata", &[access_key(&format!("AKIA{place}"))]),
        "ListUserTags" => {
            let key = if second { "team" } else { "other" };
            members("Tags", &[format!("<Key>{key}</Key><Value>data</Value>")])
        }
        "ListSSHPublicKeys" => members(
            "SSHPublicKeys",
            &[format!(
                "<UserName>u</UserName><SSHPublicKeyId>APKA{place}</SSHPublicKeyId><Status>Active</Status>\
                 <UploadDate>{DATE}</UploadDate>"
            )],
        ),
        "ListSigningCertificates" => members(
            "Certificates",
            &[format!(
                "<UserName>u</UserName><CertificateId>CERT{place}</CertificateId><CertificateBody>b</CertificateBody>\
                 <Status>Active</Status><UploadDate>{DATE}</UploadDate>"
            )],
        ),
        "ListServiceSpecificCredentials" => members(
            "ServiceSpecificCredentials",
            &[format!(
                "<UserName>u</UserName><Status>Active</Status><ServiceUserName>s</ServiceUserName>\
                 <CreateDate>{DATE}</CreateDate><ServiceName>codecommit.amazonaws.com</ServiceName>\
                 <ServiceSpecificCredentialId>ACCA{place}</ServiceSpecificCredentialId>"
            )],
        ),
        _ => return String::new(),
    };
    listed + more
}

/// Listings that never end: each page says that the second one follows.
fn for_ever(ending: &'static str) -> fn(&str, bool) -> String {
    match ending {
        "ListUsers" => |action, _| match action {
            "ListUsers" => members("Users", &[user("u")]) + MORE,
            _ => String::new(),
        },
        "ListAccessKeys" => |action, _| match action {
            "ListUsers" => members("Users", &[user("u")]),
            "ListAccessKeys" => members("AccessKeyMetadata", &[access_key("AKIA1")]) + MORE,
            _ => String::new(),
        },
        "ListUserTags" => |action, _| match action {
            "ListUsers" => members("Users", &[user("u")]),
            "ListAccessKeys" => members("AccessKeyMetadata", &[access_key("AKIA1")]),
            "ListUserTags" => members("Tags", &["<Key>k</Key><Value>v</Value>".to_owned()]) + MORE,
            _ => String::new(),
        },
        "ListSSHPublicKeys" => |action, _| match action {
            "ListUsers" => members("Users", &[user("u")]),
            "ListSSHPublicKeys" => members("SSHPublicKeys", &[]) + MORE,
            _ => String::new(),
        },
        "ListSigningCertificates" => |action, _| match action {
            "ListUsers" => members("Users", &[user("u")]),
            "ListSigningCertificates" => members("Certificates", &[]) + MORE,
            _ => String::new(),
        },
        _ => |action, _| match action {
            "ListUsers" => members("Users", &[user("u")]),
            "ListServiceSpecificCredentials" => members("ServiceSpecificCredentials", &[]) + MORE,
            _ => String::new(),
        },
    }
}

#[tokio::test]
async fn a_listing_whose_marker_repeats_ends_in_an_error() {
    for action in [
        "ListUsers",
        "ListAccessKeys",
        "ListUserTags",
        "ListSSHPublicKeys",
        "ListSigningCertificates",
        "ListServiceSpecificCredentials",
    ] {
        let by_tag = Limit { tag: Some("team=data".to_owned()), max_age_days: 30, ..Limit::default() };
        let settings = Settings { other_credentials: true, limits: vec![by_tag], ..Settings::default() };
        let report = read(for_ever(action), settings).await;
        let repeated = |error: &keyminder_keyage::ReadError| {
            error.operation == format!("iam:{action}") && error.code == "RepeatedMarker"
        };
        assert!(!report.complete && report.errors.iter().any(repeated), "{action}: {:?}", report.errors);
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_an_error() {
    let users = |action: &str, _| match action {
        "ListUsers" => members("Users", &[user(&"u".repeat(5 * 1024 * 1024))]),
        _ => String::new(),
    };
    let report = read(users, Settings::default()).await;
    let too_large =
        |error: &keyminder_keyage::ReadError| error.operation == "iam:ListUsers" && error.code == "AnswerTooLarge";
    assert!(!report.complete && report.errors.iter().any(too_large), "{:?}", report.errors);
}

async fn read(answer: fn(&str, bool) -> String, settings: Settings) -> Report {
    let created: Timestamp = DATE.parse().unwrap();
    let now = created + SignedDuration::from_hours(24 * 60);
    Check::new(&iam(answer).await, settings, "123456789012").read(now, None, |_| {}).await
}

#[tokio::test]
async fn the_second_page_of_every_listing_is_read() {
    // The limit is by the tag on the second page.
    let by_tag = Limit { tag: Some("team=data".to_owned()), max_age_days: 30, ..Limit::default() };
    let settings = Settings { other_credentials: true, limits: vec![by_tag], ..Settings::default() };
    let report = read(in_two_pages, settings).await;
    let mut ids: Vec<&str> = report.keys.iter().filter_map(|finding| finding.access_key_id.as_deref()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["ACCA1", "ACCA2", "AKIA1", "AKIA2", "APKA1", "APKA2", "CERT1", "CERT2"], "{:?}", report.errors);
    assert_eq!(report.summary.old, 8);
}

#[tokio::test]
async fn a_listing_that_says_there_is_more_but_not_where_is_not_taken_for_all() {
    let users = |action: &str, _| match action {
        "ListUsers" => members("Users", &[user("u")]) + LOST,
        "ListAccessKeys" => members("AccessKeyMetadata", &[access_key("AKIA1")]),
        _ => String::new(),
    };
    let report = read(users, Settings::default()).await;
    assert_eq!((report.summary.keys, report.complete), (1, false));
    assert!(report.errors.iter().any(|error| error.operation == "iam:ListUsers" && error.code == "NoMarker"));

    let keys = |action: &str, _| match action {
        "ListUsers" => members("Users", &[user("u")]),
        "ListAccessKeys" => members("AccessKeyMetadata", &[access_key("AKIA1")]) + LOST,
        _ => String::new(),
    };
    let report = read(keys, Settings::default()).await;
    assert_eq!((report.summary.users_unknown, report.complete), (1, false));
    assert!(report.errors.iter().any(|error| error.operation == "iam:ListAccessKeys" && error.code == "NoMarker"));
}
