//! The flags of `check` for many accounts.
//!
//! Owns what a role, an account and a unit look like. Whether they exist is found out later.

use clap::Args;

/// The role that is assumed in each account unless the user names another.
pub(crate) const ROLE: &str = "keyminder-reader";

const HEADING: &str = "Organization";

/// Which accounts a check reads, and how it gets into them.
#[derive(Debug, Default, Args)]
pub(crate) struct OrganizationArgs {
    /// Check every account of your AWS organization, through a role in each
    #[arg(long, conflicts_with = "notice")]
    pub(crate) organization: bool,

    /// Role to assume in each account, with its path if it has one [default: keyminder-reader]
    #[arg(long, value_name = "NAME", value_parser = role, requires = "organization", hide_short_help = true, help_heading = HEADING)]
    pub(crate) role: Option<String>,

    /// External ID, if the role's trust policy requires one
    #[arg(long, value_name = "ID", value_parser = external_id, requires = "organization", hide_short_help = true, help_heading = HEADING)]
    pub(crate) external_id: Option<String>,

    /// Only check these accounts
    #[arg(long, value_name = "ID,…", value_delimiter = ',', value_parser = account, requires = "organization", hide_short_help = true, help_heading = HEADING)]
    pub(crate) accounts: Vec<String>,

    /// Skip these accounts
    #[arg(long, value_name = "ID,…", value_delimiter = ',', value_parser = account, requires = "organization", hide_short_help = true, help_heading = HEADING)]
    pub(crate) except: Vec<String>,

    /// Only check accounts in this organizational unit and the units below it; can be repeated
    #[arg(long = "unit", value_name = "OU", value_delimiter = ',', value_parser = unit, requires = "organization", hide_short_help = true, help_heading = HEADING)]
    pub(crate) units: Vec<String>,
}

/// A role's name of at most 64 characters, after its path.
fn role(text: &str) -> Result<String, String> {
    let role = text.trim().trim_start_matches('/');
    let name = role.rsplit('/').next().unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-/".contains(c);
    if name.is_empty() || name.len() > 64 || role.len() > 512 || !role.chars().all(allowed) || role.contains("//") {
        return Err(if text.contains(':') {
            format!("'{text}' is not the name of a role; give the name without account and ARN, such as {ROLE}")
        } else {
            format!("'{text}' is not the name of an IAM role")
        });
    }
    Ok(role.to_owned())
}

/// "AssumeRole" in the AWS STS API reference.
fn external_id(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
    if (2..=1224).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(text.to_owned());
    }
    Err("an external ID has 2 to 1,224 letters, digits and characters of +=,.@:/-_".to_owned())
}

fn account(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(format!("'{text}' is not an AWS account ID: it has twelve digits"))
}

/// A unit, or the root of the organization.
fn unit(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let parts: Vec<&str> = text.split('-').collect();
    match parts.as_slice() {
        ["ou", root, unit] if is_word(root) && is_word(unit) => Ok(text.to_owned()),
        ["r", root] if is_word(root) => Ok(text.to_owned()),
        _ => Err(format!("'{text}' is not the ID of an organizational unit, which looks like ou-ab12-3c4d5e6f")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_a_name_or_a_path_and_a_name() {
        for (given, role_) in [("reader", "reader"), ("/audit/reader", "audit/reader"), (" a.b@c ", "a.b@c")] {
            assert_eq!(role(given).unwrap(), role_);
        }
        let long = "x".repeat(65);
        for bad in ["", "/", "a b", "arn:aws:iam::123456789012:role/reader", "audit/", "a//b", &long, "rôle"] {
            assert!(role(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn accounts_units_and_external_ids_are_what_aws_takes() {
        assert_eq!(account(" 123456789012 ").unwrap(), "123456789012");
        assert!(account("12345678901").is_err() && account("12345678901a").is_err());
        assert!(unit("ou-ab12-3c4d5e6f").is_ok() && unit("r-ab12").is_ok());
        for bad in ["", "ou-ab12", "Production", "ou-AB-cd", "ou-ab12-3c4d5e6f/x"] {
            assert!(unit(bad).is_err(), "{bad}");
        }
        assert!(external_id("Audit:2026/x").is_ok());
        assert!(external_id("x").is_err() && external_id("a b").is_err());
    }
}
