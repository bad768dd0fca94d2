//! What could replace an access key: a guess, with its reason, from what is known about the key and its user.
//!
//! Owns the rules, their order and their wording. A key gets at most one piece of advice: the first rule that
//! matches. The words are guesses and say so; nothing is decided by them.
//!
//! The advice follows AWS's own ("Alternatives to long-term access keys", IAM User Guide).

use jiff::Timestamp;
use serde::Serialize;

use crate::key::{CredentialKind, Key, KeyStatus, LastUsed, User, whole_days};
use crate::settings::words;
use crate::verdict::IDLE_DAYS;

words! {
    /// What the advice is, for programs.
    pub enum AdviceCode {
        /// Nobody has ever used the key.
        #[default]
        DeleteUnused = "delete_unused",
        /// The user has a newer key that is in use, so a rotation was begun and not finished.
        FinishRotation = "finish_rotation",
        /// Nobody has used the key for months.
        DeleteAbandoned = "delete_abandoned",
        /// The key is only used to assume a role.
        AssumeRoleDirectly = "assume_role_directly",
        /// The key is an SMTP password of Amazon SES.
        SesSmtp = "ses_smtp",
        /// A CI system uses the key.
        OpenIdConnect = "openid_connect",
        /// A person uses the key.
        SignIn = "sign_in",
        /// Software in AWS uses the key.
        Role = "role",
        /// A machine outside AWS uses the key.
        RolesAnywhere = "roles_anywhere",
    }
}

/// One piece of advice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// For programs.
    pub code: AdviceCode,
    /// What to do, as a sentence without a full stop.
    pub text: String,
    /// The reason for the guess, as a clause that can follow "because".
    pub because: String,
}

/// A newer key counts as in use if it was used within this many days.
const IN_USE_DAYS: u32 = 30;

/// Advice about `key`, one of `keys`, which are all access keys of `user`; `None` if nothing is known that would
/// support a guess.
#[must_use]
pub fn advise(key: &Key, keys: &[Key], user: &User, now: Timestamp) -> Option<Advice> {
    if key.kind != CredentialKind::AccessKey {
        return None;
    }
    unused(key, now)
        .or_else(|| unfinished_rotation(key, keys, now))
        .or_else(|| by_service(key))
        .or_else(|| by_user(key, user, now))
}

fn unused(key: &Key, now: Timestamp) -> Option<Advice> {
    match &key.last_used {
        LastUsed::Never => Some(Advice {
            code: AdviceCode::DeleteUnused,
            text: "Deactivate this key, wait a few days, then delete it".to_owned(),
            because: "it has never been used".to_owned(),
        }),
        LastUsed::At { at, .. } if whole_days(*at, now) > IDLE_DAYS => Some(Advice {
            code: AdviceCode::DeleteAbandoned,
            text: "Deactivate this key, wait a few days, then delete it".to_owned(),
            because: format!("it has not been used for {} days", whole_days(*at, now)),
        }),
        _ => None,
    }
}

fn unfinished_rotation(key: &Key, keys: &[Key], now: Timestamp) -> Option<Advice> {
    let newer = keys.iter().find(|other| {
        other.id != key.id
            && other.kind == CredentialKind::AccessKey
            && other.status == KeyStatus::Active
            && other.created > key.created
            && matches!(&other.last_used, LastUsed::At { at, .. } if whole_days(*at, now) <= IN_USE_DAYS)
    })?;
    Some(Advice {
        code: AdviceCode::FinishRotation,
        text: "Finish the rotation: check what still uses this key, then deactivate and delete it".to_owned(),
        because: format!("the user's newer key {} is already in use", newer.id),
    })
}

fn by_service(key: &Key) -> Option<Advice> {
    let LastUsed::At { service: Some(service), region, .. } = &key.last_used else { return None };
    let place = place(region.as_deref());
    match service.as_str() {
        "sts" => Some(Advice {
            code: AdviceCode::AssumeRoleDirectly,
            text: "Let whatever uses this key assume its role directly (federation, OpenID Connect or IAM Roles \
                   Anywhere)"
                .to_owned(),
            because: format!("it was last used for STS{place}, so a role probably exists already"),
        }),
        "ses" => Some(Advice {
            code: AdviceCode::SesSmtp,
            text: "Find out which mail client uses this key before you rotate it: its SMTP password is derived from \
                   the secret and changes with it"
                .to_owned(),
            because: format!("it was last used for SES{place}, so it may be a set of SMTP credentials"),
        }),
        _ => None,
    }
}

/// Words in a user's name, path or tags that suggest who uses the key. A word counts as a whole, so that
/// "civil-engineering" does not make a CI system.
const CI: &[&str] = &[
    "ci",
    "cd",
    "cicd",
    "github",
    "gitlab",
    "bitbucket",
    "circleci",
    "travis",
    "jenkins",
    "buildkite",
    "drone",
    "teamcity",
    "azuredevops",
    "codefresh",
    "semaphore",
    "pipeline",
    "pipelines",
    "deploy",
    "deployer",
    "deployment",
    "terraform",
    "pulumi",
    "atlantis",
    "spacelift",
];
const OUTSIDE: &[&str] = &[
    "onprem",
    "onpremises",
    "premises",
    "datacenter",
    "datacentre",
    "colo",
    "office",
    "nas",
    "synology",
    "veeam",
    "backup",
    "scanner",
    "printer",
    "camera",
    "edge",
    "iot",
    "vendor",
    "partner",
    "thirdparty",
    "external",
    "gcp",
    "azure",
    "hetzner",
    "digitalocean",
    "heroku",
    "vercel",
    "netlify",
];
const IN_AWS: &[&str] = &[
    "ec2",
    "ecs",
    "eks",
    "fargate",
    "lambda",
    "batch",
    "emr",
    "glue",
    "sagemaker",
    "beanstalk",
    "lightsail",
    "worker",
    "backend",
    "api",
    "app",
    "service",
    "svc",
    "server",
    "instance",
    "cron",
    "etl",
];
const PERSON: &[&str] =
    &["people", "person", "persons", "human", "humans", "employee", "employees", "staff", "developers", "admins"];

fn by_user(key: &Key, user: &User, now: Timestamp) -> Option<Advice> {
    let advice = |code, text: &str, why: String| Advice {
        code,
        text: text.to_owned(),
        because: format!("{why}{}", last_use(key)),
    };
    if let Some(why) = matching(user, CI) {
        let text = "If this is a CI job, let it assume a role with OpenID Connect instead";
        return Some(advice(AdviceCode::OpenIdConnect, text, why));
    }
    if let Some(why) = matching(user, OUTSIDE) {
        let text = "If this is a machine outside AWS, let it use a certificate with IAM Roles Anywhere instead";
        return Some(advice(AdviceCode::RolesAnywhere, text, why));
    }
    if let Some(why) = signs_in(user, now).or_else(|| person(user)) {
        let text = "If this is a person, let them sign in with IAM Identity Center or aws login instead";
        return Some(advice(AdviceCode::SignIn, text, why));
    }
    matching(user, IN_AWS).map(|why| advice(AdviceCode::Role, "If this runs in AWS, give it a role instead", why))
}

/// What the key was last used for and where, as the end of a reason: it helps to find what uses the key.
fn last_use(key: &Key) -> String {
    let LastUsed::At { service, region, .. } = &key.last_used else { return String::new() };
    match (service, region) {
        (None, None) => String::new(),
        (service, region) => {
            let service = service.as_ref().map(|service| format!(" for {service}")).unwrap_or_default();
            format!(", and the key was last used{service}{}", place(region.as_deref()))
        }
    }
}

/// A region as the end of a clause, if it is known.
fn place(region: Option<&str>) -> String {
    region.map(|region| format!(" in {region}")).unwrap_or_default()
}

/// A user who signs in to the console is a person. Only people have passwords, but a password of long ago proves nothing
/// about who uses the key now.
fn signs_in(user: &User, now: Timestamp) -> Option<String> {
    let at = user.password_last_used.filter(|at| *at <= now && whole_days(*at, now) <= IDLE_DAYS)?;
    let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    Some(format!("the user signed in to the console on {day}"))
}

/// Which of these words the user has, and where: "the user's name contains "github"".
fn matching(user: &User, list: &[&str]) -> Option<String> {
    let found = |text: &str| words_of(text).into_iter().find(|word| list.contains(&word.as_str()));
    if let Some(word) = found(&user.name) {
        return Some(format!("the user's name contains \"{word}\""));
    }
    if let Some(word) = found(&user.path) {
        return Some(format!("the user's path contains \"{word}\""));
    }
    user.tags.iter().flatten().find_map(|(key, value)| {
        // A tag that names an owner or a cost centre says nothing about what runs.
        let telling = ["purpose", "usage", "use", "type", "service", "application", "app", "workload", "description"];
        let key = key.to_lowercase();
        let word = telling.contains(&key.as_str()).then(|| found(value)).flatten()?;
        Some(format!("the user's tag {key} contains \"{word}\""))
    })
}

fn person(user: &User) -> Option<String> {
    if user.name.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.')) {
        return Some("the user's name is an email address".to_owned());
    }
    if let Some(why) = matching(user, PERSON) {
        return Some(why);
    }
    // Two words of letters joined by a dot, as in "jane.doe".
    let mut parts = user.name.split('.');
    let is_name = |part: &str, least: usize| part.chars().count() >= least && part.chars().all(char::is_alphabetic);
    match (parts.next(), parts.next(), parts.next()) {
        // "node.js" is nobody.
        (Some(first), Some(last), None) if is_name(first, 2) && is_name(last, 3) => {
            Some("the user's name looks like a person's".to_owned())
        }
        _ => None,
    }
}

/// The words of a name, in lower case: "GitHub-Deploy_2" has "github" and "deploy". Words in camel case are split, and
/// their pairs count too, so that "GitHub" is "github". A word counts with and without the digits at its end.
fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in text.split(|c: char| !c.is_alphanumeric()) {
        let numbered = part.trim_end_matches(|c: char| c.is_ascii_digit());
        words.extend([part, numbered].into_iter().filter(|word| !word.is_empty()).map(str::to_lowercase));
        let mut camel: Vec<String> = Vec::new();
        let mut before_lower = false;
        for letter in part.chars() {
            if camel.is_empty() || letter.is_uppercase() && before_lower {
                camel.push(String::new());
            }
            before_lower = letter.is_lowercase();
            if let Some(word) = camel.last_mut() {
                word.extend(letter.to_lowercase());
            }
        }
        if camel.len() > 1 {
            let pairs: Vec<String> = camel.windows(2).map(<[String]>::concat).collect();
            words.extend(camel);
            words.extend(pairs);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T07:00:00Z".parse().unwrap()
    }

    fn key(id: &str, created: &str, last_used: LastUsed) -> Key {
        Key {
            id: id.into(),
            kind: CredentialKind::AccessKey,
            status: KeyStatus::Active,
            created: created.parse().unwrap(),
            last_used,
        }
    }

    fn used(date: &str, service: &str) -> LastUsed {
        LastUsed::At { at: format!("{date}T00:00:00Z").parse().unwrap(), service: Some(service.into()), region: None }
    }

    fn user(name: &str, path: &str, tags: &[(&str, &str)]) -> User {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        User { name: name.into(), path: path.into(), tags: Some(tags), password_last_used: None }
    }

    /// Name, path, tags, last use; the advice.
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a LastUsed, Option<AdviceCode>);

    /// The table of cases, and the documentation of the rules.
    #[test]
    fn each_kind_of_user_gets_the_advice_that_fits_it() {
        let recent = used("2026-11-20", "s3");
        let cases: &[Case<'_>] = &[
            ("anything", "/", &[], &LastUsed::Never, Some(AdviceCode::DeleteUnused)),
            ("github-deploy", "/", &[], &LastUsed::Never, Some(AdviceCode::DeleteUnused)),
            ("github-deploy", "/", &[], &used("2026-01-01", "s3"), Some(AdviceCode::DeleteAbandoned)),
            ("github-deploy", "/", &[], &used("2026-11-20", "sts"), Some(AdviceCode::AssumeRoleDirectly)),
            ("mailer", "/", &[], &used("2026-11-20", "ses"), Some(AdviceCode::SesSmtp)),
            ("github-deploy", "/", &[], &recent, Some(AdviceCode::OpenIdConnect)),
            ("GitHubActions", "/", &[], &recent, Some(AdviceCode::OpenIdConnect)),
            ("ci2", "/", &[], &recent, Some(AdviceCode::OpenIdConnect)),
            ("ec2-reports", "/", &[], &recent, Some(AdviceCode::Role)),
            ("x17", "/ci/", &[], &recent, Some(AdviceCode::OpenIdConnect)),
            ("x17", "/", &[("Purpose", "Jenkins jobs")], &recent, Some(AdviceCode::OpenIdConnect)),
            ("x17", "/", &[("owner", "jenkins@example.com")], &recent, None),
            ("civil-engineering", "/", &[], &recent, None),
            ("jane.doe", "/", &[], &recent, Some(AdviceCode::SignIn)),
            ("jane@example.com", "/", &[], &recent, Some(AdviceCode::SignIn)),
            ("jd", "/people/", &[], &recent, Some(AdviceCode::SignIn)),
            ("node.js", "/", &[], &recent, None),
            ("orders-backend", "/", &[], &recent, Some(AdviceCode::Role)),
            ("vendor-backup", "/", &[], &recent, Some(AdviceCode::RolesAnywhere)),
            ("jd", "/", &[], &recent, None),
            ("jd", "/", &[], &LastUsed::NotRead, None),
            ("jd", "/", &[], &LastUsed::Unknown, None),
        ];
        for (name, path, tags, last_used, expected) in cases {
            let key = key("AKIA1", "2025-01-01T00:00:00Z", (*last_used).clone());
            let advice = advise(&key, std::slice::from_ref(&key), &user(name, path, tags), now());
            assert_eq!(advice.as_ref().map(|advice| advice.code), *expected, "{name} {path} {tags:?}: {advice:?}");
        }
    }

    #[test]
    fn a_user_who_signs_in_to_the_console_is_a_person() {
        let key = key("AKIA1", "2025-01-01T00:00:00Z", used("2026-11-20", "s3"));
        let advice = |name: &str, signed_in: &str| {
            let at = signed_in.parse().unwrap();
            let user = User { password_last_used: Some(at), ..user(name, "/", &[]) };
            advise(&key, std::slice::from_ref(&key), &user, now())
        };
        let found = advice("jd", "2026-11-01T08:00:00Z").unwrap();
        assert_eq!(found.code, AdviceCode::SignIn);
        assert!(found.because.starts_with("the user signed in to the console on 2026-11-01"), "{found:?}");
        // A weak word does not stand against it, a strong one does.
        assert_eq!(advice("orders-api", "2026-11-01T08:00:00Z").unwrap().code, AdviceCode::SignIn);
        assert_eq!(advice("github-deploy", "2026-11-01T08:00:00Z").unwrap().code, AdviceCode::OpenIdConnect);
        // Long ago, and later than the moment that the check is about.
        assert_eq!(advice("jd", "2026-01-01T08:00:00Z"), None);
        assert_eq!(advice("jd", "2026-12-01T08:00:00Z"), None);
    }

    #[test]
    fn a_reason_says_what_the_key_was_last_used_for_and_where() {
        let at = "2026-11-20T00:00:00Z".parse().unwrap();
        let because = |name: &str, service: Option<&str>, region: Option<&str>| {
            let (service, region) = (service.map(str::to_owned), region.map(str::to_owned));
            let key = key("AKIA1", "2025-01-01T00:00:00Z", LastUsed::At { at, service, region });
            advise(&key, std::slice::from_ref(&key), &user(name, "/", &[]), now()).unwrap().because
        };
        let ci = "the user's name contains \"ci\"";
        assert_eq!(
            because("ci", Some("s3"), Some("eu-west-1")),
            format!("{ci}, and the key was last used for s3 in eu-west-1")
        );
        assert_eq!(because("ci", None, Some("eu-west-1")), format!("{ci}, and the key was last used in eu-west-1"));
        assert_eq!(because("ci", None, None), ci);
        let sts = because("x", Some("sts"), Some("us-east-1"));
        assert_eq!(sts, "it was last used for STS in us-east-1, so a role probably exists already");
    }

    #[test]
    fn a_newer_key_in_use_means_that_a_rotation_was_begun() {
        let old = key("AKIAOLD", "2025-01-01T00:00:00Z", used("2026-11-20", "s3"));
        let new = key("AKIANEW", "2026-10-01T00:00:00Z", used("2026-11-22", "s3"));
        let both = [old.clone(), new.clone()];
        let advice = advise(&old, &both, &user("ci", "/", &[]), now()).unwrap();
        assert_eq!(advice.code, AdviceCode::FinishRotation);
        assert!(advice.because.contains("AKIANEW"), "{advice:?}");
        let advice = advise(&new, &both, &user("jd", "/", &[]), now());
        assert_eq!(advice, None, "the newer key is not the one to delete");
        let idle = [old.clone(), key("AKIANEW", "2026-10-01T00:00:00Z", LastUsed::Never)];
        assert_eq!(advise(&old, &idle, &user("jd", "/", &[]), now()), None, "nobody has switched to the newer key yet");
    }

    #[test]
    fn other_credentials_get_no_advice_about_access_keys() {
        let mut other = key("ACCA1", "2025-01-01T00:00:00Z", LastUsed::Never);
        other.kind = CredentialKind::ServiceSpecificCredential;
        assert_eq!(advise(&other, &[], &user("ci", "/", &[]), now()), None);
    }
}
