//! The function's package: what is installed, apart from the settings beside the executable, and what is uploaded.
//!
//! Lambda gives one hash for the whole package. If that is not the hash of what is wanted, and settings travel in the
//! package, the package is fetched and taken apart. It is believed as far as its own hash goes: if it is not the hash
//! that Lambda gives, nothing is believed.

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use keyminder_bundle::{join, split};
use keyminder_keyage::environment::{SETTINGS_FILE, SETTINGS_PLACE};

use super::Function;
use super::state::{Installed, State, UNREAD, digest_of};
use crate::error::{Error, Kind};
use crate::installation::sha256;

/// A package as it is uploaded, and what its code was compiled from.
pub(super) struct Upload {
    pub(super) zip: Vec<u8>,
    pub(super) source: Option<String>,
}

impl Upload {
    /// This command's own code.
    pub(super) fn own(function: &Function<'_>) -> Self {
        let install = function.install;
        Self { zip: install.code.zip.clone(), source: install.spec.package.source().map(str::to_owned) }
    }
}

impl Function<'_> {
    /// The hashes of code that this run leaves as it is.
    fn kept(&self) -> &[String] {
        let spec = &self.install.spec;
        if spec.keep_code { &spec.function.trusted_code } else { &[] }
    }

    /// What is installed.
    pub(super) async fn installed(&self, answer: &GetFunctionOutput) -> Installed {
        let Some(live) = answer.configuration() else { return Installed::default() };
        let (whole, own) = (live.code_sha256().unwrap_or_default(), &self.install.code);
        if whole == own.sha256 {
            let packaged_settings = own.settings.as_deref().map(digest_of);
            return Installed { code_sha256: own.executable_sha256.clone(), packaged_settings, is_kept: false };
        }
        let variables = live.environment().and_then(|environment| environment.variables());
        let has_settings =
            variables.is_some_and(|all| all.get(SETTINGS_PLACE).is_some_and(|place| place == SETTINGS_FILE));
        let zip = if has_settings { Some(self.fetch(answer).await) } else { None };
        let (code_sha256, packaged_settings) = match zip.map(|zip| zip.map(|zip| split(&zip))) {
            Some(Ok(Some((executable, settings)))) => (sha256(&executable), Some(digest_of(&settings))),
            Some(Err(_)) => (whole.to_owned(), Some(UNREAD.to_owned())),
            Some(Ok(None)) | None => (whole.to_owned(), None),
        };
        let same_settings = packaged_settings == own.settings.as_deref().map(digest_of);
        // Listed may also be the hash of the whole package, as Lambda shows it, for as long as nothing else is to go in.
        let is_listed = |hash: &str| self.kept().iter().any(|kept| kept == hash);
        let is_kept = is_listed(&code_sha256) || (is_listed(whole) && same_settings);
        Installed { code_sha256, packaged_settings, is_kept: is_kept && self.runs_on_the_wanted_processor(answer) }
    }

    /// Code for another processor cannot stay.
    fn runs_on_the_wanted_processor(&self, answer: &GetFunctionOutput) -> bool {
        let live = answer.configuration().and_then(|live| live.architectures().first());
        live.map_or("x86_64", |architecture| architecture.as_str()) == self.desired.code.architecture
    }

    /// What is uploaded for a function that is there: the code that it keeps, or this command's own; and the wanted
    /// settings.
    pub(super) async fn upload_for(&self, observed: &State) -> Result<Upload, Error> {
        if !observed.keeps_code {
            return Ok(Upload::own(self));
        }
        let refused = |why: &str| {
            let message = format!("the installed code cannot be kept: {why}");
            Err(Error::of_call(Kind::Service, "lambda:GetFunction", &self.arn, "PackageNotRead", message))
        };
        let Some(answer) = self.live().await? else { return refused("the function is gone") };
        let zip = match self.fetch(&answer).await {
            Ok(zip) => zip,
            Err(why) => return refused(&why),
        };
        let executable = match split(&zip) {
            Some((executable, _)) => executable,
            None => zip,
        };
        let zip = match &self.install.code.settings {
            Some(settings) => match join(&executable, settings) {
                Ok(zip) => zip,
                Err(why) => return refused(&why.to_string()),
            },
            None => executable,
        };
        Ok(Upload { zip, source: observed.claims.clone() })
    }

    /// The installed package, if it is the one that Lambda names.
    async fn fetch(&self, answer: &GetFunctionOutput) -> Result<Vec<u8>, String> {
        let link = answer.code().and_then(|code| code.location()).ok_or("Lambda gave no link to its package")?;
        let zip = self.install.clients.download(link).await?;
        let named = answer.configuration().and_then(|live| live.code_sha256()).unwrap_or_default();
        if sha256(&zip) == named { Ok(zip) } else { Err("its package is not the one that Lambda names".to_owned()) }
    }
}
