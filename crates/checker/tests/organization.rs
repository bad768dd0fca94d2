//! Reading many accounts: each through its role, at its own pace, and none that is missing without a word.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use keyminder_checker::{
    ACTIONS, Caller, Check, ORGANIZATION_ACTIONS, OrganizationCheck, OrganizationClients, OrganizationError, Scope,
    Selection, UNIT_ACTIONS,
};
use keyminder_keyage::{AccountReading, AccountState, Cause, Exemption, OrganizationReport, Settings};
use keyminder_sandbox::{Clock, Fault, FaultKind, Options, OrganizationSeed, Sandbox, Seed};
use keyminder_testkit::checker::{ACCOUNT, ago, calls_of, iam, now, organizations, sts};
use serde_json::json;
use tokio::time::Instant;

const FIRST: &str = "200000001111";
const SECOND: &str = "200000002222";
const READER: &str = "keyminder-reader";

/// An organization of so many accounts on a clock that stands still; each but the management account has three users,
/// one of them with an old key, and the reading role.
async fn organization(accounts: usize) -> Sandbox {
    let sandbox = Sandbox::start(Options::instant().with_clock(Clock::held(now()))).await.unwrap();
    let users = Seed { users: 3, old: 1, ..Seed::default() };
    let reading_role = Some(READER.to_owned());
    sandbox.seed_organization(&OrganizationSeed { accounts, users, reading_role, ..OrganizationSeed::default() });
    sandbox
}

fn selection() -> Selection {
    Selection { role: READER.to_owned(), ..Selection::default() }
}

fn check_with(sandbox: &Sandbox, selection: Selection, settings: Settings) -> OrganizationCheck {
    let clients = OrganizationClients { iam: iam(sandbox), organizations: organizations(sandbox), sts: sts(sandbox) };
    let caller = Caller { account: ACCOUNT.to_owned(), partition: "aws".to_owned() };
    OrganizationCheck::new(&clients, settings, selection, caller)
}

fn check(sandbox: &Sandbox, selection: Selection) -> OrganizationCheck {
    check_with(sandbox, selection, Settings::default())
}

async fn read(sandbox: &Sandbox) -> OrganizationReport {
    read_by(sandbox, selection()).await.unwrap()
}

async fn read_by(sandbox: &Sandbox, selection: Selection) -> Result<OrganizationReport, OrganizationError> {
    check(sandbox, selection).read(now(), None, |_| {}).await
}

#[track_caller]
fn account<'a>(report: &'a OrganizationReport, id: &str) -> &'a AccountReading {
    report.accounts.iter().find(|account| account.id == id).unwrap()
}

/// Its state, its cause and its reason.
fn said<'a>(report: &'a OrganizationReport, id: &str) -> (AccountState, Option<Cause>, &'a str) {
    let account = account(report, id);
    (account.state, account.cause, account.reason.as_deref().unwrap_or_default())
}

fn states(report: &OrganizationReport) -> Vec<(&str, AccountState)> {
    let mut states: Vec<_> = report.accounts.iter().map(|account| (account.id.as_str(), account.state)).collect();
    states.sort_unstable();
    states
}

/// Changes the reading role of an account.
fn edit_role(sandbox: &Sandbox, account: &str, change: impl FnOnce(&mut keyminder_sandbox::world::Role)) {
    sandbox.edit(|world| change(world.account(account).unwrap().iam.roles.get_mut(READER).unwrap()));
}

#[tokio::test]
async fn every_account_is_read_through_its_role_and_the_callers_own_with_the_callers_credentials() {
    let sandbox = organization(45).await;
    sandbox.edit(|world| world.organization.as_mut().unwrap().empty_pages = true);
    let report = read(&sandbox).await;
    let summary = report.summary();
    assert_eq!((summary.accounts, summary.accounts_read, report.accounts.len()), (45, 45, 45));
    assert_eq!((summary.accounts_with_old_keys, summary.keys.old, summary.keys.users), (44, 44, 132));
    assert!(report.is_complete() && report.has_findings() && !report.stopped_early);
    let organization = report.organization.as_ref().unwrap();
    assert!(organization.id.starts_with("o-"));
    assert_eq!(organization.management_account, ACCOUNT);
    assert_eq!(account(&report, FIRST).name.as_deref(), Some("payments-0001"));
    assert_eq!(calls_of(&sandbox, "AssumeRole"), 45);
    assert!(report.keys().iter().all(|(account, _)| account.report.as_ref().unwrap().account == account.id));
    let old = report.keys().into_iter().take_while(|(_, key)| key.verdict == keyminder_keyage::Verdict::Old);
    assert_eq!(old.count(), 44, "the worst come first");
}

#[tokio::test]
async fn an_account_among_many_is_read_as_it_is_alone() {
    let sandbox = organization(3).await;
    sandbox.seed_users(&Seed { users: 20, old: 7, ..Seed::default() });
    let scope = Scope { all_keys: true, ..Scope::default() };
    let many = check(&sandbox, selection()).with_scope(scope.clone()).read(now(), None, |_| {}).await.unwrap();
    let alone =
        Check::new(&iam(&sandbox), Settings::default(), ACCOUNT).with_scope(scope).read(now(), None, |_| {}).await;
    assert_eq!(account(&many, ACCOUNT).report.as_ref(), Some(&alone));
}

#[tokio::test]
async fn the_calls_are_those_that_are_announced_and_none_is_made_for_a_fresh_key() {
    let sandbox = organization(3).await;
    let unit = sandbox.edit(|world| world.organization.as_ref().unwrap().accounts[FIRST].parent.clone());
    read(&sandbox).await;
    read_by(&sandbox, Selection { units: vec![unit], ..selection() }).await.unwrap();
    for call in sandbox.calls() {
        assert!(!call.write, "{}", call.operation);
        let announced = |action: &String| {
            [ACTIONS, ORGANIZATION_ACTIONS, UNIT_ACTIONS].concat().contains(&action.as_str())
                && action != "iam:ListAccountAliases"
        };
        assert!(call.actions.iter().all(announced), "{:?}", call.actions);
    }
    sandbox.forget_calls();
    let fresh = Seed { users: 3, old: 0, ..Seed::default() };
    let sandbox = organization(1).await;
    let seed =
        OrganizationSeed { accounts: 3, users: fresh, reading_role: Some(READER.to_owned()), ..Default::default() };
    sandbox.seed_organization(&seed);
    read(&sandbox).await;
    assert_eq!((calls_of(&sandbox, "GetAccessKeyLastUsed"), calls_of(&sandbox, "ListUserTags")), (0, 0));
}

#[tokio::test]
async fn accounts_that_are_not_active_are_listed_and_not_entered() {
    let sandbox = organization(7).await;
    let ids: Vec<String> = (1..5).map(|n| format!("{:012}", 200_000_000_000_u64 + 1_111 * n)).collect();
    for (id, state) in ids.iter().zip(["SUSPENDED", "PENDING_CLOSURE", "CLOSED", "PENDING_ACTIVATION"]) {
        sandbox.edit(|world| world.member(id).unwrap().state = state.into());
    }
    sandbox.edit(|world| world.member("200000005555").unwrap().state = "FROZEN".into());
    let report = read(&sandbox).await;
    let reasons = ["suspended", "being closed", "closed", "not activated yet"];
    for (id, reason) in ids.iter().zip(reasons) {
        assert_eq!(said(&report, id), (AccountState::NotActive, None, reason));
    }
    let (state, cause, reason) = said(&report, "200000005555");
    assert_eq!((state, cause), (AccountState::Unknown, Some(Cause::NoState)));
    assert!(reason.contains("FROZEN"), "{reason}");
    assert_eq!(calls_of(&sandbox, "AssumeRole"), 2);
    assert_eq!((report.summary().accounts_not_active, report.is_complete()), (4, false));
    sandbox.edit(|world| {
        world.member("200000005555").unwrap().state = "ACTIVE".into();
        world.organization.as_mut().unwrap().status_only = true;
    });
    let report = read(&sandbox).await;
    assert_eq!(said(&report, FIRST).0, AccountState::NotActive, "a status without a state is enough");
    assert_eq!(said(&report, "200000005555").0, AccountState::Read);
}

#[tokio::test]
async fn an_account_that_does_not_let_the_caller_in_is_a_finding_and_a_new_one_is_arriving() {
    let sandbox = organization(4).await;
    for id in [FIRST, SECOND] {
        sandbox.edit(|world| world.account(id).unwrap().iam.roles.remove(READER));
    }
    let joined = |hours: i64| now() - jiff::SignedDuration::from_hours(hours);
    sandbox.edit(|world| world.member(SECOND).unwrap().joined = joined(23));
    let report = read(&sandbox).await;
    let (state, cause, reason) = said(&report, FIRST);
    assert_eq!((state, cause), (AccountState::Unknown, Some(Cause::RoleRefused)));
    assert!(reason.contains("sts:AssumeRole") && reason.contains("arn:aws:iam::200000001111:role/keyminder-reader"));
    let (state, cause, reason) = said(&report, SECOND);
    assert_eq!((state, cause), (AccountState::Arriving, Some(Cause::RoleRefused)));
    assert!(reason.starts_with("joined less than a day ago"), "{reason}");
    assert_eq!((report.summary().accounts_read, report.is_complete()), (2, false));
    assert_eq!(report.accounts[0].id, FIRST, "what could not be read comes first");

    sandbox.edit(|world| world.member(SECOND).unwrap().joined = joined(25));
    assert_eq!(said(&read(&sandbox).await, SECOND).0, AccountState::Unknown);
    // A new account that has its role already is read.
    sandbox.edit(|world| world.member("200000003333").unwrap().joined = joined(1));
    assert_eq!(said(&read(&sandbox).await, "200000003333").0, AccountState::Read);
}

#[tokio::test]
async fn a_denial_says_who_denies() {
    let sandbox = organization(4).await;
    sandbox.edit(|world| {
        let deny = json!({"Statement": [{"Effect": "Deny", "Action": "iam:ListUsers", "Resource": "*"}]});
        world.organization.as_mut().unwrap().control_policies.push((FIRST.to_owned(), deny));
    });
    edit_role(&sandbox, SECOND, |role| {
        role.attached.clear();
        let some = json!({"Statement": [{
            "Effect": "Allow", "Action": ["iam:ListUsers", "iam:GetAccountSummary"], "Resource": "*",
        }]});
        role.inline.insert("some".to_owned(), some.to_string());
    });
    let report = read(&sandbox).await;
    let (state, cause, reason) = said(&report, FIRST);
    assert_eq!((state, cause), (AccountState::Unknown, Some(Cause::ControlPolicy)));
    assert!(reason.contains("iam:ListUsers") && reason.contains("service control policy"), "{reason}");
    let (state, cause, reason) = said(&report, SECOND);
    assert_eq!((state, cause), (AccountState::Unknown, Some(Cause::NotAllowed)));
    assert!(reason.contains("iam:ListAccessKeys") && reason.contains("(and 2 more)"), "{reason}");
    assert_eq!(account(&report, SECOND).summary().users_unknown, 3, "what was listed is counted");
    assert_eq!(said(&report, "200000003333").0, AccountState::Read);
    let own = json!({"Statement": [{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}, {
        "Effect": "Allow", "Action": "*", "Resource": "*",
    }]});
    sandbox.enforce(&own.to_string()).unwrap();
    let report = read(&sandbox).await;
    assert_eq!(said(&report, ACCOUNT).1, Some(Cause::NotAllowed), "the caller's own account is no exception");
}

#[tokio::test]
async fn a_throttled_account_slows_no_other_and_is_read_in_full() {
    let sandbox = organization(12).await;
    sandbox.rate_limit_account(FIRST, 5.0);
    let report = read(&sandbox).await;
    assert_eq!(report.summary().accounts_read, 12, "{:?}", report.accounts[0]);
    let times: Vec<_> = sandbox.calls().iter().map(|call| call.caller.account().to_owned()).collect();
    let last_of = |wanted: &dyn Fn(&str) -> bool| times.iter().rposition(|account| wanted(account)).unwrap();
    let (throttled, others) = (last_of(&|id| id == FIRST), last_of(&|id| id != FIRST && id != ACCOUNT));
    assert!(throttled > others, "the throttled account ends last: {throttled} {others}");
}

#[tokio::test]
async fn a_silent_account_is_given_up_and_the_others_are_read() {
    let sandbox = organization(6).await;
    sandbox.inject(Fault::new("iam:*", FaultKind::Hang).in_account(FIRST).always());
    let check = check(&sandbox, selection()).with_patience(Duration::from_secs(4));
    let report = check.read(now(), None, |_| {}).await.unwrap();
    let (state, cause, reason) = said(&report, FIRST);
    assert_eq!((state, cause), (AccountState::Unknown, Some(Cause::NoAnswer)));
    assert!(reason.contains("no answer for 4 seconds"), "{reason}");
    assert_eq!((report.summary().accounts_read, report.stopped_early), (5, false));
}

#[tokio::test]
async fn an_account_that_falls_silent_in_the_middle_keeps_what_it_said() {
    let sandbox = organization(3).await;
    sandbox.inject(Fault::new("iam:ListAccessKeys", FaultKind::Hang).in_account(FIRST).after(1));
    let check = check(&sandbox, selection()).with_patience(Duration::from_secs(4));
    let report = check.read(now(), None, |_| {}).await.unwrap();
    let first = account(&report, FIRST);
    assert_eq!((first.state, first.cause), (AccountState::Unknown, Some(Cause::NoAnswer)));
    assert_eq!((first.summary().users, first.summary().users_read, first.summary().users_unknown), (3, 1, 2));
}

#[tokio::test]
async fn at_the_deadline_the_accounts_that_are_left_are_unknown() {
    let sandbox = organization(6).await;
    sandbox.inject(Fault::new("iam:*", FaultKind::Hang).in_account(FIRST).always());
    let deadline = Instant::now() + Duration::from_secs(4);
    let report = check(&sandbox, selection()).read(now(), Some(deadline), |_| {}).await.unwrap();
    let (state, cause, _) = said(&report, FIRST);
    assert_eq!((state, cause), (AccountState::Unknown, Some(Cause::TimeIsUp)));
    assert_eq!((report.summary().accounts_read, report.stopped_early, report.is_complete()), (5, true, false));
    let over = check(&sandbox, selection()).read(now(), Some(Instant::now()), |_| {}).await;
    assert!(matches!(over, Err(OrganizationError::NotListed(error)) if error.code == "TimeIsUp"));
}

#[tokio::test]
async fn roles_are_assumed_at_one_pace_for_all_accounts() {
    let sandbox = organization(40).await;
    sandbox.rate_limit_action("sts:AssumeRole", 20.0);
    let report = read(&sandbox).await;
    assert_eq!(report.summary().accounts_read, 40, "{:?}", report.accounts[0]);
}

#[tokio::test]
async fn the_external_id_is_handed_on() {
    let sandbox = organization(2).await;
    edit_role(&sandbox, FIRST, |role| {
        let principal = format!("arn:aws:iam::{ACCOUNT}:root");
        role.trust = json!({"Statement": [{
            "Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "secret"}},
        }]})
        .to_string();
    });
    assert_eq!(said(&read(&sandbox).await, FIRST).1, Some(Cause::RoleRefused));
    let selection = Selection { external_id: Some("secret".to_owned()), ..selection() };
    assert_eq!(said(&read_by(&sandbox, selection).await.unwrap(), FIRST).0, AccountState::Read);
}

#[tokio::test]
async fn a_session_may_read_and_nothing_more_however_wide_the_role_is() {
    let sandbox = organization(3).await;
    let selection = Selection { role: "OrganizationAccountAccessRole".to_owned(), ..Selection::default() };
    let report = read_by(&sandbox, selection).await.unwrap();
    assert_eq!(report.summary().accounts_read, 3);
    sandbox.edit(|world| {
        assert_eq!(world.sessions.len(), 2);
        for session in world.sessions.values() {
            let actions = session.policy.as_ref().unwrap()["Statement"][0]["Action"].as_array().unwrap().clone();
            assert!(actions.iter().all(|action| ACTIONS.contains(&action.as_str().unwrap())), "{actions:?}");
            let lasts = session.expires.unwrap().duration_since(now());
            assert_eq!(lasts.as_secs(), 900);
        }
    });
}

#[tokio::test]
async fn only_the_accounts_that_are_named_are_read_and_excluded_ones_are_listed() {
    let sandbox = organization(5).await;
    let selection = |accounts: &[&str], except: &[&str]| {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        Selection { accounts: ids(accounts), except: ids(except), ..selection() }
    };
    let report = read_by(&sandbox, selection(&[FIRST, SECOND], &[SECOND])).await.unwrap();
    assert_eq!(states(&report), [(FIRST, AccountState::Read), (SECOND, AccountState::Excluded)]);
    let report = read_by(&sandbox, selection(&[], &[SECOND, "999999999999"])).await.unwrap();
    assert_eq!((report.summary().accounts_read, report.summary().accounts_excluded), (4, 1));
    assert!(report.is_complete());
    let missing = read_by(&sandbox, selection(&[FIRST, "999999999999"], &[])).await.unwrap_err();
    assert_eq!(missing, OrganizationError::NoSuchAccount(vec!["999999999999".to_owned()]));
}

#[tokio::test]
async fn a_unit_stands_for_its_accounts_and_those_of_the_units_in_it() {
    let sandbox = organization(8).await;
    let (production, inner) = sandbox.edit(|world| {
        let production = world.organization.as_ref().unwrap().accounts[FIRST].parent.clone();
        let inner = world.add_unit("Europe", &production);
        let deep = world.add_unit("Berlin", &inner);
        world.member(SECOND).unwrap().parent = deep;
        (production, inner)
    });
    let selection =
        |units: &[&str]| Selection { units: units.iter().map(|unit| (*unit).to_owned()).collect(), ..selection() };
    let report = read_by(&sandbox, selection(&[&inner])).await.unwrap();
    assert_eq!(states(&report), [(SECOND, AccountState::Read)]);
    let report = read_by(&sandbox, selection(&[&production, &inner])).await.unwrap();
    assert_eq!(report.summary().accounts_read, 6, "the fifth account is in another unit, and none is read twice");
    for unit in ["ou-none-12345678", "r-none"] {
        let error = read_by(&sandbox, selection(&[unit])).await.unwrap_err();
        assert_eq!(error, OrganizationError::NoSuchUnit(unit.to_owned()));
    }
}

#[tokio::test]
async fn accounts_that_join_meanwhile_are_read_and_those_that_leave_are_no_failure() {
    let sandbox = organization(4).await;
    sandbox.edit(|world| world.account(FIRST).unwrap().iam.roles.remove(READER));
    let once = std::cell::Cell::new(true);
    let progress = |progress: keyminder_checker::OrganizationProgress| {
        if progress.all_listed && progress.accounts_done == 4 && once.replace(false) {
            sandbox.edit(|world| {
                world.leave(FIRST);
                world.member(SECOND).unwrap().state = "SUSPENDED".into();
                world.join("888888888888", "newcomer", now());
            });
        }
    };
    let report = check(&sandbox, selection()).read(now(), None, progress).await.unwrap();
    let left = (AccountState::NotActive, None, "left the organization during the check");
    assert_eq!(said(&report, FIRST), left);
    assert_eq!(said(&report, SECOND).0, AccountState::Read, "it was read while it was active");
    assert_eq!(said(&report, "888888888888").0, AccountState::Arriving);
    assert!(report.is_complete());
}

#[tokio::test]
async fn without_an_organization_or_the_right_to_list_it_nothing_is_read() {
    let sandbox = Sandbox::start(Options::instant().with_clock(Clock::held(now()))).await.unwrap();
    assert_eq!(read_by(&sandbox, selection()).await.unwrap_err(), OrganizationError::NoOrganization);
    let sandbox = organization(3).await;
    sandbox.inject(Fault::new("organizations:ListAccounts", FaultKind::AccessDenied).always());
    let error = read_by(&sandbox, selection()).await.unwrap_err();
    assert!(matches!(&error, OrganizationError::NotListed(error) if Cause::of(error) == Cause::NotAllowed), "{error}");
    // Accounts that are named need no list.
    let named = Selection { accounts: vec![FIRST.to_owned(), SECOND.to_owned()], ..selection() };
    let report = read_by(&sandbox, named).await.unwrap();
    assert_eq!(states(&report), [(FIRST, AccountState::Read), (SECOND, AccountState::Read)]);
    assert_eq!(account(&report, FIRST).name, None);
    assert!(report.is_complete());
}

#[tokio::test]
async fn the_organization_is_known_without_the_permission_to_describe_it() {
    let sandbox = organization(3).await;
    sandbox.inject(Fault::new("organizations:DescribeOrganization", FaultKind::AccessDenied).always());
    let report = read(&sandbox).await;
    assert_eq!(report.organization.unwrap().management_account, ACCOUNT);
    assert_eq!(report.accounts.len(), 3);
}

#[tokio::test]
async fn a_list_that_breaks_off_is_never_taken_for_the_whole() {
    let sandbox = organization(30).await;
    sandbox.inject(Fault::new("organizations:ListAccounts", FaultKind::AccessDenied).after(1));
    let report = read(&sandbox).await;
    assert_eq!((report.accounts.len(), report.summary().accounts_read), (20, 20));
    assert_eq!(report.errors.len(), 1);
    assert!(!report.is_complete());
}

#[tokio::test]
async fn a_passing_fault_of_organizations_or_sts_is_tried_again() {
    let sandbox = organization(3).await;
    for operation in ["organizations:ListAccounts", "organizations:DescribeOrganization", "sts:AssumeRole"] {
        for kind in [FaultKind::Throttle, FaultKind::ServerError, FaultKind::DropConnection] {
            sandbox.inject(Fault::new(operation, kind).once());
            let report = read(&sandbox).await;
            assert_eq!(report.summary().accounts_read, 3, "{operation} {kind:?}: {:?}", report.accounts[0]);
            sandbox.clear_faults();
        }
    }
}

#[tokio::test]
async fn exemptions_are_listed_where_they_are_met_only() {
    let sandbox = organization(3).await;
    let report = read(&sandbox).await;
    let user = report.keys().iter().find(|(account, _)| account.id == FIRST).unwrap().1.user.clone();
    let exemption = Exemption {
        user,
        access_key_id: None,
        until: "2027-01-01".parse().unwrap(),
        reason: "a test".to_owned(),
        approved_by: None,
    };
    let settings = Settings { exemptions: vec![exemption], ..Settings::default() };
    let report = check_with(&sandbox, selection(), settings).read(now(), None, |_| {}).await.unwrap();
    let met = |id| account(&report, id).report.as_ref().unwrap().exemptions.len();
    assert_eq!((met(FIRST), met(SECOND), met(ACCOUNT)), (1, 0, 0));
    assert_eq!(report.summary().keys.exempt, 1);
}

#[tokio::test]
async fn hundreds_of_accounts_are_read_each_once() {
    let sandbox = organization(400).await;
    let report = read(&sandbox).await;
    let summary = report.summary();
    assert_eq!((summary.accounts_read, summary.keys.users, summary.keys.old), (400, 1_197, 399));
    assert_eq!(calls_of(&sandbox, "ListUsers"), 400);
    assert_eq!(account(&report, FIRST).report.as_ref().unwrap().as_of, ago(0));
}
