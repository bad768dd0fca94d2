//! The sandbox on the wire, without an SDK: unsigned requests, and SQS, for which the workspace has no client.
#![allow(missing_docs, clippy::expect_used)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use keyminder_sandbox::{Error, Options, Sandbox};
use serde_json::{Value, json};

fn send(sandbox: &Sandbox, method: &str, path: &str, headers: &str, body: &str) -> String {
    let host = sandbox.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("a connection");
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn signed(service: &str) -> String {
    format!(
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIA1/20260101/us-east-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=0\r\n"
    )
}

fn sqs(sandbox: &Sandbox, operation: &str, parameters: &Value) -> Value {
    let headers = format!("{}X-Amz-Target: AmazonSQS.{operation}\r\n", signed("sqs"));
    let answer = send(sandbox, "POST", "/", &headers, &parameters.to_string());
    serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).expect("JSON")
}

fn query(sandbox: &Sandbox, body: &str) -> String {
    send(sandbox, "POST", "/", &signed("sns"), body)
}

#[tokio::test]
async fn an_unsigned_request_has_no_business_here() {
    let sandbox = Sandbox::start(Options::instant()).await.expect("a sandbox");
    let answer = send(&sandbox, "POST", "/", "", "Action=ListUsers");
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("MissingAuthenticationToken"), "{answer}");
}

#[tokio::test]
async fn an_unknown_service_or_operation_is_named_in_the_refusal() {
    let sandbox = Sandbox::start(Options::instant()).await.expect("a sandbox");
    let answer = send(&sandbox, "GET", "/", &signed("s3"), "");
    assert!(answer.starts_with("HTTP/1.1 501") && answer.contains("The sandbox does not do s3:"), "{answer}");
    let answer = query(&sandbox, "Action=CreatePlatformApplication");
    assert!(answer.starts_with("HTTP/1.1 501") && answer.contains("sns:CreatePlatformApplication"), "{answer}");
}

#[tokio::test]
async fn a_notice_can_be_read_from_a_queue_until_it_is_deleted() {
    let sandbox = Sandbox::start(Options::instant()).await.expect("a sandbox");
    let url = sqs(&sandbox, "CreateQueue", &json!({"QueueName": "q"}))["QueueUrl"].clone();
    query(&sandbox, "Action=CreateTopic&Name=t");
    let topic = "arn:aws:sns:us-east-1:123456789012:t";
    query(
        &sandbox,
        &format!("Action=Subscribe&TopicArn={topic}&Protocol=sqs&Endpoint=arn:aws:sqs:us-east-1:123456789012:q"),
    );
    query(&sandbox, &format!("Action=Publish&TopicArn={topic}&Message=hello+you"));
    let receive = || sqs(&sandbox, "ReceiveMessage", &json!({"QueueUrl": url, "VisibilityTimeout": 0}));
    let message = receive()["Messages"][0].clone();
    let envelope: Value = serde_json::from_str(message["Body"].as_str().expect("a body")).expect("JSON");
    assert_eq!(envelope["Message"], "hello you");
    sqs(&sandbox, "DeleteMessage", &json!({"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}));
    assert_eq!(receive(), json!({}));
    let missing = sqs(&sandbox, "GetQueueUrl", &json!({"QueueName": "none"}));
    assert_eq!(missing["__type"], "com.amazonaws.sqs#QueueDoesNotExist");
}

#[tokio::test]
async fn a_port_is_taken_until_its_sandbox_is_dropped() {
    let sandbox = Sandbox::start(Options::instant()).await.expect("a sandbox");
    let port = sandbox.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let taken = Sandbox::start(Options { port, ..Options::instant() }).await;
    assert!(matches!(taken, Err(Error::Listen { port: known, .. }) if known == port));
    drop(sandbox);
    for _ in 0..50 {
        if Sandbox::start(Options { port, ..Options::instant() }).await.is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    unreachable!("the port is still taken");
}
