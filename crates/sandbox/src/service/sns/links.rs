//! What the links in SNS's mails do when someone opens them: no credentials, only a token or an ARN.

use axum::body::Body;
use axum::http::Response;
use jiff::Timestamp;
use quick_xml::escape::escape;

use super::invalid;
use crate::names::region_of;
use crate::protocol::{AwsError, query, render};
use crate::world::World;

fn html(status: u16, title: &str, text: &str) -> Response<Body> {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <h1>Simple Notification Service</h1><h2>{title}</h2><p>{}</p></html>",
        escape(text)
    );
    render::response(status, "text/html; charset=utf-8", page)
}

pub(crate) fn confirm(world: &mut World, topic_arn: &str, token: &str, now: Timestamp) -> Response<Body> {
    world.age(now);
    let subscriptions = &mut world.region(region_of(topic_arn)).subscriptions;
    let known = subscriptions.iter_mut().find(|known| known.topic_arn == topic_arn && known.token == token);
    let Some(subscription) = known else {
        return html(400, "Invalid token", "The confirmation link is not valid, or has expired.");
    };
    subscription.confirmed = true;
    let text = format!("You have successfully subscribed. Your subscription's id is: {}", subscription.arn);
    html(200, "Subscription confirmed!", &text)
}

pub(crate) fn unsubscribe(world: &mut World, arn: &str, now: Timestamp) -> Response<Body> {
    world.age(now);
    match end(world, arn) {
        Ok(()) => html(200, "Subscription removed!", &format!("Your subscription's id is: {arn}")),
        Err(error) => html(error.status, "Not unsubscribed", &error.message),
    }
}

/// Follows an unsubscribe link.
pub(crate) fn follow_unsubscribe(world: &mut World, link: &str) -> Result<(), AwsError> {
    let query = link.split_once('?').map_or("", |(_, query)| query);
    let arn = query::fields(query).into_iter().find(|(name, _)| name == "SubscriptionArn");
    end(world, &arn.map(|(_, arn)| arn).unwrap_or_default())
}

fn end(world: &mut World, arn: &str) -> Result<(), AwsError> {
    let subscriptions = &mut world.region(region_of(arn)).subscriptions;
    match subscriptions.iter().find(|known| known.arn == arn) {
        None => Err(invalid("SubscriptionArn")),
        Some(known) if known.authenticated => Err(AwsError::new(
            "AuthorizationError",
            "This subscription was confirmed so that only its owner can end it, by an authenticated call.",
        )
        .status(403)),
        Some(_) => {
            subscriptions.retain(|known| known.arn != arn);
            Ok(())
        }
    }
}
