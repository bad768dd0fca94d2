//! IAM's state. Knows nothing of requests.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Tags;

/// Users, roles and policies.
#[derive(Clone, Debug, Default)]
pub struct Iam {
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// When users last signed in to the console, by name; those who never did are not in it.
    pub signed_in: BTreeMap<String, Timestamp>,
    /// The ARNs of the managed policies attached to users, by the user's name.
    pub user_policies: BTreeMap<String, Vec<String>>,
    /// Groups by name.
    pub groups: BTreeMap<String, Group>,
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Managed policies by ARN, a few of AWS's own among them.
    pub policies: BTreeMap<String, Policy>,
    /// The account's alias, if any.
    pub aliases: Vec<String>,
    /// How many access keys the root user has.
    pub root_access_keys: u32,
    /// Whether the root user has a second factor.
    pub root_mfa: bool,
}

/// An IAM user.
#[derive(Clone, Debug)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its path, `/` by default.
    pub path: String,
    /// Its unique id, `AIDA…`.
    pub id: String,
    /// When it was created.
    pub created: Timestamp,
    /// Its tags.
    pub tags: Tags,
    /// Its access keys, at most two.
    pub access_keys: Vec<AccessKey>,
    /// Its credentials for CodeCommit, Keyspaces or Bedrock.
    pub service_specific_credentials: Vec<Credential>,
    /// Its public SSH keys.
    pub ssh_public_keys: Vec<Credential>,
    /// Its X.509 signing certificates.
    pub signing_certificates: Vec<Credential>,
}

/// An access key.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// `AKIA…`.
    pub id: String,
    /// Whether it can be used.
    pub active: bool,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last used, if ever.
    pub last_used: Option<LastUsed>,
}

/// The last use of an access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUsed {
    /// When.
    pub at: Timestamp,
    /// For which service: `s3`.
    pub service: String,
    /// In which region.
    pub region: String,
}

/// A credential other than an access key.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Its unique id.
    pub id: String,
    /// Whether it can be used.
    pub active: bool,
    /// When it was created.
    pub created: Timestamp,
    /// The service it is for, where it is for one: `codecommit.amazonaws.com`.
    pub service: String,
}

/// An IAM group. It has no members here: a group only ever holds policies.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its path, `/` by default.
    pub path: String,
    /// Its unique id, `AGPA…`.
    pub id: String,
    /// The ARNs of its managed policies.
    pub attached: Vec<String>,
}

/// An IAM role.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Its path, `/` by default.
    pub path: String,
    /// Its unique id, `AROA…`: another one when it is recreated under the same name.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its description, empty for none.
    pub description: String,
    /// Its trust policy, as it was sent.
    pub trust: String,
    /// The longest session in seconds.
    pub max_session: u64,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// Its inline policies by name, as they were sent.
    pub inline: BTreeMap<String, String>,
    /// The ARNs of its managed policies.
    pub attached: Vec<String>,
    /// When it was created.
    pub created: Timestamp,
}

/// A managed policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its path, `/` by default.
    pub path: String,
    /// Its unique id, `ANPA…`.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its description, empty for none.
    pub description: String,
    /// Its tags.
    pub tags: Tags,
    /// When it was created.
    pub created: Timestamp,
    /// When its default version last changed.
    pub updated: Timestamp,
    /// Its versions, oldest first, at most five.
    pub versions: Vec<PolicyVersion>,
    /// The id of the version in force.
    pub default_version: String,
    /// The number the next version gets: numbers are not used twice.
    pub next_version: u32,
}

/// A version of a managed policy.
#[derive(Clone, Debug)]
pub struct PolicyVersion {
    /// `v1`, `v2`, …
    pub id: String,
    /// The document, as it was sent.
    pub document: String,
    /// When it was created.
    pub created: Timestamp,
}

impl Policy {
    /// The document in force.
    #[must_use]
    pub fn document(&self) -> &str {
        self.versions
            .iter()
            .find(|version| version.id == self.default_version)
            .map_or("{}", |version| &version.document)
    }

    /// Whether it is AWS's own rather than the account's.
    #[must_use]
    pub fn is_aws_managed(&self) -> bool {
        self.arn.contains(":iam::aws:policy/")
    }
}

/// AWS managed policies that can be attached: path, name, allowed actions.
const AWS_MANAGED: [(&str, &str, &str); 6] = [
    ("/", "AdministratorAccess", r#"["*"]"#),
    ("/", "ReadOnlyAccess", r#"["*:Get*","*:List*","*:Describe*"]"#),
    ("/", "IAMReadOnlyAccess", r#"["iam:Get*","iam:List*","iam:Simulate*"]"#),
    ("/", "SecurityAudit", r#"["iam:Get*","iam:List*","sns:Get*","sns:List*"]"#),
    ("/", "PowerUserAccess", r#"["sns:*","lambda:*","events:*","logs:*","sqs:*"]"#),
    (
        "/service-role/",
        "AWSLambdaBasicExecutionRole",
        r#"["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"]"#,
    ),
];

impl Iam {
    pub(crate) fn with_aws_managed(partition: &str) -> Self {
        let created = Timestamp::from_second(1_423_224_406).unwrap_or_default();
        let policies = AWS_MANAGED.into_iter().map(|(path, name, actions)| {
            let arn = format!("arn:{partition}:iam::aws:policy{path}{name}");
            let document = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":{actions},"Resource":"*"}}]}}"#
            );
            let version = PolicyVersion { id: "v1".into(), document, created };
            let policy = Policy {
                name: name.into(),
                path: path.into(),
                id: format!("ANPA{}", name.to_uppercase()),
                arn: arn.clone(),
                description: String::new(),
                tags: Tags::new(),
                created,
                updated: created,
                versions: vec![version],
                default_version: "v1".into(),
                next_version: 2,
            };
            (arn, policy)
        });
        Self { policies: policies.collect(), root_mfa: true, ..Self::default() }
    }

    /// The role of that ARN.
    #[must_use]
    pub fn role_by_arn(&self, arn: &str) -> Option<&Role> {
        self.roles.values().find(|role| role.arn == arn)
    }

    /// The policy documents that give a role its permissions: inline and attached.
    pub(crate) fn documents_of(&self, role: &Role) -> Vec<String> {
        let attached = role.attached.iter().filter_map(|arn| self.policies.get(arn));
        role.inline.values().cloned().chain(attached.map(|policy| policy.document().to_owned())).collect()
    }
}
