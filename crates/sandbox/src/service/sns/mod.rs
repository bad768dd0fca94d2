//! SNS: topics, subscriptions, publishing. Owns the errors and lookups they share.

mod deliver;
mod filter;
pub(crate) mod links;
mod notice;
mod publish;
mod subscribe;
mod subscriptions;
mod topics;

use super::{Operation, Request, Site};
use crate::names::{account_of, region_of, resource_of};
use crate::protocol::{AwsError, Input};
use crate::world::{Subscription, Topic};

pub(crate) use notice::Notice;
pub(crate) use publish::publish_to;

pub(crate) const OPERATIONS: &[&[Operation]] =
    &[topics::OPERATIONS, subscribe::OPERATIONS, subscriptions::OPERATIONS, publish::OPERATIONS];

fn invalid(reason: impl AsRef<str>) -> AwsError {
    AwsError::new("InvalidParameter", format!("Invalid parameter: {}", reason.as_ref()))
}

fn not_found(message: &str) -> AwsError {
    AwsError::new("NotFound", message).status(404)
}

/// What SNS does and the sandbox does not.
fn not_done(what: &str) -> AwsError {
    AwsError::new("NotImplemented", format!("The sandbox does not do {what}.")).status(501)
}

fn required(input: &Input, name: &str) -> Result<String, AwsError> {
    match input.text(name) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(invalid(name)),
    }
}

/// A topic's ARN that this region and account could own.
fn topic_arn(request: &Request<'_>, parameter: &str) -> Result<String, AwsError> {
    let arn = request.input.text(parameter).ok_or_else(|| invalid(parameter))?.to_owned();
    if !arn.starts_with("arn:") || arn.split(':').count() != 6 || arn.split(':').nth(2) != Some("sns") {
        return Err(invalid(format!(
            "{parameter} Reason: An ARN must have at least 6 elements, not {}",
            arn.split(':').count()
        )));
    }
    if region_of(&arn) != request.region {
        return Err(invalid(parameter));
    }
    if account_of(&arn) != request.world.account {
        let message = format!(
            "User: {} is not authorized to perform: SNS:{} on resource: {arn} because no resource-based policy allows \
             the SNS:{} action",
            request.caller, request.operation, request.operation
        );
        return Err(AwsError::new("AuthorizationError", message).status(403));
    }
    Ok(arn)
}

fn topic<'a>(request: &'a mut Request<'_>, parameter: &str) -> Result<&'a mut Topic, AwsError> {
    let arn = topic_arn(request, parameter)?;
    let topics = &mut request.here().topics;
    topics.values_mut().find(|topic| topic.arn == arn).ok_or_else(|| not_found("Topic does not exist"))
}

/// The same as a read sees it, which may lag.
fn seen_topic(request: &mut Request<'_>, parameter: &str) -> Result<Topic, AwsError> {
    let topic = topic(request, parameter)?.clone();
    if request.sees(topic.created) { Ok(topic) } else { Err(not_found("Topic does not exist")) }
}

fn subscription<'a>(request: &'a mut Request<'_>, arn: &str) -> Result<&'a mut Subscription, AwsError> {
    let known = request.here().subscriptions.iter_mut().find(|subscription| subscription.arn == arn);
    known.ok_or_else(|| not_found("Subscription does not exist"))
}

/// IAM's resource for whatever names a topic, directly or through a subscription.
fn about_topic(site: &Site<'_>) -> Vec<String> {
    let arn = ["TopicArn", "TargetArn", "ResourceArn"].into_iter().find_map(|name| site.input.text(name));
    let arn = arn.map(str::to_owned).or_else(|| {
        let subscription = site.input.text("SubscriptionArn")?;
        Some(subscription.rsplit_once(':')?.0.to_owned())
    });
    vec![arn.unwrap_or_else(|| site.arn("sns", site.text("Name")))]
}

/// The name at the end of a topic's ARN.
fn name_in(arn: &str) -> &str {
    resource_of(arn).split(':').next().unwrap_or_default()
}
