//! Whether the services that STS cannot vouch for work in the account that it named.
//!
//! STS names the account of the credentials. For the other services that settles it if they are the same party as STS:
//! AWS's own hosts all take one signature for one account, and one emulator at one URL is one account. A service at
//! another party's endpoint could be anybody's account. It is asked for something that names its account, and what it
//! answers, even a refusal, is compared. Nothing is written to a service that names none.

use std::collections::BTreeMap;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::future::{join, join_all};
use keyminder_keyage::arn::{Arn, account_of};

use super::{Clients, Identity};
use crate::error::Error;

/// Services that have not shown in which account they work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unproven(BTreeMap<&'static str, String>);

impl Unproven {
    /// Refuses to go on if there is any: called before the first write.
    ///
    /// # Errors
    /// `UnprovenAccount`.
    pub fn refuse(&self, account: &str) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let named: Vec<_> = self.0.iter().map(|(service, url)| format!("{service} ({url})")).collect();
        Err(Error::usage(
            "UnprovenAccount",
            format!(
                "nothing shows that these services work in account {account}, so nothing was written: {}",
                named.join(", ")
            ),
        )
        .hint("use one endpoint for all services (--endpoint-url or AWS_ENDPOINT_URL), or AWS's own for all")
        .hint("in an empty account, create any SNS topic or IAM role: its ARN shows whose account it is"))
    }
}

impl Clients {
    /// Asks every service that is at another party's endpoint than STS which account it works in. If all are at the same
    /// party's, which is the rule, nothing is asked.
    ///
    /// # Errors
    /// `OtherAccount` if one names another account.
    pub async fn prove(&self, identity: &Identity) -> Result<Unproven, Error> {
        let others = self.endpoints.of_other_parties();
        let answers = join_all(others.iter().map(|(service, _)| self.account_in(service, identity))).await;
        let mut unproven = BTreeMap::new();
        for ((service, url), answer) in others.into_iter().zip(answers) {
            match answer {
                Some(account) if account != identity.account => {
                    return Err(other_account(service, &url, &account, &identity.account));
                }
                Some(_) => {}
                None => drop(unproven.insert(service, url)),
            }
        }
        Ok(Unproven(unproven))
    }

    /// The account that a service's answer names, if it names one.
    async fn account_in(&self, service: &str, identity: &Identity) -> Option<String> {
        match service {
            "IAM" => {
                let (user, roles) = join(self.iam.get_user().send(), self.iam.list_roles().max_items(1).send()).await;
                let user = named(user, |answer| answer.user.map(|user| user.arn));
                user.or_else(|| named(roles, |answer| answer.roles.into_iter().next().map(|role| role.arn)))
            }
            "SNS" => {
                // Of another account's topic SNS says who may not see it.
                let arn = Arn {
                    partition: &identity.partition,
                    service: "sns",
                    region: &self.region,
                    account: &identity.account,
                    resource: "keyminder",
                };
                let arn = arn.to_string();
                let (topics, one) =
                    join(self.sns.list_topics().send(), self.sns.get_topic_attributes().topic_arn(arn).send()).await;
                let topics = named(topics, |answer| answer.topics?.into_iter().find_map(|topic| topic.topic_arn));
                topics.or_else(|| named(one, |answer| answer.attributes?.remove("TopicArn")))
            }
            // By name: Lambda makes the ARN of a function that does not exist itself.
            "Lambda" => named(self.lambda.get_function().function_name("keyminder").send().await, |answer| {
                answer.configuration.and_then(|function| function.function_arn)
            }),
            "EventBridge" => named(self.events.describe_event_bus().send().await, |answer| answer.arn),
            "CloudWatch Logs" => named(self.logs.describe_log_groups().limit(1).send().await, |answer| {
                answer.log_groups.unwrap_or_default().into_iter().find_map(|group| group.arn)
            }),
            _ => None,
        }
    }
}

/// The account in an answer's ARN, or in the first ARN of a refusal: that of the caller, or of what was not found.
fn named<T, E: ProvideErrorMetadata>(
    answer: Result<T, SdkError<E, HttpResponse>>,
    arn: impl FnOnce(T) -> Option<String>,
) -> Option<String> {
    match answer {
        Ok(answer) => account_of(&arn(answer)?).map(str::to_owned),
        Err(SdkError::ServiceError(error)) => account_in_words(error.err().message()?).map(str::to_owned),
        Err(_) => None,
    }
}

/// The account of the first ARN in a sentence.
pub(crate) fn account_in_words(message: &str) -> Option<&str> {
    message.split_whitespace().find_map(|word| account_of(word.trim_matches(|c: char| "(),;'\"".contains(c))))
}

/// What a service says that works in another account than STS named. `place` is its endpoint, if it is worth naming.
pub(crate) fn other_account(service: &str, place: &str, account: &str, named: &str) -> Error {
    let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
    let message =
        format!("{service}{place} works in account {account}, but STS says that the credentials are for {named}");
    Error::usage("OtherAccount", message)
        .hint("check AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_* and 'services' in the AWS profile")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_that_of_the_first_arn_in_a_sentence() {
        for (message, account) in [
            ("Function not found: arn:aws:lambda:us-east-1:123456789012:function:x", Some("123456789012")),
            (
                "User: arn:aws:sts::123456789012:assumed-role/a/b is not authorized to perform: iam:GetUser on resource: \
                 arn:aws:iam::999999999999:user/x",
                Some("123456789012"),
            ),
            ("The role with name x cannot be found.", None),
            ("arn:aws:iam::aws:policy/AdministratorAccess does not exist", None),
        ] {
            assert_eq!(account_in_words(message), account, "{message}");
        }
    }

    #[test]
    fn nothing_is_written_to_a_service_that_names_no_account() {
        assert!(Unproven::default().refuse("123456789012").is_ok());
        let one = Unproven([("SNS", "http://b".to_owned())].into());
        let error = one.refuse("123456789012").unwrap_err();
        assert!(error.message.contains("SNS (http://b)") && error.message.contains("123456789012"), "{error}");
    }
}
