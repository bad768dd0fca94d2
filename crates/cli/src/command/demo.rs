//! `keyminder demo`: a walkthrough against a local AWS emulator, with the real commands.
//!
//! Owns the story. What each step does is the command's own code, called as the command line calls it; only the account
//! behind it is emulated.

use std::sync::Arc;
use std::time::Duration;

use keyminder_sandbox::{Mail, MailKind, Options, Sandbox, Seed};
use keyminder_stack::Credentials;

use super::sandbox::REGION;
use super::session::Session;
use super::{check, confirm, plan, setup, stand_in, status, teardown, test};
use crate::args::{
    CheckArgs, ConfirmArgs, DemoArgs, Overrides, PlanArgs, SetupArgs, SpecArgs, StatusArgs, TeardownArgs, TestArgs,
};
use crate::config::Config;
use crate::error::{Error, Exit};
use crate::interrupt::Interrupt;
use crate::render::{self, Screen};

const ADDRESS: &str = "you@example.com";
/// Short enough for a demonstration, long enough to be seen.
const ROLE_DELAY: Duration = Duration::from_millis(1500);
const FUNCTION_PENDING: Duration = Duration::from_millis(700);
const FUNCTION_UPDATING: Duration = Duration::from_millis(400);
const PAUSE: Duration = Duration::from_secs(3);

/// The story, as far as it has been told.
struct Story<'a> {
    screen: &'a Arc<Screen>,
    interrupt: &'a Interrupt,
    session: Session,
    sandbox: Sandbox,
    slow: bool,
    chapter: usize,
}

pub(crate) async fn run(screen: &Arc<Screen>, interrupt: &Interrupt, args: &DemoArgs) -> Result<Exit, Error> {
    if screen.is_json() {
        return Err(Error::usage("Usage", "the demo has no JSON output").hint("leave out --output json"));
    }
    let options = Options {
        role_delay: ROLE_DELAY,
        function_pending: FUNCTION_PENDING,
        function_updating: FUNCTION_UPDATING,
        run_with: stand_in::run_with(screen, args.builtin_function)?,
        ..Options::instant()
    };
    let sandbox = Sandbox::start(options).await.map_err(|error| Error::failed("Sandbox", error.to_string()))?;
    let place = Overrides::region(REGION).with_endpoint_url(sandbox.url());
    let keys = sandbox.credentials();
    let credentials = Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "sandbox");
    let session = Session::new(Arc::clone(screen), Config::of_sandbox(place, credentials), interrupt.clone());
    let mut story = Story { screen, interrupt, session, sandbox, slow: args.slow, chapter: 0 };
    story.tell(args.users).await?;
    Ok(Exit::Done)
}

fn spec_args(emails: &[&str]) -> SpecArgs {
    SpecArgs { given: Overrides::emails(emails).into(), adopt: false }
}

fn setup_args(email: Option<&str>) -> SetupArgs {
    let spec = email.map(|email| spec_args(&[email])).unwrap_or_default();
    SetupArgs {
        spec,
        yes: true,
        dry_run: false,
        defaults: false,
        no_recipients: false,
        wait: None,
        keep_code: false,
        remove_foreign: Vec::new(),
    }
}

impl Story<'_> {
    async fn tell(&mut self, users: u32) -> Result<(), Error> {
        let old = users.div_ceil(4);
        self.sandbox.seed_users(&Seed { users: users as usize, old: old as usize, ..Seed::default() });
        self.screen.text(&render::dim(
            "This runs against an AWS emulator inside this process. Nothing reaches AWS. The commands are the real ones.",
        ));

        self.chapter(&format!("An account with {users} IAM users. Some of their access keys are old.")).await?;
        self.prompt("check");
        check::run(&self.session, &CheckArgs::default()).await?;

        self.chapter("Install the notifier.").await?;
        self.prompt(&format!("setup --email {ADDRESS}"));
        setup::run(&self.session, setup_args(Some(ADDRESS))).await?;

        self.chapter("AWS sends a confirmation email. keyminder confirms it so that a stray click cannot cancel it.")
            .await?;
        let mail = self.mail(MailKind::Confirmation)?;
        self.screen.text(&render::envelope(&mail));
        let link = mail.confirm_link.ok_or_else(|| Error::failed("Demo", "the confirmation email has no link"))?;
        self.prompt("confirm 'LINK'");
        confirm::run(&self.session, ConfirmArgs { link: Some(link), resend: None }).await?;

        self.chapter("Run setup again: nothing has to be changed.").await?;
        self.sandbox.forget_calls();
        self.prompt(&format!("setup --email {ADDRESS}"));
        setup::run(&self.session, setup_args(Some(ADDRESS))).await?;
        self.count_calls();

        self.chapter("Someone disables the rule and removes its permission to invoke the function.").await?;
        self.break_something();
        self.prompt(&format!("plan --email {ADDRESS}"));
        let spec = spec_args(&[ADDRESS]);
        plan::run(&self.session, &PlanArgs { spec: spec.clone(), exit_code: false, keep_code: false }).await?;

        self.chapter("setup fixes it.").await?;
        self.prompt(&format!("setup --email {ADDRESS}"));
        setup::run(&self.session, setup_args(Some(ADDRESS))).await?;

        self.chapter("Invoke the deployed function. The emulator really executes it.").await?;
        self.prompt("test");
        test::run(&self.session, &TestArgs { notice: false, owner: None, dry_run: false, from_rule: false }).await?;
        self.screen.text(&format!("\nThe email that {ADDRESS} receives:"));
        let mail = self.mail(MailKind::Notification)?;
        self.screen.text(&render::envelope(&mail));

        self.chapter("Check that the notifier works.").await?;
        self.prompt(&format!("status --email {ADDRESS}"));
        status::run(&self.session, &StatusArgs { spec, exit_code: false, watch: false }).await?;

        self.chapter("Remove everything.").await?;
        self.prompt("teardown");
        teardown::run(&self.session, &TeardownArgs { yes: true, ..TeardownArgs::default() }).await?;

        self.screen.text(&format!(
            "\n{}\n  {}\n  {}",
            render::bold("That is all. In your own account, run:"),
            render::command("keyminder check"),
            render::command("keyminder setup --email you@example.com"),
        ));
        Ok(())
    }

    /// Begins a chapter, unless the user wants to stop.
    async fn chapter(&mut self, title: &str) -> Result<(), Error> {
        if self.slow {
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = self.interrupt.asked() => {}
            }
        }
        if self.interrupt.token().is_cancelled() {
            return Err(Error::stopped("Interrupted", "Interrupted. The emulated account is gone.", Exit::Interrupted));
        }
        self.chapter += 1;
        self.screen.text(&format!("\n{}\n", render::heading(format_args!("{}. {title}", self.chapter))));
        Ok(())
    }

    fn prompt(&self, command: &str) {
        self.screen.text(&format!("{} {}", render::dim("$"), render::command(format_args!("keyminder {command}"))));
    }

    /// The latest mail of a kind.
    fn mail(&self, kind: MailKind) -> Result<Mail, Error> {
        let mail = self.sandbox.outbox().into_iter().rfind(|mail| mail.kind == kind);
        mail.ok_or_else(|| Error::failed("Demo", "no email arrived"))
    }

    fn count_calls(&self) {
        let calls = self.sandbox.calls();
        let writes = calls.iter().filter(|call| call.write).count();
        self.screen
            .text(&render::dim(format_args!("({} requests to AWS, {writes} of them changing something)", calls.len())));
    }

    fn break_something(&self) {
        self.sandbox.edit(|world| {
            for region in world.regions.values_mut() {
                for rule in region.rules.values_mut() {
                    rule.enabled = false;
                }
                for function in region.functions.values_mut() {
                    function.statements.clear();
                }
            }
        });
    }
}
