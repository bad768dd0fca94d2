//! Where IAM is if no region is configured. IAM is global within a partition, so any region of the partition will do.
//!
//! Owns how the partition is found: from the ARN of a role that is assumed, or the region of the sign-in.

use keyminder_keyage::arn::Arn;

use super::files::{Files, variable};

/// Partitions, how their regions begin, and a region of each.
const PARTITIONS: [(&str, &str, &str); 8] = [
    ("aws-cn", "cn-", "cn-north-1"),
    ("aws-us-gov", "us-gov-", "us-gov-west-1"),
    ("aws-iso-b", "us-isob-", "us-isob-east-1"),
    ("aws-iso-e", "eu-isoe-", "eu-isoe-west-1"),
    ("aws-iso-f", "us-isof-", "us-isof-south-1"),
    ("aws-iso", "us-iso-", "us-iso-east-1"),
    ("aws-eusc", "eusc-", "eusc-de-east-1"),
    ("aws", "", "us-east-1"),
];

/// A region of the partition that the credentials point to; of the commercial one if they do not say.
pub(super) fn some_region(files: Option<&Files>) -> &'static str {
    let setting = |name| files.and_then(|files| files.setting(name)).map(str::to_owned);
    let role = setting("role_arn").or_else(|| variable("AWS_ROLE_ARN"));
    let sign_in = setting("sso_region").or_else(|| files.and_then(Files::sso_region));
    region_of(role.as_deref(), sign_in.as_deref())
}

fn region_of(role: Option<&str>, sign_in: Option<&str>) -> &'static str {
    let partition = role.and_then(Arn::parse).map(|arn| arn.partition);
    let by_role = PARTITIONS.iter().find(|(name, _, _)| Some(*name) == partition);
    let begins = |prefix: &str| sign_in.is_some_and(|region| region.starts_with(prefix));
    let by_sign_in = || PARTITIONS.iter().find(|(_, prefix, _)| begins(prefix));
    by_role.or_else(by_sign_in).map_or("us-east-1", |(_, _, region)| region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partition_is_that_of_the_role_or_else_of_the_sign_in() {
        for (role, sign_in, region) in [
            (None, None, "us-east-1"),
            (Some("arn:aws-cn:iam::123456789012:role/audit"), None, "cn-north-1"),
            (Some("arn:aws-us-gov:iam::123456789012:role/audit"), Some("eu-west-1"), "us-gov-west-1"),
            (None, Some("us-isob-east-1"), "us-isob-east-1"),
            (None, Some("us-iso-west-1"), "us-iso-east-1"),
            (None, Some("eu-central-1"), "us-east-1"),
            (Some("not an ARN"), Some("cn-northwest-1"), "cn-north-1"),
        ] {
            assert_eq!(region_of(role, sign_in), region, "{role:?} {sign_in:?}");
        }
    }
}
