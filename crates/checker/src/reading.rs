//! Everything about one user.
//!
//! Owns which calls a user takes: the keys; the tags and the last use only where they matter. It must
//! not know the other users, nor the deadline.

use aws_sdk_iam::types::StatusType;
use jiff::Timestamp;
use keyminder_keyage::verdict::{assess, deserves_a_closer_look, may_be_unused};
use keyminder_keyage::{
    Assessment, CredentialKind, Finding, Inactive, Key, KeyStatus, LastUsed, ReadError, Settings, User, Verdict, advise,
};

use crate::call::{Failure, FailureKind, Pages, attempt, retried};
use crate::call_rate::CallRate;

/// What reading a user came to.
pub(crate) enum Reading {
    /// All of it, or all but what the errors say.
    Read { keys: Vec<(Finding, Assessment)>, created_later: u32, errors: Vec<ReadError> },
    /// Deleted since it was listed.
    Gone,
    /// Its keys could not be read.
    Unknown { finding: Box<Finding>, error: ReadError },
}

pub(crate) struct Reader<'a> {
    pub(crate) iam: &'a aws_sdk_iam::Client,
    pub(crate) rate: &'a CallRate,
    pub(crate) settings: &'a Settings,
    pub(crate) now: Timestamp,
    /// Read the last use of every key and the tags of every user who has one.
    pub(crate) all_details: bool,
    /// `now` is not the time of the check: what happened after `now` is left out.
    pub(crate) simulated: bool,
}

/// Pages of a listing about one user, at the most: none has more than fifty elements ("IAM and AWS STS quotas").
const USER_LISTING_PAGES: usize = 100;

/// Calls a listing until its last page. Any of them may come in pieces: "IAM might return fewer results,
/// even when there are more available" (the `MaxItems` of every listing in the IAM API reference).
macro_rules! each_page {
    ($reader:expr, $operation:literal, $call:expr, |$page:ident| $each:block) => {
        let (mut marker, mut pages) = (None, Pages::of(USER_LISTING_PAGES));
        loop {
            let $page = retried($reader.rate, attempt!($call.set_marker(marker.clone())))
                .await
                .map_err(|failure| ($operation, failure))?;
            marker = pages.next($page.is_truncated, $page.marker.as_deref()).map_err(|failure| ($operation, failure))?;
            $each
            if marker.is_none() {
                break;
            }
        }
    };
}

impl Reader<'_> {
    pub(crate) async fn read(&self, mut user: User) -> Reading {
        let mut keys = match self.keys(&user.name).await {
            Ok(keys) => keys,
            Err((_, failure)) if failure.kind == FailureKind::Missing => return Reading::Gone,
            Err((operation, failure)) => {
                let reason = failure.clone().into_error(operation, None).to_string();
                let error = failure.into_error(operation, Some(&user.name));
                return Reading::Unknown { finding: Box::new(Finding::unknown(&user, reason)), error };
            }
        };
        let listed = keys.len();
        keys.retain(|key| !self.simulated || key.created <= self.now);
        let created_later = u32::try_from(listed - keys.len()).unwrap_or(u32::MAX);
        let mut errors = Vec::new();
        let mut limit_is_unknown = false;
        let wants_tags = (self.settings.limits_go_by_tag() || self.all_details) && !keys.is_empty()
            || keys.iter().any(|key| deserves_a_closer_look(key, self.settings, self.now));
        if wants_tags && self.settings.read_user_tags {
            match self.tags(&user.name).await {
                Ok(tags) => user.tags = Some(tags),
                Err((_, failure)) if failure.kind == FailureKind::Missing => return Reading::Gone,
                Err((operation, failure)) => {
                    limit_is_unknown = self.settings.limits_go_by_tag();
                    errors.push(failure.into_error(operation, Some(&user.name)));
                }
            }
        }
        let mut known = Vec::with_capacity(keys.len());
        for mut key in keys {
            if self.wants_last_use(&key, &user) {
                match self.last_used(&key.id).await {
                    // IAM knows the last use only: whether the key was used before `now`, it does not say.
                    Ok(LastUsed::At { at, .. }) if self.simulated && at > self.now => {
                        key.last_used = LastUsed::Unknown;
                    }
                    Ok(last_used) => key.last_used = last_used,
                    Err(failure) if failure.kind == FailureKind::Missing => continue,
                    Err(failure) => {
                        key.last_used = LastUsed::Unknown;
                        errors.push(failure.into_error("iam:GetAccessKeyLastUsed", Some(&user.name)));
                    }
                }
            }
            known.push(key);
        }
        let judge = |key: &Key| {
            let mut assessment = assess(key, &user, self.settings, self.now);
            // A stricter limit by tag may hold that could not be read.
            if limit_is_unknown && matches!(assessment.verdict, Verdict::Fresh | Verdict::Due) {
                assessment.doubt();
            }
            let mut finding = Finding::new(key.clone(), &user, &assessment, self.settings);
            if finding.wants_advice() {
                finding.advice = advise(key, &known, &user, self.now);
            }
            (finding, assessment)
        };
        Reading::Read { keys: known.iter().map(judge).collect(), created_later, errors }
    }

    fn wants_last_use(&self, key: &Key, user: &User) -> bool {
        if key.kind != CredentialKind::AccessKey {
            return false;
        }
        self.all_details
            || may_be_unused(key, self.settings, self.now)
            || match assess(key, user, self.settings, self.now).verdict {
                Verdict::Old | Verdict::Due | Verdict::Exempt => true,
                Verdict::Inactive => {
                    self.settings.inactive == Inactive::Report
                        && key.is_older_than(self.settings.limit_for(user), self.now)
                }
                Verdict::Fresh | Verdict::Unknown => false,
            }
    }

    async fn keys(&self, user: &str) -> Result<Vec<Key>, (&'static str, Failure)> {
        let mut keys = Vec::with_capacity(2);
        each_page!(self, "iam:ListAccessKeys", self.iam.list_access_keys().user_name(user), |page| {
            for found in page.access_key_metadata {
                let Some(id) = found.access_key_id else { continue };
                let created = found.create_date.and_then(|date| moment(&date));
                keys.push(key(id, CredentialKind::AccessKey, found.status.as_ref(), created)?);
            }
        });
        if self.settings.other_credentials {
            self.other_credentials(user, &mut keys).await?;
        }
        Ok(keys)
    }

    async fn other_credentials(&self, user: &str, keys: &mut Vec<Key>) -> Result<(), (&'static str, Failure)> {
        each_page!(self, "iam:ListSSHPublicKeys", self.iam.list_ssh_public_keys().user_name(user), |page| {
            for one in page.ssh_public_keys.unwrap_or_default() {
                let created = moment(&one.upload_date);
                keys.push(key(one.ssh_public_key_id, CredentialKind::SshPublicKey, Some(&one.status), created)?);
            }
        });
        each_page!(self, "iam:ListSigningCertificates", self.iam.list_signing_certificates().user_name(user), |page| {
            for one in page.certificates {
                let created = one.upload_date.and_then(|date| moment(&date));
                keys.push(key(one.certificate_id, CredentialKind::SigningCertificate, Some(&one.status), created)?);
            }
        });
        let list = || self.iam.list_service_specific_credentials().user_name(user);
        each_page!(self, "iam:ListServiceSpecificCredentials", list(), |page| {
            for one in page.service_specific_credentials.unwrap_or_default() {
                let created = moment(&one.create_date);
                let kind = CredentialKind::ServiceSpecificCredential;
                keys.push(key(one.service_specific_credential_id, kind, Some(&one.status), created)?);
            }
        });
        Ok(())
    }

    async fn tags(&self, user: &str) -> Result<Vec<(String, String)>, (&'static str, Failure)> {
        let mut tags = Vec::new();
        each_page!(self, "iam:ListUserTags", self.iam.list_user_tags().user_name(user), |page| {
            tags.extend(page.tags.into_iter().map(|tag| (tag.key, tag.value)));
        });
        Ok(tags)
    }

    async fn last_used(&self, id: &str) -> Result<LastUsed, Failure> {
        let answer = retried(self.rate, attempt!(self.iam.get_access_key_last_used().access_key_id(id))).await?;
        let Some(used) = answer.access_key_last_used else { return Ok(LastUsed::Never) };
        let known = |text: String| Some(text).filter(|text| !text.is_empty() && text != "N/A");
        Ok(match used.last_used_date.and_then(|date| moment(&date)) {
            None => LastUsed::Never,
            Some(at) => LastUsed::At { at, service: known(used.service_name), region: known(used.region) },
        })
    }
}

fn key(
    id: String,
    kind: CredentialKind,
    status: Option<&StatusType>,
    created: Option<Timestamp>,
) -> Result<Key, (&'static str, Failure)> {
    // A key whose age is not told is not fresh: the user counts as unread.
    let Some(created) = created else {
        let message = format!("the {} {id} was listed without the date of its creation", kind.noun());
        return Err((
            "iam:ListAccessKeys",
            Failure { kind: FailureKind::Final, code: "NoCreateDate".to_owned(), message },
        ));
    };
    let status = match status {
        Some(StatusType::Inactive | StatusType::Expired) => KeyStatus::Inactive,
        _ => KeyStatus::Active,
    };
    Ok(Key { id, kind, status, created, last_used: LastUsed::NotRead })
}

fn moment(date: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    Timestamp::new(date.secs(), i32::try_from(date.subsec_nanos()).ok()?).ok()
}
