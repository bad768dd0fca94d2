//! One request from socket to answer: which service and operation, what stands in its way, and the answer's form.
//!
//! It owns the order of things (guard, signature, record, delay, fault, gate, permission, execution) and no
//! operation's meaning.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::{Method, Response, header};
use jiff::Timestamp;

use crate::auth;
use crate::calls::{Call, Caller, Outcome, Ticket};
use crate::execution;
use crate::fault::FaultKind;
use crate::gate::Moment;
use crate::guard;
use crate::permission::{self, Need};
use crate::protocol::{Answer, AwsError, Input, Service, json_body, query, render};
use crate::service::{self, Effects, Operation, Request, Site};
use crate::shared::Shared;
use crate::signature::Authorization;
use crate::wire::Cut;

/// What Lambda takes with a package in base64, in bytes.
const LARGEST_PACKAGE: usize = 70_167_211;

/// What every other service takes, in bytes: CloudWatch Logs takes the most.
const LARGEST_BODY: usize = 2 * 1024 * 1024;

/// A request that was told apart.
struct Asked {
    service: Service,
    operation: &'static Operation,
    input: Input,
    region: String,
    caller: Caller,
    request_id: String,
}

pub(crate) async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: HttpRequest,
) -> Response<Body> {
    let _busy = cut.busy();
    let (head, body) = request.into_parts();
    if let Some(reason) = guard::refusal(&head.uri, &head.headers, shared.port) {
        return guard::refuse(reason);
    }
    let request_id = shared.world().ids.uuid();
    let Some(authorization) = head.headers.get(header::AUTHORIZATION) else {
        return unsigned(&shared, &head.method, head.uri.path(), head.uri.query().unwrap_or_default(), &request_id);
    };
    let Some(authorization) = authorization.to_str().ok().and_then(Authorization::parse) else {
        let error = AwsError::new("IncompleteSignature", "The Authorization header is not a Signature Version 4 one.");
        return render::failure(Service::Sts, &error, &request_id);
    };
    let Some(service) = Service::named(&authorization.service) else {
        return unknown(&authorization.service, head.uri.path(), &request_id);
    };
    let failure = |error: AwsError| render::failure(service, &error, &request_id);
    let user = shared.user(&authorization.access_key);
    let holder = {
        let now = shared.clock.now();
        auth::holder(&shared.world(), user, service, &authorization.access_key, now)
    };
    // Whoever has no credentials cannot make the sandbox hold much.
    let most = if service == Service::Lambda && holder.is_ok() { LARGEST_PACKAGE } else { LARGEST_BODY };
    let body = tokio::time::timeout(shared.options.idle_timeout, axum::body::to_bytes(body, most)).await;
    let body = match body {
        Ok(Ok(body)) => body,
        Ok(Err(_)) if most == LARGEST_PACKAGE => return failure(too_large(&head)),
        _ => return render::response(413, "text/plain", "The request is too large, or took too long to arrive."),
    };
    let verified = holder.and_then(|holder| {
        holder.verify(service, &authorization, &head, &body, Timestamp::now())?;
        Ok(holder.caller)
    });
    let caller = match verified {
        Ok(caller) => caller,
        Err(error) => return failure(error),
    };
    let headers: BTreeMap<String, String> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let (name, input) = match told_apart(service, &head.method, &head.uri, &headers, &body) {
        Ok(found) => found,
        Err(error) => return failure(error),
    };
    let Some(operation) = service::operation(service, &name) else {
        return unknown(service.name(), &name, &request_id);
    };
    let mut input = input;
    input.headers = headers;
    answer(&shared, &cut, Asked { service, operation, input, region: authorization.region, caller, request_id }).await
}

/// Lambda's answer to a request that is larger than any package.
fn too_large(head: &axum::http::request::Parts) -> AwsError {
    let name = service::lambda::route(&head.method, head.uri.path(), "", b"").map(|(name, ..)| name);
    let message =
        format!("Request must be smaller than {LARGEST_PACKAGE} bytes for the {} operation", name.unwrap_or_default());
    AwsError::new("RequestEntityTooLargeException", message).status(413)
}

/// The operation's name and its parameters.
fn told_apart(
    service: Service,
    method: &Method,
    uri: &axum::http::Uri,
    headers: &BTreeMap<String, String>,
    body: &Bytes,
) -> Result<(String, Input), AwsError> {
    let malformed = |error: &dyn std::fmt::Display| AwsError::new("SerializationException", error.to_string());
    if service.is_query() {
        let form = if body.is_empty() { uri.query().unwrap_or_default() } else { &String::from_utf8_lossy(body) };
        let fields = query::fields(form);
        let value = query::parameters(&fields).map_err(|message| AwsError::new("MalformedInput", message))?;
        let name = value["Action"].as_str().unwrap_or("(no Action)").to_owned();
        return Ok((name, Input::new(service, value)));
    }
    if service == Service::Lambda {
        return service::lambda::route(method, uri.path(), uri.query().unwrap_or_default(), body)
            .map(|(name, value, payload)| {
                let mut input = Input::new(service, value);
                input.payload = payload;
                (name, input)
            })
            .map_err(|error| malformed(&error));
    }
    let parsed = match service {
        Service::Account => service::account::route(method, uri.path(), body),
        Service::Ses => service::ses::route(method, uri.path(), body),
        _ => {
            let target = headers.get("x-amz-target").map_or("(no X-Amz-Target)", String::as_str);
            let name = target.rsplit('.').next().unwrap_or(target).to_owned();
            json_body(body).map(|value| (name, value))
        }
    };
    parsed.map(|(name, value)| (name, Input::new(service, value))).map_err(|error| malformed(&error))
}

/// An honest answer to what this sandbox does not do.
fn unknown(service: &str, operation: &str, request_id: &str) -> Response<Body> {
    let message = format!("The sandbox does not do {service}:{operation}.");
    let error = AwsError::new("NotImplemented", message).status(501);
    let service = Service::named(service).unwrap_or(Service::Events);
    render::failure(service, &error, request_id)
}

/// Links in mails and packages, which carry no signature; anything else needs one.
fn unsigned(shared: &Arc<Shared>, method: &Method, path: &str, query: &str, request_id: &str) -> Response<Body> {
    let fields: BTreeMap<String, String> = query::fields(query).into_iter().collect();
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let now = shared.clock.now();
    let action = field("Action");
    if method == Method::GET {
        if path.ends_with("confirmation.html") || action == "ConfirmSubscription" {
            return service::sns::links::confirm(&mut shared.world(), field("TopicArn"), field("Token"), now);
        }
        if path.ends_with("unsubscribe.html") || action == "Unsubscribe" {
            return service::sns::links::unsubscribe(&mut shared.world(), field("SubscriptionArn"), now);
        }
        if let Some(rest) = path.strip_prefix("/packages/") {
            return service::lambda::package(&mut shared.world(), rest, field("X-Amz-Signature"));
        }
    }
    let error = AwsError::new("MissingAuthenticationToken", "Request is missing Authentication Token").status(403);
    render::failure(Service::Iam, &error, request_id)
}

/// After how many milliseconds a client may try again, which the SDKs prefer to their own pause. Faults that are set send
/// it, so that a test of retries need not wait for them.
const RETRY_AFTER: &str = "x-amz-retry-after";

/// Everything between a request told apart and its answer.
async fn answer(shared: &Arc<Shared>, cut: &Cut, asked: Asked) -> Response<Body> {
    let (service, request_id) = (asked.service, asked.request_id.clone());
    shared.clock.step();
    let needs = {
        let world = shared.world();
        let site = Site { world: world.of(asked.caller.account()), input: &asked.input, region: &asked.region };
        asked.operation.needs(service, &site)
    };
    let ticket = record(shared, &asked, &needs);
    let latency = shared.pace().latency;
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let turnstile = if asked.caller.is_function() { None } else { shared.turnstile() };
    // Held until the call has been carried out.
    let _passage = match turnstile {
        Some(queue) => {
            let call = format!("{}:{}", service.name(), asked.operation.name);
            queue.pass(asked.caller.arn(), call).await
        }
        None => None,
    };
    let held = if asked.caller.is_function() { None } else { shared.gates().count() };
    let (before, after) = match held {
        Some(held) if held.moment == Moment::Before => (Some(held), None),
        held => (None, held),
    };
    if let Some(held) = before {
        held.hold().await;
        return severed(cut);
    }
    let (account, names) = (asked.caller.account(), names(&asked, &needs));
    let fault = shared.faults().strike(account, &names, asked.operation.write);
    match fault {
        Some(FaultKind::Hang) => std::future::pending::<()>().await,
        Some(FaultKind::Slow(time)) => tokio::time::sleep(time).await,
        Some(FaultKind::DropConnection) => return severed(cut),
        _ => {}
    }
    let admitted = shared.pace().admit(account, &names);
    let result = match refused(&asked, &needs, fault) {
        _ if !admitted => Err(service.throttled()),
        Some(error) => Err(error),
        None => carry_out(shared, &asked, fault == Some(FaultKind::FailedEntries)).await,
    };
    if let Some(held) = after {
        held.hold().await;
        return severed(cut);
    }
    if fault == Some(FaultKind::LoseAnswer) {
        return severed(cut);
    }
    let (outcome, response) = match result {
        Ok(response) => (Outcome::Succeeded, response),
        Err(error) => {
            let response = render::failure(service, &error, &request_id);
            let soon = matches!(fault, Some(FaultKind::Throttle | FaultKind::ServerError | FaultKind::FailedEntries));
            let response = if soon { render::with_header(response, RETRY_AFTER, "10") } else { response };
            (Outcome::Failed(error.code.clone()), response)
        }
    };
    shared.calls().end(ticket, outcome);
    response
}

fn severed(cut: &Cut) -> Response<Body> {
    cut.sever();
    Response::new(Body::empty())
}

fn record(shared: &Shared, asked: &Asked, needs: &[Need]) -> Ticket {
    let call = Call {
        number: 0,
        service: asked.service.name().into(),
        operation: asked.operation.name.into(),
        actions: needs.iter().map(|need| need.action.clone()).collect(),
        region: asked.region.clone(),
        caller: asked.caller.clone(),
        write: asked.operation.write,
        outcome: Outcome::Unanswered,
        at: shared.clock.now(),
    };
    shared.calls().add(call)
}

/// What a call is known by: its actions and its operation.
fn names(asked: &Asked, needs: &[Need]) -> Vec<String> {
    let mut names: Vec<String> = needs.iter().map(|need| need.action.clone()).collect();
    names.push(format!("{}:{}", asked.service.name(), asked.operation.name));
    names
}

/// The error with which a fault answers.
fn refused(asked: &Asked, needs: &[Need], fault: Option<FaultKind>) -> Option<AwsError> {
    let service = asked.service;
    match fault? {
        FaultKind::Throttle => Some(service.throttled()),
        FaultKind::ServerError => Some(service.server_error()),
        FaultKind::ExpiredToken => Some(service.expired_token()),
        FaultKind::ClockSkew => Some(service.clock_skew()),
        FaultKind::AccessDenied => {
            let need = needs.first()?;
            Some(service.access_denied(permission::unmentioned(asked.caller.arn(), need)))
        }
        FaultKind::FailedEntries if !matches!(asked.operation.name, "PutTargets" | "RemoveTargets") => {
            Some(service.server_error())
        }
        FaultKind::NotYet(which) => crate::service::passing::answer(service, asked.operation.name, which, &asked.input),
        FaultKind::FailedEntries
        | FaultKind::DropConnection
        | FaultKind::LoseAnswer
        | FaultKind::Hang
        | FaultKind::Slow(_) => None,
    }
}

async fn carry_out(shared: &Arc<Shared>, asked: &Asked, fail_entries: bool) -> Result<Response<Body>, AwsError> {
    let mut effects = Effects::default();
    let result = execute(shared, asked, fail_entries, &mut effects)?;
    for invocation in effects.invocations {
        shared.enqueue(invocation);
    }
    if asked.service == Service::Lambda && asked.operation.write {
        execution::sweep(shared);
    }
    match effects.order {
        Some(order) => execution::answer(shared, order, &asked.request_id).await,
        None => {
            let (service, operation) = (asked.service, asked.operation);
            let status = result["$status"].as_u64().and_then(|status| u16::try_from(status).ok());
            let status = status.unwrap_or(operation.status);
            Ok(render::success(service, operation.name, status, &result, &asked.request_id))
        }
    }
}

fn execute(shared: &Shared, asked: &Asked, fail_entries: bool, effects: &mut Effects) -> Answer {
    let mut world = shared.world();
    let now = shared.clock.now();
    world.age(now);
    let region = &asked.region;
    // Whoever is it may always ask who it is.
    if asked.operation.name != "GetCallerIdentity" {
        let site = Site { world: world.of(asked.caller.account()), input: &asked.input, region };
        for need in asked.operation.needs(asked.service, &site) {
            permission::check(&world, &asked.caller, region, &need)
                .map_err(|reason| asked.service.access_denied(reason))?;
        }
    }
    // While it acts, an account other than the first is apart from all the others.
    let mut own = world.others.remove(asked.caller.account());
    let home = &mut *world;
    let (account, elsewhere) = match &mut own {
        Some(account) => (account, Some(home)),
        None => (home, None),
    };
    let mut request = Request {
        world: account,
        elsewhere,
        input: &asked.input,
        operation: asked.operation.name,
        region,
        caller: &asked.caller,
        now,
        options: &shared.options,
        endpoint: &shared.endpoint,
        fail_entries,
        effects,
    };
    let answer = (asked.operation.run)(&mut request);
    if let Some(own) = own {
        world.others.insert(own.account.clone(), own);
    }
    answer
}
