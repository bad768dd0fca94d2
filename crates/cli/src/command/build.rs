//! When it matters to an account which build of keyminder this is.

use keyminder_bundle::Origin;
use keyminder_reconcile::{Action, Address, Plan};

use super::session::{Account, Session};

/// Says so if `plan` puts a function from a development build into an account of AWS.
pub(crate) fn remark(session: &Session, account: &Account, plan: &Plan, origin: Origin) {
    if is_worth_a_remark(origin, plan, account.clients.endpoints().as_deref()) {
        session.screen.remark(
            "\nThis is a development build of keyminder: the function it installs is larger and slower than a released \
             one. Install the notifier with a release build (cargo install --path crates/cli).",
        );
    }
}

fn is_worth_a_remark(origin: Origin, plan: &Plan, endpoint: Option<&str>) -> bool {
    origin == Origin::Development && uploads(plan) && is_aws(endpoint)
}

/// Whether the plan uploads code.
fn uploads(plan: &Plan) -> bool {
    plan.change(Address("lambda_function")).is_some_and(|change| {
        let is_code = |path: &str| path == "code" || path.starts_with("code.");
        match change.action {
            Action::Create => true,
            Action::Update => change.replace || change.fields.iter().any(|field| is_code(&field.path.to_string())),
            Action::Delete | Action::None => false,
        }
    })
}

/// Whether calls reach AWS itself: no other endpoint is set, or one of AWS's own.
fn is_aws(endpoint: Option<&str>) -> bool {
    endpoint.is_none_or(|url| {
        let host = url.split("://").last().unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
        [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].iter().any(|suffix| host.ends_with(suffix))
    })
}

#[cfg(test)]
mod tests {
    use keyminder_reconcile::{Change, FieldChange, Purpose};
    use serde_json::Value;

    use super::*;

    fn plan(action: Action, field: &str) -> Plan {
        let field = FieldChange { path: field.into(), before: Value::Null, after: Value::Bool(true) };
        let change = Change {
            address: Address("lambda_function"),
            name: String::new(),
            action,
            fields: vec![field],
            extras: vec![],
            foreign: None,
            replace: false,
            part_of: None,
        };
        Plan { purpose: Purpose::Converge { adopt: false }, changes: vec![change] }
    }

    #[test]
    fn a_development_build_is_remarked_on_when_it_puts_its_function_into_an_account_of_aws() {
        let aws = |origin, plan: &Plan| is_worth_a_remark(origin, plan, None);
        assert!(aws(Origin::Development, &plan(Action::Create, "timeout_seconds")));
        assert!(aws(Origin::Development, &plan(Action::Update, "code")));
        assert!(!aws(Origin::Development, &plan(Action::Update, "timeout_seconds")));
        assert!(!aws(Origin::Development, &plan(Action::None, "code")));
        assert!(!aws(Origin::Release, &plan(Action::Create, "code")));
        let emulator = Some("http://127.0.0.1:4566");
        assert!(!is_worth_a_remark(Origin::Development, &plan(Action::Create, "code"), emulator));
    }

    #[test]
    fn an_endpoint_of_aws_counts_as_aws_and_an_emulator_does_not() {
        assert!(is_aws(None));
        for url in ["https://sns.eu-west-1.amazonaws.com", "https://vpce-1.lambda.us-east-1.vpce.amazonaws.com:443/"] {
            assert!(is_aws(Some(url)), "{url}");
        }
        for url in ["http://127.0.0.1:4566", "http://localhost:5000/amazonaws.com", "https://amazonaws.com.example.org"]
        {
            assert!(!is_aws(Some(url)), "{url}");
        }
    }
}
