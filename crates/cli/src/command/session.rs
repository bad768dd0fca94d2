//! What every command on an installation needs: the screen, the configuration, the connection to AWS, and whether the
//! user wants to stop.

use std::rc::Rc;
use std::sync::Arc;

use keyminder_reconcile::Progress;
use keyminder_stack::{
    Clients, Connection, EmailObstacle, Error as StackError, Identity, Installation, Kind, Roles, Spec, Unproven,
};

use crate::config::Config;
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::render::{self, Headline, Place, RunProgress, Screen};

/// One run of a command.
pub(crate) struct Session {
    pub(crate) screen: Arc<Screen>,
    pub(crate) config: Config,
    pub(crate) interrupt: Interrupt,
}

/// An account that answered.
pub(crate) struct Account {
    pub(crate) clients: Clients,
    pub(crate) identity: Identity,
    unproven: Unproven,
}

impl Account {
    /// Refuses to write if a service at another endpoint has not shown that it works in this account.
    ///
    /// # Errors
    /// `UnprovenAccount`.
    pub(crate) fn must_be_proven(&self) -> Result<(), Error> {
        Ok(self.unproven.refuse(&self.identity.account)?)
    }
}

/// An installation to work on, and what shows the progress of the work.
pub(crate) struct OpenInstallation {
    pub(crate) installation: Installation,
    pub(crate) progress: Rc<dyn Progress>,
}

impl Session {
    pub(crate) fn new(screen: Arc<Screen>, config: Config, interrupt: Interrupt) -> Self {
        Self { screen, config, interrupt }
    }

    /// Finds out whose account it is, and refuses any other than the one that the user named.
    ///
    /// # Errors
    /// No region, no or refused credentials, no answer, another account.
    pub(crate) async fn connect(&self) -> Result<Account, Error> {
        let clients = self.clients().await?;
        let identity = clients.identity();
        let identity =
            self.interrupt.or(async { identity.await.map_err(|error| unreachable(error, &clients)) }).await?;
        self.account(clients, identity).await
    }

    /// The same for a command that only reads IAM: it works without a region, as IAM is global.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and credentials that the assumed partition refuses.
    pub(crate) async fn connect_to_iam(&self) -> Result<Account, Error> {
        let wanted = Connection { region_is_optional: true, ..self.config.connection() };
        let clients = self.clients_by(&wanted).await?;
        let identity = clients.identity();
        let explained = |error: StackError| {
            let is_refused = error.kind == Kind::Credentials;
            let error = unreachable(error, &clients);
            match clients.region_is_assumed() && is_refused {
                true => error.hint(format!(
                    "no region is configured, so keyminder asked in {}; for China, GovCloud or another partition, use \
                     --region",
                    clients.region()
                )),
                false => error,
            }
        };
        let identity = self.interrupt.or(async { identity.await.map_err(explained) }).await?;
        self.account(clients, identity).await
    }

    /// Connects, says where the run takes place, and opens the install. Whose account it is and which roles it has are
    /// asked at once.
    ///
    /// # Errors
    /// As [`connect`](Self::connect) and [`open`](Self::open).
    pub(crate) async fn begin(&self, command: &'static str, spec: Spec) -> Result<(Account, OpenInstallation), Error> {
        let clients = self.clients().await?;
        let both = async { Ok::<_, StackError>(futures::join!(clients.identity(), Roles::read(&clients, &spec))) };
        let (identity, roles) = self.interrupt.or(both).await?;
        let identity = identity.map_err(|error| unreachable(error, &clients))?;
        let account = self.account(clients, identity).await?;
        self.headline(command, &account);
        let opened = self.opened(&account, spec, &roles?)?;
        Ok((account, opened))
    }

    async fn clients(&self) -> Result<Clients, Error> {
        self.clients_by(&self.config.connection()).await
    }

    async fn clients_by(&self, connection: &Connection) -> Result<Clients, Error> {
        let wanted = self.config.account()?;
        let clients = self.interrupt.or(Clients::connect(connection)).await?;
        if let Some(wanted) = &wanted {
            clients.must_all_be_of(wanted)?;
        }
        Ok(clients)
    }

    async fn account(&self, clients: Clients, identity: Identity) -> Result<Account, Error> {
        match self.config.account()? {
            Some(wanted) if wanted != identity.account => Err(Error::usage(
                "WrongAccount",
                format!("wrong account: the credentials are for {}, but --account requires {wanted}", identity.account),
            )
            .hint("use the right --profile, or correct --account (KEYMINDER_ACCOUNT, or account in keyminder.toml)")),
            _ => {
                let unproven = self.interrupt.or(clients.prove(&identity)).await?;
                Ok(Account { clients, identity, unproven })
            }
        }
    }

    /// Says where the run takes place, if results are text.
    pub(crate) fn headline(&self, command: &'static str, account: &Account) {
        self.screen.note(&render::headline(&Headline {
            command,
            account: account.identity.account.clone(),
            region: account.clients.region().to_owned(),
            install: self.config.install(),
            settings: self.settings_from(),
            caller: self.screen.is_verbose().then(|| account.identity.arn.clone()),
            endpoint: account.clients.endpoints().filter(|_| !self.config.is_of_sandbox()),
        }));
    }

    /// What a document says about where the run took place.
    pub(crate) fn place<'a>(&self, account: &'a Account, installation: &'a Installation) -> Place<'a> {
        Place {
            account: &account.identity.account,
            region: account.clients.region(),
            install: &installation.names().install,
            config_file: self.config.full_path(),
        }
    }

    /// Which configuration file was read. A sandbox in this process has none.
    pub(crate) fn settings_from(&self) -> Option<String> {
        (!self.config.is_of_sandbox()).then(|| match self.config.path() {
            Some(path) => format!("settings from {}", path.display()),
            None => "no keyminder.toml found: using flags and defaults".to_owned(),
        })
    }

    /// Opens the installation.
    ///
    /// # Errors
    /// Names that AWS would refuse, and what AWS answers.
    pub(crate) async fn open(&self, account: &Account, spec: Spec) -> Result<OpenInstallation, Error> {
        let roles = self.interrupt.or(Roles::read(&account.clients, &spec)).await?;
        self.opened(account, spec, &roles)
    }

    fn opened(&self, account: &Account, spec: Spec, roles: &Roles) -> Result<OpenInstallation, Error> {
        let progress: Rc<dyn Progress> = Rc::new(RunProgress::new(Arc::clone(&self.screen)));
        let installation = Installation::with_roles(
            account.clients.clone(),
            &account.identity,
            spec,
            roles,
            Rc::clone(&progress),
            self.interrupt.token().clone(),
        )?;
        self.config.check(&installation.problems())?;
        Ok(OpenInstallation { installation, progress })
    }

    /// What keeps owners from being emailed; nothing if they are not.
    ///
    /// # Errors
    /// `Interrupted`.
    pub(crate) async fn email_obstacles(&self, installation: &Installation) -> Result<Vec<EmailObstacle>, Error> {
        self.reading(async { Ok(installation.email_obstacles().await) }).await
    }

    /// Does something that only reads, until the user asks to stop.
    ///
    /// # Errors
    /// The work's own, and `Interrupted`.
    pub(crate) async fn reading<T>(&self, work: impl Future<Output = Result<T, StackError>>) -> Result<T, Error> {
        self.interrupt.or(work).await
    }
}

/// Names the endpoint that did not answer.
fn unreachable(error: StackError, clients: &Clients) -> Error {
    let is_unreachable = error.kind == Kind::Unreachable;
    let mut error = Error::from(error);
    if is_unreachable {
        error.message = match clients.endpoints() {
            Some(url) => format!("{url} does not answer: {}", error.message),
            None => format!("AWS in {} does not answer: {}", clients.region(), error.message),
        };
    }
    error
}
