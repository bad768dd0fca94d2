//! ARNs, taken apart and put together in one place (AWS General Reference, "Amazon Resource Names").

use std::fmt;

/// The parts of an ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn` and so on.
    pub partition: &'a str,
    /// Such as `sns`.
    pub service: &'a str,
    /// Empty for global services.
    pub region: &'a str,
    /// Empty for what belongs to no account. `aws` for what AWS provides.
    pub account: &'a str,
    /// Everything after that, colons included.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Takes a text apart; `None` if it is no ARN.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts[..] {
            ["arn", partition, service, region, account, resource]
                if partition.starts_with("aws") && !service.is_empty() && !resource.is_empty() =>
            {
                Some(Self { partition, service, region, account, resource })
            }
            _ => None,
        }
    }

    /// The account, if it is one: twelve digits.
    #[must_use]
    pub fn account_id(&self) -> Option<&'a str> {
        is_account_id(self.account).then_some(self.account)
    }
}

impl fmt::Display for Arn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

/// The account of an ARN; `None` for what belongs to no account, and for what is no ARN.
#[must_use]
pub fn account_of(arn: &str) -> Option<&str> {
    Arn::parse(arn)?.account_id()
}

/// Whether a text is the id of an account.
#[must_use]
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_has_six_parts_and_the_last_may_hold_colons() {
        let text = "arn:aws:lambda:eu-west-1:123456789012:function:f:live";
        let arn = Arn::parse(text).unwrap();
        assert_eq!(arn.to_string(), text);
        assert_eq!((arn.service, arn.region, arn.resource), ("lambda", "eu-west-1", "function:f:live"));
        assert_eq!(arn.account_id(), Some("123456789012"));
        assert_eq!(Arn::parse("arn:aws:iam::aws:policy/AdministratorAccess").unwrap().account_id(), None);
    }

    #[test]
    fn what_is_no_arn_is_none() {
        for text in ["", "*", "123456789012", "arn:aws:sns", "arn:x:sns:r:a:t", "arn:aws:sns:eu-west-1:123456789012:"] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }
}
