//! The KMS key of the topic, as a user may name it: by id, alias, or the ARN of either (KMS API reference, "Key
//! identifiers"). Owns the forms and what each means for the function's policy. It asks AWS nothing.

use keyminder_keyage::arn::Arn;

use crate::names::Names;

/// The key that AWS looks after for SNS: its own policy lets whoever may publish use it.
const AWS_MANAGED: &str = "aws/sns";

/// A key, and where it is if its name says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KmsKey<'a> {
    place: Option<Place<'a>>,
    name: Name<'a>,
}

/// The first parts of an ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place<'a> {
    partition: &'a str,
    region: &'a str,
    account: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name<'a> {
    Id(&'a str),
    Alias(&'a str),
}

impl<'a> KmsKey<'a> {
    /// Reads any of the four forms.
    ///
    /// # Errors
    /// What is none of them, with what would be one.
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("an empty key is none: leave it out for a topic without a key of its own".to_owned());
        }
        let found = match Arn::parse(text) {
            Some(arn) if arn.service == "kms" && !arn.region.is_empty() && arn.account_id().is_some() => {
                let name = match arn.resource.strip_prefix("key/") {
                    Some(id) => Name::id(id),
                    None => Name::alias(arn.resource),
                };
                let place = Place { partition: arn.partition, region: arn.region, account: arn.account };
                name.map(|name| Self { place: Some(place), name })
            }
            Some(_) => None,
            None => Name::id(text).or_else(|| Name::alias(text)).map(|name| Self { place: None, name }),
        };
        found.ok_or_else(|| {
            format!(
                "'{text}' is not a KMS key: give an id (1234abcd-12ab-34cd-56ef-1234567890ab), an alias \
                 (alias/notices), or the ARN of either"
            )
        })
    }

    /// Why a topic of this account and region cannot have it.
    pub(super) fn problem_in(&self, names: &Names) -> Option<String> {
        let place = self.place?;
        if place.partition != names.partition || place.region != names.region {
            return Some(format!(
                "the key is in {} ({}), and SNS takes one of the topic's region {}",
                place.region, place.partition, names.region
            ));
        }
        match self.name {
            // An alias tells nobody which key the function's policy has to name.
            Name::Alias(alias) if place.account != names.account => Some(format!(
                "the alias {alias} is account {}'s: give the ARN of the key itself, and let its key policy allow {}",
                place.account, names.account
            )),
            _ => None,
        }
    }

    /// The ARN for the function's policy: the very key where it is known, and any key of the account where an alias
    /// may come to mean another. `None` where the policy need not name it.
    pub(crate) fn resource(&self, names: &Names) -> Option<String> {
        let Place { partition, region, account } =
            self.place.unwrap_or(Place { partition: &names.partition, region: &names.region, account: &names.account });
        let id = match self.name {
            Name::Alias(AWS_MANAGED) => return None,
            Name::Alias(_) => "*",
            Name::Id(id) => id,
        };
        Some(Arn { partition, service: "kms", region, account, resource: &format!("key/{id}") }.to_string())
    }
}

impl<'a> Name<'a> {
    /// A UUID, or the id that a multi-Region key has in all its regions.
    fn id(text: &'a str) -> Option<Self> {
        let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let groups: Vec<_> = text.split('-').collect();
        let good = match groups[..] {
            ["mrk", digits] => digits.len() == 32 && is_hex(digits),
            _ => {
                groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(|group| is_hex(group))
            }
        };
        good.then_some(Self::Id(text))
    }

    fn alias(text: &'a str) -> Option<Self> {
        let alias = text.strip_prefix("alias/")?;
        let good =
            (1..=250).contains(&alias.len()) && alias.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_-".contains(&b));
        good.then_some(Self::Alias(alias))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Identity;
    use crate::names::IamNames;

    const ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

    fn names() -> Names {
        let identity = Identity { account: "123456789012".into(), partition: "aws".into(), arn: String::new() };
        Names::new(&identity, "eu-west-1", "default", "/", &crate::ChosenNames::default(), IamNames::Plain)
    }

    fn arn(region: &str, account: &str, resource: &str) -> String {
        format!("arn:aws:kms:{region}:{account}:{resource}")
    }

    #[test]
    fn each_form_of_a_key_names_it_in_the_policy_as_closely_as_it_can() {
        let here = |resource: &str| arn("eu-west-1", "123456789012", resource);
        let there = arn("eu-west-1", "210987654321", &format!("key/{ID}"));
        let many = "mrk-1234abcd12ab34cd56ef1234567890ab";
        for (text, resource) in [
            (ID.to_owned(), Some(here(&format!("key/{ID}")))),
            (many.to_owned(), Some(here(&format!("key/{many}")))),
            (here(&format!("key/{ID}")), Some(here(&format!("key/{ID}")))),
            (there.clone(), Some(there)),
            ("alias/notices".to_owned(), Some(here("key/*"))),
            (here("alias/team/notices"), Some(here("key/*"))),
            ("alias/aws/sns".to_owned(), None),
            (here("alias/aws/sns"), None),
        ] {
            let key = KmsKey::parse(&text).unwrap();
            assert_eq!(key.problem_in(&names()), None, "{text}");
            assert_eq!(key.resource(&names()), resource, "{text}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_so_is_one_that_the_topic_cannot_have() {
        for bad in ["", "notices", "alias/", "alias/with space", "1234abcd", "arn:aws:kms:eu-west-1:1:key/x", "key/x"] {
            assert!(KmsKey::parse(bad).is_err(), "{bad}");
        }
        let elsewhere = arn("us-east-1", "123456789012", &format!("key/{ID}"));
        let problem = KmsKey::parse(&elsewhere).unwrap().problem_in(&names());
        assert!(problem.is_some_and(|problem| problem.contains("us-east-1")));
        let others = arn("eu-west-1", "210987654321", "alias/notices");
        let problem = KmsKey::parse(&others).unwrap().problem_in(&names());
        assert!(problem.is_some_and(|problem| problem.contains("the ARN of the key itself")));
    }
}
