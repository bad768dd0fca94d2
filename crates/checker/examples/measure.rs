//! Measures a check: `cargo run --release -p keyminder-checker --example measure -- [USERS] [MS] [RATE]`.
//!
//! Seeds a sandbox in this process with USERS users of two keys each (5000 unless told), lets each call
//! take MS milliseconds (20), allows RATE calls a second (0: any number), reads it and prints how long
//! that took and how many calls it was. The sandbox takes its share of the machine.
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use aws_sdk_iam::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::Builder;
use jiff::Timestamp;
use keyminder_checker::Check;
use keyminder_keyage::Settings;
use keyminder_sandbox::{Options, Outcome, Sandbox, Seed};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |usual: f64| arguments.next().map_or(Ok(usual), |text| text.parse::<f64>());
    let (users, delay, rate) = (number(5_000.0)?, number(20.0)?, number(0.0)?);
    let sandbox = Sandbox::start(Options { users_page: 1_000, ..Options::instant() }).await?;
    let users = users as usize;
    sandbox.seed_users(&Seed { users, old: users / 5, two_keys: true, ..Seed::default() });
    sandbox.latency(Duration::from_secs_f64(delay / 1_000.0));
    sandbox.rate_limit(rate);
    let keys = sandbox.credentials();
    let iam = aws_sdk_iam::Client::from_conf(
        aws_sdk_iam::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(sandbox.url())
            .credentials_provider(Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "example"))
            .http_client(Builder::new().build_http())
            .build(),
    );
    let started = Instant::now();
    let report = Check::new(&iam, Settings::default(), "123456789012").read(Timestamp::now(), None, |_| {}).await;
    let seconds = started.elapsed().as_secs_f64();
    let summary = &report.summary;
    let calls = sandbox.calls();
    let refused = calls.iter().filter(|call| matches!(call.outcome, Outcome::Failed(_))).count();
    let accepted = (calls.len() - refused) as f64;
    println!("{} users, {} keys, {} old, complete: {}", summary.users_read, summary.keys, summary.old, report.complete);
    println!("{seconds:.2} s, {accepted} calls accepted, {refused} refused");
    if rate > 0.0 {
        // The sandbox lets a second's worth through at once.
        let least = (accepted / rate - 1.0).max(0.0);
        println!(
            "{least:.2} s is the least that {rate} calls a second allow: {:+.1} %",
            (seconds / least - 1.0) * 100.0
        );
    }
    Ok(())
}
