//! Answers as HTTP responses, in the protocol of each service. Knows no operation's meaning.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::{AwsError, Service, query};

/// A response with a body of a content type.
pub(crate) fn response(status: u16, content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
    response
}

/// Adds a header; one whose value HTTP cannot carry is left out.
pub(crate) fn with_header(mut response: Response<Body>, name: &'static str, value: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}

fn json_type(service: Service) -> &'static str {
    match service {
        Service::Account | Service::Lambda | Service::Ses => "application/json",
        Service::Sqs => "application/x-amz-json-1.0",
        _ => "application/x-amz-json-1.1",
    }
}

/// An operation's result.
pub(crate) fn success(
    service: Service,
    operation: &str,
    status: u16,
    result: &Value,
    request_id: &str,
) -> Response<Body> {
    let answer = if service.is_query() {
        response(status, "text/xml", query::success(service, operation, result, request_id))
    } else if status == 204 || !result["$status"].is_null() || (result.is_null() && service == Service::Lambda) {
        response(status, json_type(service), Body::empty())
    } else {
        let body = if result.is_null() { json!({}) } else { result.clone() };
        response(status, json_type(service), body.to_string())
    };
    with_header(answer, "x-amzn-requestid", request_id)
}

/// An error.
pub(crate) fn failure(service: Service, error: &AwsError, request_id: &str) -> Response<Body> {
    let answer = match service {
        service if service.is_query() => response(error.status, "text/xml", query::failure(service, error, request_id)),
        Service::Lambda => {
            let kind = if error.status >= 500 { "Service" } else { "User" };
            let mut body = json!({"Type": kind, "Message": error.message, "message": error.message});
            if let Some(reason) = error.reason {
                body["Reason"] = reason.into();
            }
            response(error.status, json_type(service), body.to_string())
        }
        _ => {
            let body = json!({"__type": error.code, "message": error.message});
            response(error.status, json_type(service), body.to_string())
        }
    };
    let answer = with_header(answer, "x-amzn-requestid", request_id);
    if service.is_query() { answer } else { with_header(answer, "x-amzn-errortype", &error.code) }
}
