//! Users as a real account has them, with keys of all ages. Deterministic: the same seed gives the same account.

use std::time::Duration;

use jiff::Timestamp;

use crate::World;
use crate::world::{AccessKey, LastUsed, Tags, User, trust_in};

const DAY: u64 = 86_400;

/// What to fill an account with.
#[derive(Clone, Debug)]
pub struct Seed {
    /// How many users.
    pub users: usize,
    /// How many of them have one active key older than [`Self::max_age_days`]; no other active key is that old.
    pub old: usize,
    /// The age in days that counts as old.
    pub max_age_days: u64,
    /// Another number gives other names, ages and tags.
    pub seed: u64,
    /// Gives each user exactly two keys, for the largest accounts, instead of none to two.
    pub two_keys: bool,
}

impl Default for Seed {
    fn default() -> Self {
        Self { users: 12, old: 4, max_age_days: 90, seed: 1, two_keys: false }
    }
}

/// A small generator of numbers (SplitMix64); it need be no better than varied.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides.max(1)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let sides = u64::try_from(from.len()).unwrap_or(1);
        from[usize::try_from(self.roll(sides)).unwrap_or(0)]
    }
}

const PEOPLE: [&str; 24] = [
    "alice", "bruno", "chiara", "deniz", "elif", "farid", "greta", "hiro", "ines", "jonas", "kavya", "liam", "mei",
    "noor", "olga", "pedro", "quinn", "rosa", "sven", "tariq", "uma", "vera", "wanda", "yusuf",
];
const SURNAMES: [&str; 12] = [
    "abe", "costa", "dupont", "eriksen", "garcia", "haddad", "ivanova", "keller", "moreau", "okafor", "singh", "weber",
];
const MACHINES: [&str; 10] = [
    "ci-deploy",
    "backup",
    "terraform",
    "metrics-export",
    "billing-report",
    "legacy-sync",
    "s3-uploader",
    "ses-smtp",
    "data-pipeline",
    "on-prem-agent",
];
const TEAMS: [&str; 6] = ["platform", "payments", "data", "web", "security", "mobile"];
const SERVICES: [&str; 8] = ["s3", "ec2", "sts", "dynamodb", "ses", "iam", "sqs", "cloudwatch"];
const REGIONS: [&str; 4] = ["us-east-1", "eu-west-1", "eu-central-1", "ap-southeast-2"];

fn name(dice: &mut Dice, index: usize) -> (String, &'static str) {
    if dice.roll(3) == 0 {
        return (format!("{}-{index:04}", dice.pick(&MACHINES)), "/service/");
    }
    let name = format!("{}.{}", dice.pick(&PEOPLE), dice.pick(&SURNAMES));
    let path = dice.pick(&["/", "/", "/", "/people/", "/people/contractors/"]);
    // The first bear plain names, the rest a number that keeps them apart.
    (if index < 8 { format!("{name}{}", index + 1) } else { format!("{name}-{index:04}") }, path)
}

fn ago(now: Timestamp, days: u64, seconds: u64) -> Timestamp {
    now.checked_sub(Duration::from_secs(days * DAY + seconds)).unwrap_or(Timestamp::MIN)
}

fn last_used(dice: &mut Dice, now: Timestamp, age: u64) -> Option<LastUsed> {
    if dice.roll(4) == 0 {
        return None;
    }
    let since = if dice.roll(3) == 0 { dice.roll(age.max(1)) } else { dice.roll(age.clamp(1, 7)) };
    Some(LastUsed { at: ago(now, since, 0), service: dice.pick(&SERVICES).into(), region: dice.pick(&REGIONS).into() })
}

/// Adds the users.
pub(crate) fn plant(world: &mut World, seed: &Seed, now: Timestamp) {
    let mut dice = Dice(seed.seed);
    for index in 0..seed.users {
        let (name, path) = name(&mut dice, index);
        let old = index < seed.old;
        // Key ids count within a user, so that a user's keys do not depend on who came before.
        let fresh = |dice: &mut Dice| dice.roll(seed.max_age_days.max(2) - 1);
        let aged = |dice: &mut Dice| seed.max_age_days + 1 + dice.roll(900);
        let keys = if seed.two_keys { 2 } else { dice.roll(3).max(u64::from(old)) };
        let mut access_keys = Vec::new();
        for number in 0..keys {
            let first = number == 0;
            // A second key is fresh, or old and switched off.
            let inactive = !first && dice.roll(3) == 0;
            let age = if (old && first) || inactive { aged(&mut dice) } else { fresh(&mut dice) };
            access_keys.push(AccessKey {
                id: world.ids.key("AKIA"),
                active: !inactive,
                created: ago(now, age, 3600 + dice.roll(10_000)),
                last_used: last_used(&mut dice, now, age),
            });
        }
        let mut tags = Tags::new();
        if dice.roll(3) > 0 {
            tags.insert("team".into(), dice.pick(&TEAMS).into());
        }
        if dice.roll(2) == 0 {
            tags.insert("owner".into(), format!("{}@example.com", dice.pick(&PEOPLE)));
        }
        let user = User {
            path: path.into(),
            id: world.ids.iam("AIDA"),
            created: ago(now, 1000 + dice.roll(1000), 0),
            name: name.clone(),
            tags,
            access_keys,
            service_specific_credentials: Vec::new(),
            ssh_public_keys: Vec::new(),
            signing_certificates: Vec::new(),
        };
        world.iam.users.insert(name, user);
    }
}

/// An organization to make.
#[derive(Clone, Debug)]
pub struct OrganizationSeed {
    /// How many accounts, the sandbox's own among them.
    pub accounts: usize,
    /// What each holds. Accounts differ in names, ages and tags, and every `old_every`-th has the old keys.
    pub users: Seed,
    /// One in so many accounts has [`Seed::old`] old keys, the others have none; 1 for all.
    pub old_every: usize,
    /// How many days ago they joined.
    pub joined_days_ago: u64,
    /// A role that each account but the sandbox's own has beside `OrganizationAccountAccessRole`: it reads IAM, and trusts
    /// the sandbox's own account.
    pub reading_role: Option<String>,
}

impl Default for OrganizationSeed {
    fn default() -> Self {
        Self { accounts: 5, users: Seed::default(), old_every: 1, joined_days_ago: 400, reading_role: None }
    }
}

/// Adds the accounts: in two units, every fifth in the second.
pub(crate) fn plant_organization(world: &mut World, seed: &OrganizationSeed, now: Timestamp) {
    let joined = ago(now, seed.joined_days_ago, 0);
    world.found_organization(joined);
    let units = [world.add_unit("Production", ""), world.add_unit("Sandboxes", "")];
    let trust = trust_in(&world.arn("iam", "", "root"));
    let reads = format!("arn:{}:iam::aws:policy/IAMReadOnlyAccess", world.partition);
    for index in 1..seed.accounts {
        let unit = usize::from(index % 5 == 0);
        let id = format!("{:012}", 200_000_000_000 + 1_111 * index as u64);
        let name = format!("{}-{index:04}", TEAMS[index % TEAMS.len()]);
        let account = world.join(&id, &name, joined);
        let old = if index % seed.old_every.max(1) == 0 { seed.users.old } else { 0 };
        plant(account, &Seed { seed: seed.users.seed + index as u64, old, ..seed.users.clone() }, now);
        if let Some(role) = &seed.reading_role {
            account.add_role("/", role, &trust, joined).attached.push(reads.clone());
        }
        if let Some(member) = world.member(&id) {
            member.parent.clone_from(&units[unit]);
        }
    }
}
