//! The function's process, between Lambda's Runtime API and its log.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use keyminder_checker::SummaryLine;
use serde_json::{Value, json};

/// One request of the function: its path and its body.
fn request(stream: &mut BufReader<TcpStream>) -> (String, String) {
    let mut first = String::new();
    stream.read_line(&mut first).unwrap();
    let mut length = 0;
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).unwrap();
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    (first.split(' ').nth(1).unwrap_or_default().to_owned(), String::from_utf8(body).unwrap())
}

/// Starts the function, hands it an event and waits for what it reports: the end of the path it reports to,
/// the document, and the lines of its log.
fn invoke(variables: &[(&str, &str)], event: &Value) -> (String, Value, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = BTreeMap::from([
        ("AWS_LAMBDA_RUNTIME_API", listener.local_addr().unwrap().to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", "checker".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "stream".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/checker".to_owned()),
    ]);
    let mut process = Command::new(env!("CARGO_BIN_EXE_bootstrap"))
        .env_clear()
        .envs(own)
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut handed_over = false;
    let (outcome, document) = 'reported: loop {
        let mut stream = BufReader::new(listener.accept().unwrap().0);
        // Connections are kept open: the next request may come on this one.
        while !stream.fill_buf().unwrap().is_empty() {
            let (path, body) = request(&mut stream);
            if !path.ends_with("/invocation/next") {
                let outcome = path.rsplit('/').next().unwrap().to_owned();
                break 'reported (outcome, serde_json::from_str(&body).unwrap());
            }
            assert!(!handed_over, "the event was not answered");
            handed_over = true;
            let event = event.to_string();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r-1\r\nLambda-Runtime-Deadline-Ms: {}\r\n\
                 Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:checker\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{event}",
                jiff::Timestamp::now().as_millisecond() + 60_000,
                event.len()
            );
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    };
    process.kill().unwrap();
    let out = process.wait_with_output().unwrap().stdout;
    (outcome, document, String::from_utf8(out).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn an_invocation_without_usable_settings_says_so_in_its_log_and_its_error() {
    let variables = [("INSTALL", "blue"), ("TOPIC_ARN", "nonsense")];
    let event = json!({ "source": "aws.events", "id": "e-1", "time": "2026-11-23T09:00:00Z" });
    let (outcome, document, log) = invoke(&variables, &event);
    assert_eq!((outcome.as_str(), &document["errorType"]), ("error", &json!("SettingsError")));
    let told = document["errorMessage"].as_str().unwrap();
    assert!(told.contains("settings cannot be used: TOPIC_ARN: \"nonsense\" is not the ARN of an SNS topic"), "{told}");
    let lines: Vec<SummaryLine> = log.iter().filter_map(|line| SummaryLine::parse(line)).collect();
    let [line] = lines.as_slice() else { panic!("one line for one invocation: {log:?}") };
    assert_eq!((line.request_id.as_str(), line.event_id.as_deref()), ("r-1", Some("e-1")));
    assert_eq!(line.error.as_deref(), Some(told));
    assert_eq!((line.answer.mode.as_str(), line.answer.install.as_str()), ("scheduled", "blue"));
    assert!(!line.answer.complete);
    let value: Value = log.iter().find_map(|line| serde_json::from_str(line).ok()).unwrap();
    assert_eq!((&value["Failed"], &value["Install"]), (&json!(1), &json!("blue")));
    for unknown in ["OldKeys", "UsersUnknown"] {
        assert_eq!(value.get(unknown), None, "{unknown} is not known to be zero");
    }
}

#[test]
fn a_function_without_a_region_says_so_too() {
    let variables = [("TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:topic")];
    let (_, document, log) = invoke(&variables, &json!({ "keyminder": "dry-run" }));
    let line = log.iter().find_map(|line| SummaryLine::parse(line)).unwrap();
    assert!(line.error.unwrap().contains("AWS_DEFAULT_REGION"), "{document}");
    assert_eq!((line.answer.mode.as_str(), line.answer.install.as_str()), ("dry-run", "default"));
}
