//! Clients that others wrote take the sandbox for AWS: the AWS CLI and Terraform's AWS provider go through the nine steps
//! of the procedure. They are separate programs, so these tests are ignored unless you ask for them:
//! `cargo test --test clients -- --ignored aws_cli`, and `… terraform`.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use keyminder_sandbox::{Options, Sandbox};
use tempfile::TempDir;

/// A package that nobody runs.
fn package(folder: &Path) -> PathBuf {
    use std::io::Write as _;
    let path = folder.join("function.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).expect("a file"));
    zip.start_file("bootstrap", zip::write::SimpleFileOptions::default()).expect("an entry");
    zip.write_all(b"#!/bin/sh\n").expect("its bytes");
    zip.finish().expect("a zip");
    path
}

/// Runs a client against the sandbox; its exit code and what it said.
fn run(sandbox: &Sandbox, folder: &Path, program: &Path, arguments: &[&str]) -> (i32, String) {
    let ran = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .envs(sandbox.variables())
        .env("HOME", folder)
        .env("AWS_PAGER", "")
        .env_remove("TF_CLI_CONFIG_FILE")
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    (ran.status.code().unwrap_or(-1), said)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The program that a variable names, or else one of these.
fn program(variable: &str, otherwise: &[PathBuf]) -> PathBuf {
    let named = std::env::var_os(variable).map(PathBuf::from);
    named.or_else(|| otherwise.iter().find(|path| path.exists()).cloned()).unwrap_or_else(|| {
        let name = otherwise.last().and_then(|path| path.file_name()).expect("a name");
        PathBuf::from(name)
    })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the AWS CLI: see docs/emulators.md"]
async fn the_aws_cli_goes_through_the_nine_steps() {
    let sandbox = Sandbox::start(Options::instant()).await.expect("a sandbox");
    let folder = TempDir::new().expect("a folder");
    package(folder.path());
    let cli = program("KEYMINDER_AWS_CLI", &[root().join(".venv/bin/aws")]);
    let aws = |arguments: &[&str]| {
        let (code, said) = run(&sandbox, folder.path(), &cli, arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        said
    };
    let topic = "arn:aws:sns:us-east-1:123456789012:keys";
    let policy = "arn:aws:iam::123456789012:policy/check";
    let role = "arn:aws:iam::123456789012:role/check";
    let rule = "arn:aws:events:us-east-1:123456789012:rule/daily";
    let function = "arn:aws:lambda:us-east-1:123456789012:function:check";
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sns:Publish","Resource":"{topic}"}},{{"Effect":"Allow","Action":["iam:ListUsers","iam:ListAccessKeys"],"Resource":"*"}}]}}"#
    );
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    aws(&["sns", "create-topic", "--name", "keys"]);
    aws(&[
        "sns",
        "subscribe",
        "--topic-arn",
        topic,
        "--protocol",
        "email",
        "--notification-endpoint",
        "ops@example.com",
    ]);
    aws(&["iam", "create-policy", "--policy-name", "check", "--policy-document", &document]);
    aws(&["iam", "create-role", "--role-name", "check", "--assume-role-policy-document", trust]);
    aws(&["iam", "attach-role-policy", "--role-name", "check", "--policy-arn", policy]);
    aws(&[
        "lambda",
        "create-function",
        "--function-name",
        "check",
        "--runtime",
        "provided.al2023",
        "--handler",
        "bootstrap",
        "--role",
        role,
        "--zip-file",
        "fileb://function.zip",
        "--environment",
        "Variables={TOPIC=keys}",
    ]);
    aws(&["lambda", "wait", "function-active-v2", "--function-name", "check"]);
    aws(&["events", "put-rule", "--name", "daily", "--schedule-expression", "rate(1 day)"]);
    aws(&[
        "lambda",
        "add-permission",
        "--function-name",
        "check",
        "--statement-id",
        "Daily",
        "--action",
        "lambda:InvokeFunction",
        "--principal",
        "events.amazonaws.com",
        "--source-arn",
        rule,
    ]);
    aws(&["events", "put-targets", "--rule", "daily", "--targets", &format!("Id=1,Arn={function}")]);
    assert!(aws(&["sns", "list-subscriptions-by-topic", "--topic-arn", topic]).contains("PendingConfirmation"));
    assert!(aws(&["events", "list-targets-by-rule", "--rule", "daily"]).contains(function));
    assert!(aws(&["lambda", "get-policy", "--function-name", "check"]).contains("AWS:SourceArn"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Terraform and its AWS provider: see docs/emulators.md"]
async fn terraform_applies_finds_no_changes_and_destroys() {
    let sandbox = Sandbox::start(Options::instant()).await.expect("a sandbox");
    let folder = TempDir::new().expect("a folder");
    let package = package(folder.path());
    std::fs::write(folder.path().join("main.tf"), include_str!("clients/main.tf")).expect("a configuration");
    let terraform = program("KEYMINDER_TERRAFORM", &[PathBuf::from("terraform")]);
    let plugins = std::env::var("KEYMINDER_TERRAFORM_PLUGINS").map(|folder| format!("-plugin-dir={folder}"));
    let mut init = vec!["init", "-no-color", "-input=false"];
    init.extend(plugins.as_deref().ok());
    let (code, said) = run(&sandbox, folder.path(), &terraform, &init);
    assert_eq!(code, 0, "{said}");
    let endpoint = format!("endpoint={}", sandbox.url());
    let package = format!("package={}", package.display());
    let step = |arguments: &[&str]| {
        let common = ["-no-color", "-input=false", "-var", &endpoint, "-var", &package];
        run(&sandbox, folder.path(), &terraform, &[arguments, &common].concat())
    };
    let (code, said) = step(&["apply", "-auto-approve"]);
    assert!(code == 0 && said.contains("Resources: 11 added"), "{said}");
    let (code, said) = step(&["plan", "-detailed-exitcode"]);
    assert!(code == 0 && said.contains("No changes."), "{said}");
    let (code, said) = step(&["destroy", "-auto-approve"]);
    assert!(code == 0 && said.contains("Resources: 11 destroyed"), "{said}");
    let left: Vec<String> = sandbox.edit(|world| world.region("us-east-1").topics.keys().cloned().collect());
    assert_eq!(left, Vec::<String>::new());
}
