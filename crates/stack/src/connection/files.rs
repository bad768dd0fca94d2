//! The variables and the two shared configuration files that the AWS CLI reads, read once and checked before the SDK
//! sees them.
//!
//! The SDK passes over a file that it cannot parse and a profile that it cannot find, and it takes an empty value for a
//! value. Here the first two end the run, with file and line, and an empty value counts as not set, as in the AWS CLI.

use std::io::Read;
use std::path::{Path, PathBuf};

use aws_config::profile::{self, ProfileSet};
use aws_runtime::env_config::file::{EnvConfigFileKind as FileKind, EnvConfigFiles as ProfileFiles};
use aws_types::os_shim_internal::{Env, Fs};

use crate::error::Error;

/// No configuration file is larger; what is larger is no configuration file (`/dev/zero`).
const LARGEST_FILE: u64 = 4 << 20;

/// The profile that is used if none is named.
const DEFAULT_PROFILE: &str = "default";

/// How often a call is tried (AWS SDKs and Tools Reference Guide, "Retry behavior").
const MAX_ATTEMPTS: &str = "AWS_MAX_ATTEMPTS";

/// The value of an environment variable; an empty one counts as not set.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// What the shared configuration files hold, and which of their profiles is meant.
#[derive(Debug)]
pub(super) struct Files {
    profiles: ProfileSet,
    /// The same for the SDK, without settings that have no value.
    pub(super) contents: ProfileFiles,
    /// The profile to use.
    pub(super) profile: String,
    /// The flag, file or variable that names it, if one does.
    pub(super) named_by: Option<&'static str>,
    config: File,
    credentials: File,
}

/// A shared configuration file.
#[derive(Debug)]
struct File {
    path: PathBuf,
    text: String,
}

impl Files {
    /// Reads both files and finds the profile: the one that was asked for, else `AWS_PROFILE`, else
    /// `AWS_DEFAULT_PROFILE`, else the default profile.
    ///
    /// # Errors
    /// `BadAwsFile` for a file that cannot be read or parsed, `NoProfile` for a named profile that does not exist.
    pub(super) async fn load(asked: Option<&str>) -> Result<Self, Error> {
        let (config, credentials) = tokio::task::spawn_blocking(|| {
            Ok::<_, Error>((
                File::read("AWS_CONFIG_FILE", "~/.aws/config")?,
                File::read("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")?,
            ))
        })
        .await
        .map_err(|error| {
            Error::usage("BadAwsFile", format!("the AWS configuration files cannot be read: {error}"))
        })??;
        config.parse(FileKind::Config).await?;
        credentials.parse(FileKind::Credentials).await?;

        let (profile, named_by) = match asked {
            Some(profile) => (profile.to_owned(), Some("--profile")),
            None => ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]
                .into_iter()
                .find_map(|name| variable(name).map(|profile| (profile, Some(name))))
                .unwrap_or_else(|| (DEFAULT_PROFILE.to_owned(), None)),
        };
        let contents = ProfileFiles::builder()
            .with_contents(FileKind::Config, with_values(&config.text))
            .with_contents(FileKind::Credentials, with_values(&credentials.text))
            .build();
        let profiles = profile::load(&Fs::real(), &Env::real(), &contents, Some(profile.clone().into())).await;
        let profiles = profiles.map_err(|error| Error::usage("BadAwsFile", error.to_string()))?;
        let files = Self { profiles, contents, profile, named_by, config, credentials };
        match files.named_by {
            // The AWS CLI lets the default profile be named without being there.
            Some(by) if files.profile != DEFAULT_PROFILE && files.profiles.get_profile(&files.profile).is_none() => {
                Err(files.missing(&files.profile, &format!("named by {by}")))
            }
            _ => Ok(files),
        }
    }

    /// A setting of a profile.
    pub(super) fn get(&self, profile: &str, setting: &str) -> Option<&str> {
        self.profiles.get_profile(profile)?.get(setting).filter(|value| !value.trim().is_empty())
    }

    /// A setting of the profile in use.
    pub(super) fn setting(&self, name: &str) -> Option<&str> {
        self.get(&self.profile, name)
    }

    /// How often a call is to be tried, if `AWS_MAX_ATTEMPTS` or the profile's `max_attempts` says so.
    ///
    /// # Errors
    /// `BadMaxAttempts`. The SDK would panic on such a value.
    pub(super) fn max_attempts(&self) -> Result<Option<u32>, Error> {
        let (value, place) = match (variable(MAX_ATTEMPTS), self.setting("max_attempts")) {
            (Some(value), _) => (value, MAX_ATTEMPTS.to_owned()),
            (None, Some(value)) => {
                (value.to_owned(), format!("max_attempts of {}", self.place(&self.profile, "max_attempts")))
            }
            (None, None) => return Ok(None),
        };
        match value.trim().parse() {
            Ok(attempts) if attempts > 0 => Ok(Some(attempts)),
            _ => Err(Error::usage("BadMaxAttempts", format!("{place}: '{value}' is not a number of attempts"))
                .hint("use a whole number, 1 or more; 1 means that nothing is tried again")),
        }
    }

    /// The region of the sign-in session that the profile in use names.
    pub(super) fn sso_region(&self) -> Option<String> {
        let session = self.profiles.sso_session(self.setting("sso_session")?)?;
        session.get("sso_region").map(str::to_owned)
    }

    /// Whether a profile exists.
    pub(super) fn has(&self, profile: &str) -> bool {
        self.profiles.get_profile(profile).is_some()
    }

    /// Where a setting of a profile is: the file and its line.
    pub(super) fn place(&self, profile: &str, setting: &str) -> String {
        let named = format!("profile '{profile}'");
        let found = [(&self.credentials, ""), (&self.config, "profile ")].into_iter().find_map(|(file, prefix)| {
            let line = file.line_of(profile, prefix, setting)?;
            Some(format!("{named} ({}:{line})", file.path.display()))
        });
        found.unwrap_or(named)
    }

    /// The error for a profile that does not exist.
    pub(super) fn missing(&self, profile: &str, why: &str) -> Error {
        let error = Error::usage("NoProfile", format!("the AWS profile '{profile}' ({why}) does not exist"));
        let plain = format!("[{profile}]");
        if let Some(line) = self.config.text.lines().position(|line| line.trim() == plain) {
            let path = self.config.path.display();
            return error.hint(format!("in {path}, line {} must read [profile {profile}]", line + 1));
        }
        let mut known: Vec<_> = self.profiles.profiles().collect();
        known.sort_unstable();
        let files = format!("{} and {}", self.config.path.display(), self.credentials.path.display());
        error.hint(match known.as_slice() {
            [] => format!("there are no profiles in {files}"),
            known => format!("the profiles in {files} are: {}", known.join(", ")),
        })
    }
}

impl File {
    /// Reads the file that a variable names, or else the usual one. One that is not there is empty.
    fn read(variable_name: &'static str, usual: &str) -> Result<Self, Error> {
        let named = variable(variable_name);
        let path = expand(named.as_deref().unwrap_or(usual));
        let shown = path.display();
        let refused = |why: String| {
            let error = Error::usage("BadAwsFile", format!("{shown}: {why}"));
            if named.is_some() { error.hint(format!("{variable_name} names this file")) } else { error }
        };
        let mut bytes = Vec::new();
        match std::fs::File::open(&path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => bytes.clear(),
            Err(error) => return Err(refused(error.to_string())),
            Ok(size) if size as u64 > LARGEST_FILE => {
                return Err(refused("larger than 4 MiB, so it is not a configuration file".to_owned()));
            }
            Ok(_) => {}
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(refused("line 1: the file is in UTF-16; save it as UTF-8".to_owned()));
        }
        if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
            return Err(refused(
                "line 1: the file begins with a byte order mark; save it as UTF-8 without one".to_owned(),
            ));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { path, text }),
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let line = error.as_bytes()[..good].iter().filter(|&&byte| byte == b'\n').count() + 1;
                Err(refused(format!("line {line}: not UTF-8")))
            }
        }
    }

    /// Lets the SDK parse the file on its own, so that an error can name it.
    async fn parse(&self, kind: FileKind) -> Result<(), Error> {
        let files = ProfileFiles::builder().with_contents(kind, &self.text).build();
        let Err(error) = profile::load(&Fs::real(), &Env::real(), &files, None).await else { return Ok(()) };
        let text = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        // "error parsing  on line 3:\n  Expected an '=' sign defining a property"
        let (place, why) = text.split_once(":\n").unwrap_or(("", &text));
        let line = place.rsplit_once(" on ").map(|(_, line)| format!("{line}: ")).unwrap_or_default();
        let why = why.trim();
        Err(Error::usage("BadAwsFile", format!("{}: {line}{why}", self.path.display())).hint(
            "a profile begins with a line such as [profile NAME] (in the credentials file: [NAME]), followed by lines such as region = eu-west-1",
        ))
    }

    /// The line of a setting within a profile, counted from 1.
    fn line_of(&self, profile: &str, prefix: &str, setting: &str) -> Option<usize> {
        let mut inside = false;
        for (number, line) in self.text.lines().enumerate() {
            if let Some(heading) = line.trim().strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                let heading = heading.trim();
                let heading = heading.strip_prefix(prefix.trim()).filter(|_| heading != profile).unwrap_or(heading);
                inside = heading.trim().trim_matches('"') == profile;
            } else if inside && line.split('=').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(setting)) {
                return Some(number + 1);
            }
        }
        None
    }
}

/// The text without settings that have no value, unless indented lines follow that are their value. Lines keep their
/// numbers.
fn with_values(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    let mut kept = String::with_capacity(text.len());
    for (number, line) in lines.iter().enumerate() {
        let empty = line.split_once('=').is_some_and(|(name, value)| {
            !name.trim().is_empty() && !line.starts_with([' ', '\t', '[', '#', ';']) && value.trim().is_empty()
        });
        let continued =
            lines.get(number + 1).is_some_and(|next| next.starts_with([' ', '\t']) && !next.trim().is_empty());
        if !empty || continued {
            kept.push_str(line);
        }
        kept.push('\n');
    }
    kept
}

/// A path with the home folder for `~`.
pub(super) fn expand(path: &str) -> PathBuf {
    let home = variable("HOME").or_else(|| variable("USERPROFILE"));
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_without_a_value_is_left_out_and_lines_keep_their_numbers() {
        let text =
            "[default]\nendpoint_url =\nregion=eu-west-1\ns3 =\n  max = 3\n[services x]\nsts =\n  endpoint_url = u\n";
        let kept = with_values(text);
        assert_eq!(kept, text.replace("endpoint_url =\nregion", "\nregion"));
        assert_eq!(with_values("a ="), "\n");
    }

    #[test]
    fn a_setting_is_found_in_the_profile_that_is_meant() {
        let text = "[default]\nmfa_serial = a\n[profile prod]\n# x\nmfa_serial=b\n".to_owned();
        let file = File { path: PathBuf::new(), text };
        assert_eq!(file.line_of("prod", "profile ", "mfa_serial"), Some(5));
        assert_eq!(file.line_of("default", "profile ", "mfa_serial"), Some(2));
        assert_eq!(file.line_of("prod", "profile ", "region"), None);
    }
}
