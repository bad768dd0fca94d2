//! The resource policy of a function: who may invoke it.

use serde_json::{Value, json};

use super::{asked, conflict, function_arn, seen};
use crate::policy::{matches, one_or_many};
use crate::protocol::{Answer, AwsError};
use crate::service::{Operation, Request, read, write};
use crate::world::Function;

pub(super) const OPERATIONS: &[Operation] = &[
    write("AddPermission", function_arn, add).status(201),
    write("RemovePermission", function_arn, remove).status(204),
    read("GetPolicy", function_arn, get),
];

/// A principal as Lambda rewrites it: a service, or an account's root.
fn principal(request: &Request<'_>, sent: &str) -> Value {
    if sent == "*" {
        return "*".into();
    }
    if sent.len() == 12 && sent.bytes().all(|byte| byte.is_ascii_digit()) {
        return json!({"AWS": format!("arn:{}:iam::{sent}:root", request.world.partition)});
    }
    if sent.starts_with("arn:") {
        return json!({ "AWS": sent });
    }
    json!({ "Service": sent })
}

fn add(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let (sid, action) = (input.required("StatementId")?, input.required("Action")?);
    let sent = input.required("Principal")?;
    if !crate::names::is_name(&sid, 100, "-_") {
        return Err(AwsError::new(
            "ValidationException",
            format!(
                "1 validation error detected: Value '{sid}' at 'statementId' failed to satisfy constraint: Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"
            ),
        ));
    }
    if action != "*" && !action.starts_with("lambda:") {
        return Err(AwsError::new(
            "ValidationException",
            format!(
                "1 validation error detected: Value '{action}' at 'action' failed to satisfy constraint: Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])"
            ),
        ));
    }
    let principal = principal(request, &sent);
    let revision = request.world.ids.uuid();
    let function = asked(request)?;
    if function.statements.iter().any(|statement| statement["Sid"] == sid.as_str()) {
        return Err(conflict(format!(
            "The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the \
             existing statement."
        )));
    }
    let mut statement = json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": action,
        "Resource": function.arn,
    });
    if let Some(arn) = input.text("SourceArn") {
        statement["Condition"]["ArnLike"]["AWS:SourceArn"] = arn.into();
    }
    if let Some(account) = input.text("SourceAccount") {
        statement["Condition"]["StringEquals"]["AWS:SourceAccount"] = account.into();
    }
    if let Some(organization) = input.text("PrincipalOrgID") {
        statement["Condition"]["StringEquals"]["aws:PrincipalOrgID"] = organization.into();
    }
    if let Some(token) = input.text("EventSourceToken") {
        statement["Condition"]["StringEquals"]["lambda:EventSourceToken"] = token.into();
    }
    if let Some(kind) = input.text("FunctionUrlAuthType") {
        statement["Condition"]["StringEquals"]["lambda:FunctionUrlAuthType"] = kind.into();
    }
    let shown = statement.to_string();
    function.statements.push(statement);
    function.revision = revision;
    Ok(json!({ "Statement": shown }))
}

fn remove(request: &mut Request<'_>) -> Answer {
    let sid = request.input.required("StatementId")?;
    let revision = request.world.ids.uuid();
    let function = asked(request)?;
    let statements = &mut function.statements;
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != sid.as_str());
    if statements.len() == before {
        let message = format!("Statement {sid} is not found in resource policy.");
        return Err(AwsError::new("ResourceNotFoundException", message).status(404));
    }
    function.revision = revision;
    Ok(Value::Null)
}

fn get(request: &mut Request<'_>) -> Answer {
    let function = seen(request)?;
    if function.statements.is_empty() {
        let message = "The resource you requested does not exist.";
        return Err(AwsError::new("ResourceNotFoundException", message).status(404));
    }
    let policy = json!({"Version": "2012-10-17", "Id": "default", "Statement": function.statements});
    Ok(json!({"Policy": policy.to_string(), "RevisionId": super::show::revision(&function, request.now)}))
}

/// Whether a function's resource policy lets a service invoke it on behalf of something.
pub(crate) fn permits(function: &Function, service: &str, source_arn: &str, account: &str) -> bool {
    function.statements.iter().any(|statement| {
        let named = one_or_many(&statement["Principal"]["Service"]).iter().any(|known| known == service);
        let action = statement["Action"].as_str().unwrap_or_default();
        let any = |condition: &Value, test: &dyn Fn(&str) -> bool| {
            condition.is_null() || one_or_many(condition).iter().filter_map(Value::as_str).any(test)
        };
        let source = &statement["Condition"]["ArnLike"]["AWS:SourceArn"];
        let owner = &statement["Condition"]["StringEquals"]["AWS:SourceAccount"];
        statement["Effect"] == "Allow"
            && (named || statement["Principal"] == "*")
            && matches(action, "lambda:InvokeFunction")
            && any(source, &|pattern| matches(pattern, source_arn))
            && any(owner, &|known| known == account)
    })
}
