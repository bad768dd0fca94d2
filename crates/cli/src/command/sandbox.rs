//! `keyminder sandbox`: an emulated AWS for any client, until interrupted. Owns the file in which a running sandbox
//! keeps its variables for `--variables`.

use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyminder_sandbox::{MailKind, Options, OrganizationSeed, Sandbox, Seed};
use serde_json::json;

use super::stand_in;
use crate::args::SandboxArgs;
use crate::error::{Error, Exit};
use crate::interrupt::Interrupt;
use crate::render::{self, Screen};

/// The region of the sandbox and the demo, as in the documentation's examples.
pub(crate) const REGION: &str = "eu-west-1";

/// How often to look for new mail.
const LOOK: Duration = Duration::from_millis(250);

pub(crate) async fn run(screen: &Arc<Screen>, interrupt: &Interrupt, args: &SandboxArgs) -> Result<Exit, Error> {
    if args.old > args.users {
        return Err(Error::usage("Usage", format!("--old {} exceeds --users {}", args.old, args.users)));
    }
    if args.variables {
        screen.result(&exports(&kept(args.port)?));
        return Ok(Exit::Done);
    }
    let base = if args.instant { Options::instant() } else { Options::realistic() };
    let run_with = stand_in::run_with(screen, args.builtin_function)?;
    let options = Options { port: args.port, region: REGION.to_owned(), run_with, ..base };
    let sandbox = Sandbox::start(options).await.map_err(|error| {
        Error::failed("Sandbox", error.to_string()).hint("choose another --port, or leave it out to use any free port")
    })?;
    let seed = Seed { users: args.users as usize, old: args.old as usize, ..Seed::default() };
    sandbox.seed_users(&seed);
    if args.accounts > 1 {
        sandbox.seed_organization(&OrganizationSeed {
            accounts: args.accounts as usize,
            users: seed,
            ..OrganizationSeed::default()
        });
    }
    let variables = variables(&sandbox);
    let _keeper = match Keeper::new(sandbox.port(), &variables) {
        Ok(keeper) => Some(keeper),
        Err(error) => {
            screen.remark(&format!("--variables will not work: {error}\n"));
            None
        }
    };
    if screen.is_json() {
        let variables: serde_json::Map<_, _> =
            variables.into_iter().map(|(name, value)| (name, value.into())).collect();
        screen.document(&json!({ "schema": 1, "command": "sandbox", "url": sandbox.url(), "variables": variables }))?;
    } else {
        screen.remark(&format!(
            "An emulated AWS is running on {} until you press Ctrl-C. {} {} users, {} of them with an old key.\n\nIn another terminal:\n\n",
            render::bold(sandbox.url()),
            match args.accounts {
                1 => "It has".to_owned(),
                accounts => format!("It is an organization of {accounts} accounts, and each has"),
            },
            args.users,
            args.old
        ));
        screen.result(&exports(&variables));
        screen.remark("\nAll mail is shown here. Open the links in it to confirm or unsubscribe.\n\n");
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

/// What to export for a client.
fn variables(sandbox: &Sandbox) -> Vec<(String, String)> {
    sandbox.variables().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn exports(variables: &[(String, String)]) -> String {
    variables.iter().map(|(name, value)| format!("export {name}={value}\n")).collect()
}

/// Keeps a running sandbox's variables in a file that only this user can read, and removes it in the end.
struct Keeper(PathBuf);

impl Keeper {
    fn new(port: u16, variables: &[(String, String)]) -> io::Result<Self> {
        let path = file(port).ok_or_else(|| io::Error::other("neither XDG_RUNTIME_DIR nor HOME is set"))?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // Made with mode 0600 under another name, so that nobody can put a file or a link in its place.
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        new.write_all(&serde_json::to_vec(variables)?)?;
        new.persist(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Where the variables of the sandbox on that port are kept.
fn file(port: u16) -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = variable("XDG_RUNTIME_DIR")
        .or_else(|| variable("XDG_CACHE_HOME"))
        .or_else(|| variable("HOME").map(|home| home.join(".cache")))?;
    Some(folder.join("keyminder").join(format!("sandbox-{port}.json")))
}

/// The variables of a sandbox that another process runs.
fn kept(port: u16) -> Result<Vec<(String, String)>, Error> {
    if port == 0 {
        return Err(Error::usage("Usage", "--variables needs --port, the port of the running sandbox"));
    }
    let none = || {
        Error::failed("Sandbox", format!("you have no sandbox running on port {port}"))
            .hint(format!("start one in another terminal: keyminder sandbox --port {port}"))
    };
    let text = std::fs::read(file(port).ok_or_else(none)?).map_err(|_| none())?;
    // A sandbox that was killed leaves its file behind.
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|_| none())?;
    serde_json::from_slice(&text).map_err(|_| none())
}
