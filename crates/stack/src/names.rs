//! Every name and every ARN, worked out up front from partition, account, region and install: no resource asks
//! another what it is called, and nothing is "known after apply".

use keyminder_keyage::arn::Arn;
use serde::{Deserialize, Serialize};

use crate::connection::Identity;
use crate::spec::Problem;

/// The installation that has the names of the original procedure.
pub use keyminder_keyage::DEFAULT_INSTALL;

/// The statement id of the function's permission, as in the original procedure.
pub(crate) const STATEMENT_ID: &str = "LambdaPermission";

/// The id of the rule's target, as in the original procedure.
pub(crate) const TARGET_ID: &str = "1";

/// Names chosen by the user in place of the defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChosenNames {
    /// The SNS topic's name: up to 256 letters, digits, `-` and `_`.
    pub topic: Option<String>,
    /// The IAM policy's name: up to 128 letters, digits and `+=,.@_-`.
    pub policy: Option<String>,
    /// The IAM role's name: up to 64 letters, digits and `+=,.@_-`.
    pub role: Option<String>,
    /// The Lambda function's name: up to 64 letters, digits, `-` and `_`.
    pub function: Option<String>,
    /// The EventBridge rule's name: up to 64 letters, digits and `._-`.
    pub rule: Option<String>,
}

/// Who has the plain IAM names. IAM is global and everything else is regional, so a second region's install of the
/// same name has the region appended to its IAM names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IamNames {
    /// The names as they are.
    Plain,
    /// The names with `-<region>` appended.
    WithRegion,
}

impl IamNames {
    fn apply(self, name: String, region: &str) -> String {
        match self {
            Self::Plain => name,
            Self::WithRegion => format!("{name}-{region}"),
        }
    }
}

fn pick(install: &str, chosen: &Option<String>, default: &str) -> String {
    match chosen {
        Some(name) => name.clone(),
        None if install == DEFAULT_INSTALL => default.to_owned(),
        None => format!("keyminder-{install}"),
    }
}

/// The role's name, which follows without knowing the account.
pub(crate) fn role_name(region: &str, install: &str, chosen: &ChosenNames, iam: IamNames) -> String {
    iam.apply(pick(install, &chosen.role, "rotate-old-access-keys-notification-role"), region)
}

/// The names and ARNs of one install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Names {
    /// Which install.
    pub install: String,
    /// The partition of every ARN.
    pub partition: String,
    /// The account of every ARN.
    pub account: String,
    /// The region of every ARN but IAM's.
    pub region: String,
    /// The SNS topic.
    pub topic: String,
    /// The IAM policy.
    pub policy: String,
    /// The IAM role.
    pub role: String,
    /// The path of policy and role, `/` unless chosen.
    pub iam_path: String,
    /// The Lambda function.
    pub function: String,
    /// The function's log group.
    pub log_group: String,
    /// The EventBridge rule.
    pub rule: String,
}

impl Names {
    /// The names of an install in one account and region.
    #[must_use]
    pub fn new(
        identity: &Identity,
        region: &str,
        install: &str,
        iam_path: &str,
        chosen: &ChosenNames,
        iam: IamNames,
    ) -> Self {
        let pick = |chosen: &Option<String>, default: &str| pick(install, chosen, default);
        let regional = |name: String| iam.apply(name, region);
        let function = pick(&chosen.function, "rotate-old-access-keys-notification-sender");
        Self {
            install: install.to_owned(),
            partition: identity.partition.clone(),
            account: identity.account.clone(),
            region: region.to_owned(),
            topic: pick(&chosen.topic, "IAM-Access-Key-Rotation-Topic"),
            policy: regional(pick(&chosen.policy, "rotate-old-access-keys-notification-policy")),
            role: role_name(region, install, chosen, iam),
            iam_path: iam_path.to_owned(),
            log_group: format!("/aws/lambda/{function}"),
            function,
            rule: pick(&chosen.rule, "Rotate-Old-Access-Keys-Notification-Scheduler"),
        }
    }

    fn regional_arn(&self, service: &str, resource: &str) -> String {
        self.arn(service, &self.region, resource)
    }

    /// The ARN of something of the account in IAM, which has no region.
    pub(crate) fn iam_arn(&self, resource: &str) -> String {
        self.arn("iam", "", resource)
    }

    fn arn(&self, service: &str, region: &str, resource: &str) -> String {
        Arn { partition: &self.partition, service, region, account: &self.account, resource }.to_string()
    }

    /// The topic's ARN.
    #[must_use]
    pub fn topic_arn(&self) -> String {
        self.regional_arn("sns", &self.topic)
    }

    /// The policy's ARN.
    #[must_use]
    pub fn policy_arn(&self) -> String {
        self.iam_arn(&format!("policy{}{}", self.iam_path, self.policy))
    }

    /// The role's ARN.
    #[must_use]
    pub fn role_arn(&self) -> String {
        self.iam_arn(&format!("role{}{}", self.iam_path, self.role))
    }

    /// The function's ARN.
    #[must_use]
    pub fn function_arn(&self) -> String {
        self.regional_arn("lambda", &format!("function:{}", self.function))
    }

    /// The log group's ARN, without the `:*` that stands for its streams.
    #[must_use]
    pub fn log_group_arn(&self) -> String {
        self.regional_arn("logs", &format!("log-group:{}", self.log_group))
    }

    /// The rule's ARN, on the default event bus.
    #[must_use]
    pub fn rule_arn(&self) -> String {
        self.regional_arn("events", &format!("rule/{}", self.rule))
    }

    /// Where a person finds the function in the AWS console.
    #[must_use]
    pub fn console_url(&self) -> String {
        let host = match self.partition.as_str() {
            "aws-cn" => "console.amazonaws.cn",
            "aws-us-gov" => "console.amazonaws-us-gov.com",
            "aws-eusc" => "console.amazonaws-eusc.eu",
            "aws-iso" => "console.c2shome.ic.gov",
            "aws-iso-b" => "console.sc2shome.sgov.gov",
            _ => "console.aws.amazon.com",
        };
        format!("https://{0}.{host}/lambda/home?region={0}#/functions/{1}", self.region, self.function)
    }

    /// Which names AWS would refuse, and why.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        const IAM: &str = "+=,.@_-";
        let rules: [(&str, &str, usize, &str); 5] = [
            ("names.topic", &self.topic, 256, "-_"),
            ("names.policy", &self.policy, 128, IAM),
            ("names.role", &self.role, 64, IAM),
            ("names.function", &self.function, 64, "-_"),
            ("names.rule", &self.rule, 64, "._-"),
        ];
        rules.iter().filter_map(|&(path, name, longest, others)| name_problem(path, name, longest, others)).collect()
    }
}

fn name_problem(path: &str, name: &str, longest: usize, others: &str) -> Option<Problem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
    let complaint = match name.chars().find(|&c| !allowed(c)) {
        _ if name.is_empty() => "is empty".to_owned(),
        Some(c) => format!("'{name}' contains {c:?}; AWS takes letters, digits and {others}"),
        None if name.len() > longest => format!("'{name}' has {} characters; AWS takes {longest}", name.len()),
        None => return None,
    };
    Some(Problem::new(path, complaint))
}

/// Why an install may not be called so: it becomes part of names and tags.
pub(crate) fn install_problem(install: &str) -> Option<Problem> {
    let good = install.len() <= 32
        && install.starts_with(|c: char| c.is_ascii_lowercase())
        && !install.ends_with('-')
        && install.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (!good).then(|| {
        Problem::new(
            "name",
            format!("'{install}' cannot name an install: use up to 32 lower-case letters, digits and hyphens, starting with a letter"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(install: &str, region: &str, iam: IamNames) -> Names {
        let identity = Identity { account: "123456789012".into(), partition: "aws-us-gov".into(), arn: String::new() };
        Names::new(&identity, region, install, "/", &ChosenNames::default(), iam)
    }

    #[test]
    fn the_default_install_has_the_names_of_the_procedure() {
        let names = names(DEFAULT_INSTALL, "us-gov-west-1", IamNames::Plain);
        assert_eq!(names.topic_arn(), "arn:aws-us-gov:sns:us-gov-west-1:123456789012:IAM-Access-Key-Rotation-Topic");
        assert_eq!(names.role, "rotate-old-access-keys-notification-role");
        assert_eq!(names.log_group, "/aws/lambda/rotate-old-access-keys-notification-sender");
    }

    #[test]
    fn a_second_region_never_shares_iam_names_and_they_stay_within_the_limits() {
        let long = "a-name-of-thirty-two-characters-";
        for install in [DEFAULT_INSTALL, &long[..31]] {
            let names = names(install, "ap-southeast-2", IamNames::WithRegion);
            assert!(names.role.ends_with("-ap-southeast-2"));
            assert!(names.problems().is_empty(), "{:?}", names.problems());
        }
    }

    #[test]
    fn names_that_aws_refuses_are_refused_with_the_reason() {
        let mut names = names(DEFAULT_INSTALL, "us-gov-west-1", IamNames::Plain);
        names.function = "has space".into();
        names.role = "r".repeat(65);
        let said: Vec<_> = names.problems().into_iter().map(|p| format!("{}: {}", p.path, p.message)).collect();
        assert_eq!(said.len(), 2);
        assert!(said[0].contains("65 characters; AWS takes 64"), "{said:?}");
        assert!(said[1].contains("contains ' '"), "{said:?}");
    }
}
