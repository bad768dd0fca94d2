//! When it matters to an account which build of keyminder this is.

use keyminder_bundle::Origin;
use keyminder_stack::Effects;

use super::session::{Account, Session};

/// Says so if a setup puts a function from a development build into an account of AWS.
pub(crate) fn remark(session: &Session, account: &Account, effects: &Effects, origin: Origin) {
    if is_worth_a_remark(origin, effects, account.clients.endpoints().as_deref()) {
        session.screen.remark(
            "\nThis is a development build of keyminder: the function it installs is larger and slower than a released \
             one. Install the notifier with a release build (cargo install --path crates/cli).",
        );
    }
}

fn is_worth_a_remark(origin: Origin, effects: &Effects, endpoint: Option<&str>) -> bool {
    origin == Origin::Development && effects.uploads_code && is_aws(endpoint)
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
    use super::*;

    #[test]
    fn a_development_build_is_remarked_on_when_it_puts_its_function_into_an_account_of_aws() {
        let (uploads, does_not) = (Effects { uploads_code: true, ..Effects::default() }, Effects::default());
        assert!(is_worth_a_remark(Origin::Development, &uploads, None));
        assert!(!is_worth_a_remark(Origin::Development, &does_not, None));
        assert!(!is_worth_a_remark(Origin::Release, &uploads, None));
        assert!(!is_worth_a_remark(Origin::Development, &uploads, Some("http://127.0.0.1:4566")));
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
