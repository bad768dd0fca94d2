//! A Lambda bootstrap for the sandbox's own tests: no SDK, only the Runtime API over a socket.
//!
//! The event says what to do: `{"do": "echo"}`, `"fail"`, `"exit"`, `"sleep"`, `"print"`, `"environment"` or `"count"`.

use std::env;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

fn call(address: &str, request: &str) -> io::Result<(String, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    Ok((head.to_owned(), body.to_owned()))
}

fn post(address: &str, path: &str, body: &str) -> io::Result<(String, String)> {
    let length = body.len();
    call(
        address,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    )
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn main() -> io::Result<()> {
    let api = variable("AWS_LAMBDA_RUNTIME_API");
    let mut out = io::stdout();
    let mut count = 0;
    loop {
        let path = "/2018-06-01/runtime/invocation/next";
        let (head, body) = call(&api, &format!("GET {path} HTTP/1.1\r\nHost: {api}\r\nConnection: close\r\n\r\n"))?;
        let header = |name: &str| {
            let line = head.lines().find_map(|line| line.split_once(": ").filter(|(known, _)| *known == name));
            line.map(|(_, value)| value.to_owned()).unwrap_or_default()
        };
        let id = header("lambda-runtime-aws-request-id");
        let event: Value = serde_json::from_str(&body)?;
        count += 1;
        let answer = match event["do"].as_str().unwrap_or("echo") {
            "fail" => Err(json!({"errorType": "Wanted", "errorMessage": "as asked"})),
            "exit" => std::process::exit(3),
            "sleep" => {
                std::thread::sleep(Duration::from_secs(60));
                Ok(json!(null))
            }
            "print" => {
                writeln!(out, "a line")?;
                out.flush()?;
                Ok(json!(null))
            }
            "environment" => Ok(json!(env::vars().collect::<std::collections::BTreeMap<_, _>>())),
            "count" => Ok(json!({"count": count, "pid": std::process::id()})),
            _ => Ok(event),
        };
        let base = format!("/2018-06-01/runtime/invocation/{id}");
        match answer {
            Ok(value) => post(&api, &format!("{base}/response"), &value.to_string())?,
            Err(value) => post(&api, &format!("{base}/error"), &value.to_string())?,
        };
    }
}
