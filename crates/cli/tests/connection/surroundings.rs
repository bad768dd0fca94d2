//! Variables and files: an empty value is not set, a broken one is named.

use std::time::{Duration, Instant};

use keyminder_sandbox::{Fault, FaultKind};
use keyminder_testkit::command::{World, contains, finish};
use serde_json::Value;

use super::{aws_file, with};

const KEYS: &str = "aws_access_key_id = AKIASANDBOXPROFILE00\naws_secret_access_key = s\n";

/// All variables that the AWS CLI reads (AWS CLI User Guide, "Environment variables"; AWS SDKs and Tools Reference
/// Guide, "Environment variables support").
const VARIABLES: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ACCOUNT_ID",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE",
    "AWS_AUTH_SCHEME_PREFERENCE",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_DEFAULT_PROFILE",
    "AWS_DEFAULT_REGION",
    "AWS_DEFAULTS_MODE",
    "AWS_DISABLE_REQUEST_COMPRESSION",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
    "AWS_ENDPOINT_URL_EVENTBRIDGE",
    "AWS_ENDPOINT_URL_IAM",
    "AWS_ENDPOINT_URL_LAMBDA",
    "AWS_ENDPOINT_URL_SNS",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_MAX_ATTEMPTS",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
    "AWS_METADATA_SERVICE_TIMEOUT",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_REQUEST_CHECKSUM_CALCULATION",
    "AWS_RESPONSE_CHECKSUM_VALIDATION",
    "AWS_RETRY_MODE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SDK_UA_APP_ID",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_SIGV4A_SIGNING_REGION_SET",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "https_proxy",
    "http_proxy",
    "no_proxy",
];

/// A world whose endpoint, region and keys are named on the command line and in the default profile.
fn configured() -> (World, Vec<String>) {
    let world = World::new();
    let credentials = world.sandbox.credentials();
    let keys = format!(
        "aws_access_key_id = {}\naws_secret_access_key = {}\n",
        credentials.access_key_id, credentials.secret_access_key
    );
    aws_file(&world, "credentials", &format!("[default]\n{keys}"));
    aws_file(&world, "config", "[default]\nregion = us-east-1\n");
    let arguments = ["plan", "--endpoint-url", world.sandbox.url()].map(str::to_owned).to_vec();
    (world, arguments)
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let (world, arguments) = configured();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    for name in VARIABLES {
        for value in ["", " "] {
            let mut command = world.command(&arguments);
            for (name, _) in world.sandbox.variables() {
                command.env_remove(name);
            }
            command.env(name, value);
            let ran = finish(command);
            assert_eq!(ran.code, 0, "{name}={value:?}: {ran:#?}");
        }
    }
}

#[test]
fn a_call_is_tried_as_often_as_the_aws_configuration_says() {
    let world = World::new();
    world.sandbox.inject(Fault::new("sts:GetCallerIdentity", FaultKind::Throttle).always());
    let tried = |variables: &[(&str, &str)]| {
        world.sandbox.forget_calls();
        let ran = with(&world, variables, &["plan"]);
        assert_eq!(ran.code, 1, "{ran:#?}");
        world.sandbox.calls().iter().filter(|call| call.operation == "GetCallerIdentity").count()
    };
    assert_eq!(tried(&[]), 4);
    aws_file(&world, "config", "[default]\nmax_attempts = 2\n");
    assert_eq!(tried(&[]), 2);
    assert_eq!(tried(&[("AWS_MAX_ATTEMPTS", "3")]), 3);
}

#[test]
fn a_number_of_attempts_that_is_none_is_refused_with_its_place() {
    let world = World::new();
    for value in ["0", "-1", "many", "99999999999"] {
        let ran = with(&world, &[("AWS_MAX_ATTEMPTS", value)], &["plan"]);
        assert_eq!(ran.code, 64, "{ran:#?}");
        contains(&ran.stderr, &["BadMaxAttempts", &format!("AWS_MAX_ATTEMPTS: '{value}'")]);
    }
    aws_file(&world, "config", "[default]\nregion = us-east-1\nmax_attempts = 0\n");
    let ran = world.run(&["plan"]);
    assert_eq!(ran.code, 64, "{ran:#?}");
    contains(&ran.stderr, &["max_attempts of profile 'default'", ".aws/config:3", "'0' is not a number of attempts"]);
}

#[test]
fn an_empty_endpoint_is_aws_own_and_not_a_panic() {
    // With no other endpoint named, the call goes to AWS: through a proxy that nobody listens at, so as not to arrive.
    let world = World::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = format!("http://{closed}");
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_IAM"] {
        let ran = with(&world, &[("AWS_ENDPOINT_URL", ""), (name, ""), ("HTTPS_PROXY", &proxy)], &["plan"]);
        assert_eq!(ran.code, 1, "{name}: {ran:#?}");
        contains(&ran.stderr, &["reading STS caller identity", "go through the proxy", "(HTTPS_PROXY)"]);
    }
}

#[test]
fn an_empty_setting_of_a_profile_is_one_that_is_not_set() {
    let (world, arguments) = configured();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    for setting in [
        "endpoint_url",
        "ca_bundle",
        "role_arn",
        "source_profile",
        "credential_process",
        "credential_source",
        "mfa_serial",
        "sso_session",
        "sso_start_url",
        "web_identity_token_file",
        "login_session",
        "services",
        "retry_mode",
        "max_attempts",
        "use_fips_endpoint",
        "use_dualstack_endpoint",
        "sdk_ua_app_id",
        "aws_session_token",
    ] {
        aws_file(&world, "config", &format!("[default]\nregion = us-east-1\n{setting} =\noutput = json\n"));
        let mut command = world.command(&arguments);
        for (name, _) in world.sandbox.variables() {
            command.env_remove(name);
        }
        let ran = finish(command);
        assert_eq!(ran.code, 0, "{setting}: {ran:#?}");
    }
}

#[test]
fn a_value_that_no_request_can_carry_is_named_before_the_first_call() {
    for (name, value, says) in [
        ("AWS_ACCESS_KEY_ID", "x\n", "the access key id in the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "x\r\n", "the secret access key in the variables"),
        ("AWS_SESSION_TOKEN", "a\u{7}b", "the session token in the variables"),
        ("AWS_REGION", "eu-west-1\n", "is not an AWS region"),
        ("AWS_ENDPOINT_URL", "http://x\ny", "is not an endpoint URL"),
        ("AWS_ENDPOINT_URL_SNS", "nonsense", "(for SNS) is not an endpoint URL"),
        ("AWS_ENDPOINT_URL_LAMBDA", "http://h:99999", "(for Lambda) is not an endpoint URL"),
        ("HTTPS_PROXY", "socks5://p:1", "HTTPS_PROXY does not name an HTTP proxy"),
        ("http_proxy", "http://u:pa/ss@p", "http_proxy does not name an HTTP proxy"),
        ("AWS_CA_BUNDLE", "/does/not/exist.pem", "/does/not/exist.pem (AWS_CA_BUNDLE) cannot be read"),
        ("SSL_CERT_FILE", "/does/not/exist.pem", "/does/not/exist.pem (SSL_CERT_FILE) cannot be read"),
        ("AWS_CA_BUNDLE", "/dev/null", "holds no certificate"),
        ("AWS_CONFIG_FILE", "/dev/zero", "/dev/zero: larger than 4 MiB"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/zero", "/dev/zero: larger than 4 MiB"),
        ("AWS_CONFIG_FILE", "/", "AWS_CONFIG_FILE names this file"),
        ("AWS_PROFILE", "nosuch", "the AWS profile 'nosuch' (named by AWS_PROFILE) does not exist"),
        ("AWS_DEFAULT_PROFILE", "nosuch", "the AWS profile 'nosuch' (named by AWS_DEFAULT_PROFILE) does not exist"),
    ] {
        let world = World::new();
        let ran = with(&world, &[(name, value)], &["plan", "--output", "json"]);
        assert_eq!(ran.code, 64, "{name}: {ran:#?}");
        let document: Value = serde_json::from_str(&ran.stdout).unwrap();
        contains(document["error"].to_string().as_str(), &[says]);
        assert_eq!(world.sandbox.calls().len(), 0, "{name}: AWS was asked");
    }
}

#[test]
fn a_key_id_with_a_line_break_is_named_by_its_profile_or_program() {
    let world = World::new();
    let json = r#"{"Version": 1, "AccessKeyId": "AKIAX\n", "SecretAccessKey": "s"}"#;
    world.write("keys.json", json);
    let program = format!("cat {}", world.home.path().join("keys.json").display());
    aws_file(&world, "config", &format!("[profile program]\ncredential_process = {program}\n"));
    let ran = world.run(&["plan", "--profile", "program"]);
    assert_eq!(ran.code, 64, "{ran:#?}");
    contains(
        &ran.stderr,
        &["access key id in credential_process of profile 'program'", "config:2)", "ends with a line break"],
    );

    aws_file(&world, "credentials", "[keys]\naws_access_key_id = AKIA\u{a0}\naws_secret_access_key = s\n");
    let ran = world.run(&["plan", "--profile", "keys"]);
    assert_eq!(ran.code, 64, "{ran:#?}");
    contains(&ran.stderr, &["access key id in the profile 'keys'", "credentials:2)"]);
    assert_eq!(world.sandbox.calls().len(), 0);
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    for (name, text, says) in [
        ("config", "[default]\nregion = us-east-1\nnonsense\n", ".aws/config: line 3: "),
        ("config", "region = us-east-1\n", ".aws/config: line 1: "),
        ("credentials", "[default\n", ".aws/credentials: line 1: "),
        ("config", "\u{feff}[default]\n", ".aws/config: line 1: the file begins with a byte order mark"),
    ] {
        let world = World::new();
        aws_file(&world, name, text);
        let ran = world.run(&["plan"]);
        assert_eq!(ran.code, 64, "{text:?}: {ran:#?}");
        contains(&ran.stderr, &[says]);
        assert_eq!(world.sandbox.calls().len(), 0, "AWS was asked");
    }
    let world = World::new();
    aws_file(&world, "config", "");
    std::fs::write(world.home.path().join(".aws/config"), b"[default]\nregion = \xff\n").unwrap();
    contains(&world.run(&["plan"]).stderr, &[".aws/config: line 2: not UTF-8"]);
    std::fs::write(world.home.path().join(".aws/config"), b"\xff\xfe[\0d\0").unwrap();
    contains(&world.run(&["plan"]).stderr, &["the file is in UTF-16"]);
}

#[test]
fn a_misspelt_profile_is_answered_with_those_that_exist() {
    let world = World::new();
    aws_file(&world, "config", &format!("[profile prod]\n{KEYS}[staging]\n{KEYS}"));
    let ran = world.run(&["plan", "--profile", "prd"]);
    assert_eq!(ran.code, 64, "{ran:#?}");
    contains(&ran.stderr, &["the AWS profile 'prd' (named by --profile) does not exist", "are: prod"]);
    let ran = world.run(&["plan", "--profile", "staging"]);
    contains(&ran.stderr, &["line 4 must read [profile staging]"]);
}

#[test]
fn a_profile_that_is_named_and_missing_ends_the_run_beside_keys_in_the_environment() {
    let world = World::new();
    for name in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
        let ran = with(&world, &[(name, "prod")], &["plan"]);
        assert_eq!(ran.code, 64, "{ran:#?}");
        assert_eq!(world.sandbox.calls().len(), 0, "the keys' own account was asked");
    }
    aws_file(&world, "config", &format!("[profile prod]\n{KEYS}"));
    assert_eq!(with(&world, &[("AWS_PROFILE", "prod"), ("AWS_DEFAULT_PROFILE", "nosuch")], &["plan"]).code, 0);
}

#[test]
fn what_a_profile_lacks_is_named_with_file_and_line() {
    for (config, code, says) in [
        (
            "role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = nosuch\n",
            "NoProfile",
            "the AWS profile 'nosuch' (source_profile of profile 'p'",
        ),
        (
            "role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = q\n[profile q]\nregion = x\n",
            "BadProfile",
            "has no credentials",
        ),
        ("role_arn = arn:aws:iam::123456789012:role/r\n", "BadProfile", "neither source_profile nor credential_source"),
        (
            "role_arn = a\nsource_profile = q\n[profile q]\nrole_arn = b\nsource_profile = p\n",
            "BadProfile",
            "leads back to the profile 'p'",
        ),
        ("role_arn = a\ncredential_source = Nowhere\n", "BadProfile", "credential_source is 'Nowhere'"),
        (
            "role_arn = a\nweb_identity_token_file = /does/not/exist\n",
            "NoTokenFile",
            "the web identity token in /does/not/exist (profile 'p'",
        ),
        ("aws_access_key_id = AKIAX\n", "BadProfile", "has aws_access_key_id, but no aws_secret_access_key"),
        (
            "role_arn = a\nsource_profile = p\nmfa_serial = arn:aws:iam::1:mfa/x\n",
            "NeedsMfa",
            "config:4) has mfa_serial",
        ),
    ] {
        let world = World::new();
        aws_file(&world, "config", &format!("[profile p]\n{config}"));
        let (status, document) = world.json(&["plan", "--profile", "p"]);
        assert_eq!((status, document["error"]["code"].as_str().unwrap()), (64, code), "{document}");
        contains(&document["error"]["message"].to_string(), &[says]);
        assert_eq!(world.sandbox.calls().len(), 0, "AWS was asked");
    }
}

#[test]
fn a_role_that_needs_a_code_is_answered_with_the_command_that_asks_for_it() {
    let world = World::new();
    let config = "[profile prod]\nrole_arn = a\nsource_profile = default\nmfa_serial = m\n";
    aws_file(&world, "config", config);
    let ran = world.run(&["plan", "--profile", "prod"]);
    contains(&ran.stderr, &["eval \"$(aws configure export-credentials --profile prod --format env)\""]);
}

#[test]
fn a_token_file_that_is_missing_is_named() {
    let world = World::new();
    let mut command = world.command(&["plan"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", "/does/not/exist")
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r");
    let ran = finish(command);
    assert_eq!(ran.code, 64, "{ran:#?}");
    contains(&ran.stderr, &["/does/not/exist (AWS_WEB_IDENTITY_TOKEN_FILE) cannot be read"]);
}

#[test]
fn a_program_that_fails_is_named_with_what_it_said() {
    let world = World::new();
    aws_file(&world, "config", "[profile p]\ncredential_process = /bin/sh -c 'echo no such vault >&2; exit 3'\n");
    let ran = world.run(&["plan", "--profile", "p"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    contains(&ran.stderr, &["credential_process of profile 'p'", "no such vault"]);
}

#[test]
fn a_silent_source_of_credentials_ends_within_its_deadline() {
    let world = World::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = world.command(&["plan"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("http://{}/", silent.local_addr().unwrap()));
    let start = Instant::now();
    let ran = finish(command);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(start.elapsed() < Duration::from_secs(60));
    contains(&ran.stderr, &["the container's credentials (AWS_CONTAINER_CREDENTIALS_FULL_URI)"]);
}
