//! AWS's three wire protocols, spoken by hand, so that what tests do to an emulator and see of it goes through no
//! code of the program under test and no SDK. The emulators accept any signature. HTTPS goes through `curl`.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// The region of every test.
pub(crate) const REGION: &str = "us-east-1";

const TIMEOUT: Duration = Duration::from_secs(60);

/// A way to an emulator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wire {
    pub(crate) url: &'static str,
    /// The access key ID of the caller, by which emulators know the account.
    key: &'static str,
}

/// An emulator's answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body, where the call succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert!(self.is_success(), "answered {}: {}", self.status, self.body);
        self.body
    }

    /// The body as JSON, where the call succeeded.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let body = self.ok();
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error} in {body}"))
    }

    /// The text of the first XML element of that name.
    #[track_caller]
    pub(crate) fn text(self, element: &str) -> String {
        let body = self.ok();
        texts(&body, element).next().unwrap_or_else(|| panic!("no {element} in {body}")).to_owned()
    }
}

/// The texts of all XML elements of that name, in order.
pub(crate) fn texts<'a>(xml: &'a str, element: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (text, after) = after.split_once(&close)?;
        rest = after;
        Some(text)
    })
}

impl Wire {
    pub(crate) fn to(url: String) -> Self {
        Self { url: url.leak(), key: "test" }
    }

    /// The same way with the credentials of a role in another account.
    pub(crate) fn with_role(self, arn: &str) -> Self {
        let parameters = [("RoleArn", arn), ("RoleSessionName", "test")];
        let key = self.query("sts", "AssumeRole", &parameters).text("AccessKeyId");
        Self { key: key.leak(), ..self }
    }

    /// Whether calls are answered yet.
    pub(crate) fn is_answered(self) -> bool {
        self.send("POST", "/", "sts", &[FORM], "Action=GetCallerIdentity&Version=2011-06-15")
            .is_ok_and(|reply| reply.is_success())
    }

    /// A call in the query protocol: IAM, SNS, STS.
    pub(crate) fn query(self, service: &str, action: &str, parameters: &[(&str, &str)]) -> Reply {
        let version = match service {
            "iam" => "2010-05-08",
            "ses" => "2010-12-01",
            "sns" => "2010-03-31",
            "sts" => "2011-06-15",
            other => panic!("no query protocol for {other}"),
        };
        let mut body = format!("Action={action}&Version={version}");
        for (name, value) in parameters {
            write!(body, "&{name}={}", encode(value)).unwrap();
        }
        self.send("POST", "/", service, &[FORM], &body).unwrap()
    }

    /// A call in the JSON protocol: EventBridge, CloudWatch Logs, SQS, Organizations.
    pub(crate) fn json(self, service: &str, action: &str, body: &Value) -> Reply {
        let (target, version) = match service {
            "events" => ("AWSEvents", "1.1"),
            "logs" => ("Logs_20140328", "1.1"),
            "sqs" => ("AmazonSQS", "1.0"),
            "organizations" => ("AWSOrganizationsV20161128", "1.1"),
            other => panic!("no JSON protocol for {other}"),
        };
        let target = format!("X-Amz-Target: {target}.{action}");
        let content = format!("Content-Type: application/x-amz-json-{version}");
        self.send("POST", "/", service, &[&target, &content], &body.to_string()).unwrap()
    }

    /// A call of Lambda's, which are REST.
    pub(crate) fn lambda(self, method: &str, path: &str, body: &Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let path = format!("/2015-03-31/functions{path}");
        self.send(method, &path, "lambda", &["Content-Type: application/json"], &body).unwrap()
    }

    /// A call in a REST protocol with JSON bodies: SES version 2, Account Management.
    pub(crate) fn rest(self, service: &str, method: &str, path: &str, body: &Value) -> Reply {
        self.send(method, path, service, &["Content-Type: application/json"], &body.to_string()).unwrap()
    }

    /// A new queue's URL and ARN.
    pub(crate) fn queue(self, name: &str) -> (String, String) {
        let reply = self.json("sqs", "CreateQueue", &json!({ "QueueName": name })).json();
        let url = reply["QueueUrl"].as_str().unwrap().to_owned();
        (url, format!("arn:aws:sqs:{REGION}:{}:{name}", super::server::ACCOUNT))
    }

    /// What lies in a queue by now, as the SNS envelopes that were delivered.
    pub(crate) fn received(self, queue_url: &str) -> Vec<Value> {
        let body = json!({ "QueueUrl": queue_url, "MaxNumberOfMessages": 10 });
        let reply = self.json("sqs", "ReceiveMessage", &body).json();
        let messages = reply["Messages"].as_array().cloned().unwrap_or_default();
        messages.iter().map(|message| serde_json::from_str(message["Body"].as_str().unwrap()).unwrap()).collect()
    }

    fn send(self, method: &str, path: &str, service: &str, headers: &[&str], body: &str) -> std::io::Result<Reply> {
        let authorization = format!(
            "Authorization: AWS4-HMAC-SHA256 Credential={}/20260101/{REGION}/{service}/aws4_request, \
             SignedHeaders=host, Signature=0",
            self.key
        );
        let headers = [headers, &[authorization.as_str()]].concat();
        match self.url.strip_prefix("http://") {
            Some(authority) => plain(authority, method, path, &headers, body),
            None => curl(&format!("{}{path}", self.url), method, &headers, body),
        }
    }
}

/// HTTP/1.0, which keeps the answer in one piece and the connection for one call.
fn plain(authority: &str, method: &str, path: &str, headers: &[&str], body: &str) -> std::io::Result<Reply> {
    let mut stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let mut request = format!("{method} {path} HTTP/1.0\r\nHost: {authority}\r\nContent-Length: {}\r\n", body.len());
    for header in headers {
        request += header;
        request += "\r\n";
    }
    request += "\r\n";
    request += body;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Reply { status: status.unwrap_or(0), body: body.to_owned() })
}

fn curl(url: &str, method: &str, headers: &[&str], body: &str) -> std::io::Result<Reply> {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--noproxy", "*", "--max-time", &TIMEOUT.as_secs().to_string()]);
    command.args(["--request", method, "--data-binary", "@-", "--write-out", "\n%{http_code}"]);
    if let Some(bundle) = std::env::var_os("AWS_CA_BUNDLE") {
        command.arg("--cacert").arg(bundle);
    }
    for header in headers {
        command.args(["--header", header]);
    }
    let mut child = command.arg(url).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(body.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(std::io::Error::other(format!("curl: {}", output.status)));
    }
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = answer.rsplit_once('\n').unwrap_or(("", &answer));
    Ok(Reply { status: status.parse().unwrap_or(0), body: body.to_owned() })
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

fn encode(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            other => write!(encoded, "%{other:02X}").unwrap(),
        }
    }
    encoded
}
