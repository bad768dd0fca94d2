//! `keyminder sandbox`: an emulated AWS for any client, until interrupted.

use std::sync::Arc;
use std::time::Duration;

use keyminder_sandbox::{MailKind, Options, Sandbox, Seed};
use serde_json::json;

use super::stand_in;
use crate::args::SandboxArgs;
use crate::error::{Error, Exit};
use crate::interrupt::Interrupt;
use crate::render::{self, Screen};

/// How often the outbox is looked at.
const LOOK: Duration = Duration::from_millis(250);

pub(crate) async fn run(screen: &Arc<Screen>, interrupt: &Interrupt, args: &SandboxArgs) -> Result<Exit, Error> {
    if args.old > args.users {
        return Err(Error::usage("Usage", format!("--old {} is more than --users {}", args.old, args.users)));
    }
    if args.variables && args.port == 0 {
        return Err(Error::usage("Usage", "--variables needs --port, the port that the sandbox is served on"));
    }
    let base = if args.instant { Options::instant() } else { Options::realistic() };
    if args.variables {
        // The variables depend on nothing but the address, and that sandbox is served by another process.
        screen.result(&exports(&variables(&format!("http://127.0.0.1:{}", args.port))));
        return Ok(Exit::Done);
    }
    let run_with = stand_in::run_with(screen, args.builtin_function)?;
    let sandbox = Sandbox::start(Options { port: args.port, run_with, ..base }).await.map_err(|error| {
        Error::failed("Sandbox", error.to_string()).hint("choose another --port, or none for any free one")
    })?;
    sandbox.seed_users(&Seed { users: args.users as usize, old: args.old as usize, ..Seed::default() });
    if screen.is_json() {
        let variables: serde_json::Map<_, _> =
            variables(sandbox.url()).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        screen.document(&json!({ "schema": 1, "command": "sandbox", "url": sandbox.url(), "variables": variables }))?;
    } else {
        screen.remark(&format!(
            "An emulated AWS serves on {} until you press Ctrl-C. It holds {} users, {} with an old key.\n\nIn another terminal:\n\n",
            render::bold(sandbox.url()),
            args.users,
            args.old
        ));
        screen.result(&exports(&variables(sandbox.url())));
        screen.remark("\nEvery mail is shown here as it would arrive. Open its links to confirm or unsubscribe.\n\n");
    }
    let mut shown = 0;
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = interrupt.asked() => return Ok(Exit::Done),
        }
        let outbox = sandbox.outbox();
        for mail in outbox.get(shown..).unwrap_or_default() {
            if screen.is_json() {
                let kind = if mail.kind == MailKind::Confirmation { "confirmation" } else { "notification" };
                screen.aside(
                    &json!({ "kind": kind, "to": mail.to, "subject": mail.subject, "body": mail.body }).to_string(),
                );
            } else {
                screen.result(&render::envelope(mail));
            }
        }
        shown = outbox.len();
        if screen.is_closed() {
            return Ok(Exit::Done);
        }
    }
}

/// What to export for a sandbox at that address.
fn variables(url: &str) -> Vec<(&'static str, String)> {
    let region = Options::instant().region;
    vec![
        ("AWS_ENDPOINT_URL", url.to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIASANDBOXDEPLOYER0".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "sandbox".to_owned()),
        ("AWS_REGION", region.clone()),
        // What boto3 reads instead of AWS_REGION (Boto3 documentation, "Configuration").
        ("AWS_DEFAULT_REGION", region),
    ]
}

fn exports(variables: &[(&'static str, String)]) -> String {
    variables.iter().map(|(name, value)| format!("export {name}={value}\n")).collect()
}
