//! The sandbox on the wire, without an SDK client: who is let in, and SQS, for which the workspace has no client.
#![allow(missing_docs, clippy::expect_used)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
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

/// The headers of a request that the SDK's own signer signs with the sandbox's credentials.
fn signed(sandbox: &Sandbox, service: &str, target: &str, body: &str) -> String {
    let keys = sandbox.credentials();
    let keys = Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "test");
    let identity = keys.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name(service)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .expect("parameters")
        .into();
    let host = sandbox.url().trim_start_matches("http://");
    let mut headers = vec![("host", host)];
    if !target.is_empty() {
        headers.push(("x-amz-target", target));
    }
    let url = format!("{}/", sandbox.url());
    let request = SignableRequest::new("POST", url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))
        .expect("a request");
    let (instructions, _) = sign(request, &parameters).expect("a signature").into_parts();
    let target = if target.is_empty() { String::new() } else { format!("X-Amz-Target: {target}\r\n") };
    instructions.headers().fold(target, |all, (name, value)| all + &format!("{name}: {value}\r\n"))
}

fn sqs(sandbox: &Sandbox, operation: &str, parameters: &Value) -> Value {
    let body = parameters.to_string();
    let headers = signed(sandbox, "sqs", &format!("AmazonSQS.{operation}"), &body);
    let answer = send(sandbox, "POST", "/", &headers, &body);
    serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).expect("JSON")
}

fn query(sandbox: &Sandbox, body: &str) -> String {
    send(sandbox, "POST", "/", &signed(sandbox, "sns", "", body), body)
}

async fn sandbox() -> Sandbox {
    Sandbox::start(Options::instant()).await.expect("a sandbox")
}

#[tokio::test]
async fn an_unsigned_request_has_no_business_here() {
    let sandbox = sandbox().await;
    let answer = send(&sandbox, "POST", "/", "", "Action=ListUsers");
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("MissingAuthenticationToken"), "{answer}");
}

#[tokio::test]
async fn an_unknown_service_or_operation_is_named_in_the_refusal() {
    let sandbox = sandbox().await;
    let answer = send(&sandbox, "POST", "/", &signed(&sandbox, "s3", "", ""), "");
    assert!(answer.starts_with("HTTP/1.1 501") && answer.contains("The sandbox does not do s3:"), "{answer}");
    let answer = query(&sandbox, "Action=CreatePlatformApplication");
    assert!(answer.starts_with("HTTP/1.1 501") && answer.contains("sns:CreatePlatformApplication"), "{answer}");
}

#[tokio::test]
async fn a_notice_can_be_read_from_a_queue_until_it_is_deleted() {
    let sandbox = sandbox().await;
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
    let sandbox = sandbox().await;
    let port = sandbox.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let taken = Sandbox::start(Options { port, ..Options::instant() }).await;
    assert!(matches!(taken, Err(Error::Listen { port: known, .. }) if known == port));
    drop(sandbox);
    for _ in 0..50 {
        if Sandbox::start(Options { port, ..Options::instant() }).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    unreachable!("the port is still taken");
}

/// The action that a page or another user would be after.
const LIST: &str = "Action=ListTopics";

#[tokio::test]
async fn a_signature_with_another_secret_or_for_another_request_is_refused() {
    let (sandbox, other) = (sandbox().await, sandbox().await);
    assert!(query(&sandbox, LIST).starts_with("HTTP/1.1 200"));
    let stolen = signed(&sandbox, "sns", "", LIST);
    let answer = send(&sandbox, "POST", "/", &stolen, "Action=CreateTopic&Name=theirs");
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("SignatureDoesNotMatch"), "{answer}");
    let answer = send(&sandbox, "POST", "/", &signed(&other, "sns", "", LIST), LIST);
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("InvalidClientTokenId"), "{answer}");
    let guessed = stolen.replace("Signature=", "Signature=00");
    let answer = send(&sandbox, "POST", "/", &guessed, LIST);
    assert!(answer.contains("SignatureDoesNotMatch"), "{answer}");
    assert!(sandbox.snapshot()["regions"].to_string().len() < 100, "{:#}", sandbox.snapshot());
    assert_eq!(sandbox.calls().len(), 1, "what is refused is not remembered either");
    assert_ne!(sandbox.credentials(), other.credentials());
}

#[tokio::test]
async fn a_page_in_a_browser_is_refused_even_with_a_right_signature() {
    let sandbox = sandbox().await;
    let right = signed(&sandbox, "sns", "", LIST);
    for header in ["Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"] {
        let answer = send(&sandbox, "POST", "/", &format!("{right}{header}\r\n"), LIST);
        assert!(answer.starts_with("HTTP/1.1 403") && !answer.contains("ListTopics"), "{header}: {answer}");
    }
    // DNS rebinding: the page's own name leads to 127.0.0.1.
    let host = sandbox.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("a connection");
    write!(stream, "GET /confirmation.html HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("own address"), "{answer}");
}

#[tokio::test]
async fn a_link_in_a_mail_confirms_and_unsubscribes_without_credentials_and_no_other_link_does() {
    let sandbox = sandbox().await;
    query(&sandbox, "Action=CreateTopic&Name=t");
    let topic = "arn:aws:sns:us-east-1:123456789012:t";
    query(&sandbox, &format!("Action=Subscribe&TopicArn={topic}&Protocol=email&Endpoint=a@b.io"));
    let open = |link: &str| send(&sandbox, "GET", link.strip_prefix(sandbox.url()).expect("a link"), "", "");
    let link = sandbox.outbox()[0].confirm_link.clone().expect("a link");
    let (path, token) = link.split_once("Token=").expect("a token");
    assert_eq!(token.split('&').next().map(str::len), Some(136));
    assert!(open(&format!("{path}Token=2336412f37{}", "0".repeat(126))).starts_with("HTTP/1.1 400"));
    assert!(open(&link).starts_with("HTTP/1.1 200"));
    query(&sandbox, &format!("Action=Publish&TopicArn={topic}&Message=m"));
    let link = sandbox.outbox()[1].unsubscribe_link.clone().expect("a link");
    assert!(open(&link).starts_with("HTTP/1.1 200"));
    assert!(!sandbox.snapshot().to_string().contains("a@b.io"));
}

#[tokio::test]
async fn a_request_that_would_take_all_memory_is_refused() {
    let sandbox = sandbox().await;
    let deep = format!("Action=ListTopics&{}=x", vec!["a"; 10_000].join("."));
    let answer = query(&sandbox, &deep);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("too many parts"), "{answer}");
    let many: String = (0..20_000).map(|n| format!("&a{n}=")).collect();
    let answer = query(&sandbox, &format!("Action=ListTopics{many}"));
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("too many parameters"), "{answer}");
    let large = format!("Action=ListTopics&a={}", "x".repeat(3 * 1024 * 1024));
    let answer = query(&sandbox, &large);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(query(&sandbox, LIST).starts_with("HTTP/1.1 200"), "and it goes on");
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed() {
    let options = Options { idle_timeout: Duration::from_millis(300), ..Options::instant() };
    let sandbox = Sandbox::start(options).await.expect("a sandbox");
    let host = sandbox.url().trim_start_matches("http://");
    for begun in ["", "POST / HTTP/1.1\r\nHost: "] {
        let started = Instant::now();
        let mut stream = TcpStream::connect(host).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        stream.write_all(begun.as_bytes()).expect("sent");
        // Closed one way or another: an end, or a reset.
        let ended = stream.read(&mut [0; 100]);
        assert!(
            matches!(ended, Ok(0)) || ended.as_ref().is_err_and(|e| e.kind() != std::io::ErrorKind::WouldBlock),
            "{ended:?}"
        );
        assert!(started.elapsed() >= Duration::from_millis(250), "{:?}", started.elapsed());
    }
    // One that waits for an answer is in use.
    sandbox.latency(Duration::from_millis(900));
    assert!(query(&sandbox, LIST).starts_with("HTTP/1.1 200"));
}
