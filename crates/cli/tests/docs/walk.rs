//! Every page, walked through as a reader would: each block of shell is run in the order shown, on a terminal, against
//! an account of the page's own in the sandbox. Configuration is planned with, and JSON is parsed.
//!
//! A comment before a block, `<!-- test: … -->`, says what a reader would have done in the meantime, or why the block
//! cannot be run here:
//!
//! - `not run, REASON`: the reasons are listed in a snapshot, so that a new one is noticed
//! - `needs aws`, `needs python3`: run only by the test that has that program
//! - `exits N`: with which status its last command ends, instead of 0
//! - `answers A; B; …`: what is typed, instead of "yes" to every question
//! - `keeps running`: until the page ends
//! - `meanwhile …`: what happens while it runs, see [`MEANWHILE`]
//! - anything else is one of [`SCENES`]: what happened before it

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use expectrl::process::unix::WaitStatus;
use expectrl::{Eof, Expect};
use keyminder_sandbox::world::{AccessKey, EmailIdentity, User};
use keyminder_sandbox::{Clock, Options, OrganizationSeed, Sandbox, Seed};
use keyminder_testkit::account::Account;

use crate::page::{Block, fenced, files, pages, root, text};
use crate::terminal::{ACCOUNT, REGION};

/// What a reader types at every question unless the page says otherwise.
const YES: &str = "yes; yes; yes; yes";

/// The second account of the example with several.
const OTHER_ACCOUNT: &str = "210987654321";

/// How long a block may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Does what happened before a block.
type Scene = fn(&mut Walk);

/// Does what happens while a block runs, again and again until it ends.
type Event = fn(&Sandbox);

/// What can have happened before a block.
const SCENES: &[(&str, Scene)] = &[
    ("a profile for each account", |walk| walk.other = Some(account(OTHER_ACCOUNT))),
    ("set up by hand", |walk| {
        walk.account = account(ACCOUNT);
        runtime().block_on(walk.account.set_up_by_hand());
    }),
    ("an organization", |walk| {
        let reading_role = Some("keyminder-reader".to_owned());
        let users = Seed { users: 3, old: 1, ..Seed::default() };
        walk.account.sandbox.seed_organization(&OrganizationSeed {
            accounts: 3,
            users,
            reading_role,
            ..OrganizationSeed::default()
        });
    }),
    ("installed", |walk| {
        let setup = walk.shell("keyminder setup --email ops@example.com --yes").output().unwrap();
        assert!(setup.status.success(), "{}", String::from_utf8_lossy(&setup.stderr));
    }),
    ("the sender is verified, and the file has that table", |walk| {
        walk.account.sandbox.edit(|aws| {
            let ses = &mut aws.region(REGION).ses;
            ses.production = true;
            let identity = EmailIdentity { verified: true, configuration_set: None };
            ses.identities.insert("example.com".to_owned(), identity);
        });
        let page = text(&walk.page);
        let table = page.split("```toml\n").find(|block| block.starts_with("[owners]")).unwrap();
        let table = table.split("```").next().unwrap();
        let file = format!("[notify]\nemails = ['ops@example.com']\n\n{table}");
        std::fs::write(walk.folder().join("keyminder.toml"), file).unwrap();
    }),
    ("nobody has confirmed", |walk| walk.confirmed(false)),
    ("everyone has confirmed", |walk| walk.confirmed(true)),
    ("the configuration file is lost", |walk| {
        let _ = std::fs::remove_file(walk.folder().join("keyminder.toml"));
    }),
];

/// What can happen while a block runs.
const MEANWHILE: &[(&str, Event)] = &[
    ("everyone confirms", |sandbox| {
        std::thread::sleep(Duration::from_millis(500));
        confirm(sandbox, true);
    }),
    ("the rule fires", |sandbox| {
        let is_tried_out = |rule: &keyminder_sandbox::world::Rule| rule.schedule.ends_with(" 0-23 * * ? *)");
        if sandbox.edit(|aws| aws.region(REGION).rules.values().any(is_tried_out)) {
            sandbox.clock().advance(Duration::from_secs(180));
        }
    }),
];

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The account of the pages, with a few users.
fn account(id: &str) -> Account {
    let clock = Clock::held(jiff::Timestamp::now());
    let options = Options { account: id.to_owned(), region: REGION.to_owned(), ..Options::instant() };
    let account = runtime().block_on(Account::with(options.with_clock(clock)));
    account.sandbox.seed_users(&Seed::default());
    account.sandbox.edit(|aws| {
        let created = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * 200);
        let key = AccessKey { id: "AKIAIOSFODNN7EXAMPLE".to_owned(), active: true, created, last_used: None };
        let vendor = User {
            name: "vendor-backup".to_owned(),
            path: "/".to_owned(),
            id: "AIDA0000000000VENDOR".to_owned(),
            created,
            tags: Default::default(),
            access_keys: vec![key],
            service_specific_credentials: Vec::new(),
            ssh_public_keys: Vec::new(),
            signing_certificates: Vec::new(),
        };
        aws.iam.users.insert(vendor.name.clone(), vendor);
    });
    account
}

fn confirm(sandbox: &Sandbox, confirmed: bool) {
    sandbox.edit(|aws| aws.region(REGION).subscriptions.iter_mut().for_each(|one| one.confirmed = confirmed));
}

/// One reader of one page.
struct Walk {
    page: String,
    home: tempfile::TempDir,
    account: Account,
    /// Another account. Then nothing but profiles leads to either of them.
    other: Option<Account>,
    /// A free port, in place of the one that the pages show.
    port: u16,
    running: Vec<Child>,
}

impl Drop for Walk {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Walk {
    fn new(page: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let walk =
            Self { page: page.to_owned(), home, account: account(ACCOUNT), other: None, port, running: Vec::new() };
        for file in files("examples", "") {
            let copy = walk.home.path().join(&file);
            std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
            std::fs::copy(root().join(&file), copy).unwrap();
        }
        let bin = walk.home.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_keyminder"), bin.join("keyminder")).unwrap();
        // The AWS CLI, if it is not simply `aws` on the path.
        let pinned = Some(root().join(".venv/bin/aws")).filter(|cli| cli.exists());
        if let Some(cli) = std::env::var_os("KEYMINDER_AWS_CLI").map(PathBuf::from).or(pinned) {
            std::os::unix::fs::symlink(cli, bin.join("aws")).unwrap();
        }
        // In a checkout, `cargo run -- COMMAND` is `keyminder COMMAND`.
        let cargo =
            "#!/bin/sh\n[ \"$1 $2\" = 'run --' ] && shift 2 && exec keyminder \"$@\"\necho 'not here' >&2; exit 99\n";
        std::fs::write(bin.join("cargo"), cargo).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(bin.join("cargo"), executable).unwrap();
        walk
    }

    /// The folder that the reader is in: that of an example, or the checkout.
    fn folder(&self) -> PathBuf {
        let folder = Path::new(&self.page).parent().unwrap();
        let is_example = folder.starts_with("examples") && folder != Path::new("examples");
        self.home.path().join(if is_example { folder } else { Path::new("") })
    }

    fn confirmed(&self, confirmed: bool) {
        confirm(&self.account.sandbox, confirmed);
    }

    /// The profiles that pages and examples name.
    fn write_profiles(&self) {
        let profile = |name: &str, account: &Account| {
            let (url, keys) = (account.sandbox.url(), account.sandbox.credentials());
            format!(
                "[profile {name}]\nregion = {REGION}\nendpoint_url = {url}\naws_access_key_id = {}\n\
                 aws_secret_access_key = {}\n",
                keys.access_key_id, keys.secret_access_key
            )
        };
        let other = self.other.as_ref().map(|other| profile("staging", other)).unwrap_or_default();
        std::fs::create_dir_all(self.home.path().join(".aws")).unwrap();
        std::fs::write(self.home.path().join(".aws/config"), profile("prod", &self.account) + &other).unwrap();
    }

    /// A shell of this reader.
    fn shell(&self, script: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command
            .args(["-e", "-o", "pipefail", "-c", script])
            .env_clear()
            .env("PATH", format!("{}:{path}", self.home.path().join("bin").display()))
            .env("HOME", self.home.path())
            .env("TERM", "dumb")
            .env("TZ", "UTC")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_PAGER", "")
            .current_dir(self.folder());
        if self.other.is_none() {
            command.envs(self.account.sandbox.variables());
        }
        command
    }

    /// The script with what a reader would put in the place of placeholders.
    fn script(&self, block: &Block) -> String {
        let mut script = block.text.replace("4580", &self.port.to_string());
        let member = self.account.sandbox.edit(|aws| {
            let accounts = &aws.organization.as_ref()?.accounts;
            accounts.iter().find(|(id, _)| *id != ACCOUNT).map(|(id, member)| (id.clone(), member.parent.clone()))
        });
        if let Some((id, unit)) = member {
            script = script.replace(OTHER_ACCOUNT, &id).replace("ou-ab12-3c4d5e6f", &unit);
        }
        while let Some(start) = script.find("https://sns.eu-west-1.amazonaws.com/confirmation.html?TopicArn=…") {
            let end = start + script[start..].find('\'').expect("a link in quotes");
            let outbox = self.account.sandbox.outbox();
            let link = outbox.iter().rev().find_map(|mail| mail.confirm_link.clone()).expect("a mail with a link");
            script.replace_range(start..end, &link);
        }
        script
    }

    /// Runs a block on a terminal, with the answers typed ahead. Gives back the exit status and all that was shown.
    fn run(&self, block: &Block, answers: &str) -> (i32, String) {
        let mut session = expectrl::Session::spawn(self.shell(&self.script(block))).unwrap();
        session.set_expect_timeout(Some(PATIENCE));
        for answer in answers.split("; ") {
            session.send_line(answer).unwrap();
        }
        let shown = session.expect(Eof).map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned());
        let shown = shown.unwrap_or_else(|error| panic!("{}:{} goes on and on: {error}", self.page, block.line));
        match session.get_process().wait().unwrap() {
            WaitStatus::Exited(_, code) => (code, shown),
            other => panic!("{}:{}: {other:?}\n{shown}", self.page, block.line),
        }
    }

    /// Starts what does not end by itself, and waits until it says what to do next.
    fn start(&mut self, block: &Block) {
        let log = self.home.path().join("running.log");
        let script = format!("exec {}", self.script(block).trim());
        let out = std::fs::File::create(&log).unwrap();
        let child = self.shell(&script).stdin(Stdio::null()).stdout(out).stderr(Stdio::null()).spawn().unwrap();
        self.running.push(child);
        let start = Instant::now();
        while !std::fs::read_to_string(&log).unwrap().contains("AWS_DEFAULT_REGION") {
            assert!(start.elapsed() < PATIENCE, "{}:{} does not get ready", self.page, block.line);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Does what the page shows.
    fn take(&mut self, block: &Block, programs: &[&str]) {
        let place = format!("{}:{}", self.page, block.line);
        let (mut exit, mut answers, mut keeps_running, mut meanwhile) = (0, YES, false, None);
        for note in &block.notes {
            if let Some(program) = note.strip_prefix("needs ") {
                assert!(["aws", "python3"].contains(&program), "{place}: {program}");
                if !programs.contains(&program) {
                    return;
                }
            } else if let Some(code) = note.strip_prefix("exits ") {
                exit = code.parse().unwrap();
            } else if let Some(typed) = note.strip_prefix("answers ") {
                answers = typed;
            } else if note == "keeps running" {
                keeps_running = true;
            } else if let Some(name) = note.strip_prefix("meanwhile ") {
                meanwhile = MEANWHILE.iter().find(|(one, _)| *one == name).map(|(_, what)| *what);
                assert!(meanwhile.is_some(), "{place}: unknown: {note}");
            } else {
                let scene = SCENES.iter().find(|(name, _)| name == note);
                scene.unwrap_or_else(|| panic!("{place}: unknown: {note}")).1(self);
            }
        }
        self.write_profiles();
        if keeps_running {
            return self.start(block);
        }
        let ended = AtomicBool::new(false);
        let (code, shown) = std::thread::scope(|scope| {
            scope.spawn(|| {
                while let Some(happen) = meanwhile.filter(|_| !ended.load(Ordering::Relaxed)) {
                    std::thread::sleep(Duration::from_millis(50));
                    happen(&self.account.sandbox);
                }
            });
            let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.run(block, answers)));
            ended.store(true, Ordering::Relaxed);
            end.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        assert_eq!(code, exit, "{place}\n{}\n{shown}", block.text);
    }

    /// Plans with what the page shows of a configuration file.
    fn configure(&mut self, block: &Block) {
        std::fs::write(self.home.path().join("shown.toml"), &block.text).unwrap();
        let plan = Block { text: "keyminder plan --config ~/shown.toml".to_owned(), notes: Vec::new(), ..clone(block) };
        self.take(&plan, &[]);
    }
}

fn clone(block: &Block) -> Block {
    Block { language: block.language.clone(), text: block.text.clone(), notes: block.notes.clone(), ..*block }
}

/// Why a block is not run, if a note says so.
fn not_run(block: &Block) -> Option<&str> {
    block.notes.iter().find_map(|note| note.strip_prefix("not run, "))
}

/// Walks through a page. Gives back how many blocks of shell there were.
fn walk(page: &str, programs: &[&str]) -> usize {
    let mut walk = Walk::new(page);
    let blocks = fenced(&text(page));
    for block in &blocks {
        let place = format!("{page}:{}", block.line);
        match block.language.as_str() {
            "sh" => {
                let syntax = Command::new("bash").args(["-n", "-c", &block.text]).output().unwrap();
                assert!(syntax.status.success(), "{place}: {}", String::from_utf8_lossy(&syntax.stderr));
                if not_run(block).is_none() {
                    walk.take(block, programs);
                }
            }
            "toml" => walk.configure(block),
            "json" => {
                let parsed: Result<serde_json::Value, _> = serde_json::from_str(&block.text);
                assert!(parsed.is_ok(), "{place}: {parsed:?}");
            }
            "ini" => {
                let is_line = |line: &str| line.starts_with('[') && line.ends_with(']') || line.contains(" = ");
                assert!(block.text.lines().all(is_line), "{place}");
            }
            "text" => {}
            other => panic!("{place}: nothing here tests blocks of {other:?}"),
        }
    }
    blocks.iter().filter(|block| block.language == "sh").count()
}

/// Walks through all pages, two at a time, and says of each what went wrong in it.
fn walk_all(programs: &[&str]) {
    let pages = Mutex::new(pages());
    let next = || pages.lock().unwrap().pop();
    let (count, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(page) = next() {
                    match std::panic::catch_unwind(|| walk(&page, programs)) {
                        Ok(blocks) => _ = count.fetch_add(blocks, Ordering::Relaxed),
                        Err(_) => wrong.lock().unwrap().push(page),
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "see above for what went wrong in {wrong:?}");
    assert!(count.into_inner() > 40, "hardly any blocks of shell were found");
}

#[test]
fn everything_that_the_pages_show_works_in_the_order_shown() {
    walk_all(&[]);
}

#[test]
#[ignore = "needs python3"]
fn what_the_pages_show_with_python_works_in_the_order_shown() {
    walk_all(&["python3"]);
}

#[test]
#[ignore = "needs the AWS CLI"]
fn aws_cli_what_the_pages_show_with_the_aws_cli_works_in_the_order_shown() {
    walk_all(&["aws", "python3"]);
}

#[test]
fn every_block_that_is_not_run_says_why() {
    let mut listed = String::new();
    for page in pages() {
        for block in fenced(&text(&page)).iter().filter(|block| block.language == "sh") {
            if let Some(reason) = not_run(block) {
                assert_eq!(block.notes.len(), 1, "{page}:{}: it is not run, so nothing else matters", block.line);
                let first = block.text.lines().next().unwrap_or_default();
                listed.push_str(&format!("{page}: {reason}\n    {first}\n"));
            }
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!("docs_not_run", listed);
    });
}
