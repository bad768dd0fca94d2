//! Organizations and the roles of other accounts behave as AWS's documentation says.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use aws_sdk_sts::types::Credentials as Session;
use keyminder_sandbox::{Fault, FaultKind, Options, OrganizationSeed, Seed};
use keyminder_testkit::sdk::{Aws, Credentials, aws, config_of, held, told};
use keyminder_testkit::{done, refused};
use serde_json::json;

const MEMBER: &str = "200000001111";

fn role(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:role/{name}")
}

/// An organization of so many accounts, on a clock that stands still.
async fn organization(accounts: usize) -> (Aws, aws_sdk_organizations::Client) {
    let aws = aws(Options::instant().with_clock(held())).await;
    let users = Seed { users: 3, old: 1, ..Seed::default() };
    let reading_role = Some("reader".to_owned());
    aws.sandbox.seed_organization(&OrganizationSeed { accounts, users, reading_role, ..OrganizationSeed::default() });
    let organizations = aws_sdk_organizations::Client::new(&aws.config);
    (aws, organizations)
}

/// IAM with the credentials of a session.
fn iam(aws: &Aws, session: &Session) -> aws_sdk_iam::Client {
    aws_sdk_iam::Client::new(&config_of(&aws.sandbox, credentials(session), "us-east-1"))
}

fn credentials(session: &Session) -> Credentials {
    let token = Some(session.session_token().to_owned());
    Credentials::new(session.access_key_id(), session.secret_access_key(), token, None, "test")
}

async fn assume(aws: &Aws, role: &str) -> Session {
    done!(aws.sts.assume_role().role_arn(role).role_session_name("test")).credentials().expect("credentials").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_with_a_bad_name_is_refused_before_its_role_is_looked_at() {
    let (aws, _) = organization(1).await;
    let told = refused!(aws.sts.assume_role().role_arn("no-role").role_session_name("a:b"), "ValidationError");
    assert!(told.contains("Value 'a:b' at 'roleSessionName' failed to satisfy constraint"), "{told}");
    let told = refused!(aws.sts.assume_role().role_arn("arn:a:b:::c").role_session_name("test"), "ValidationError");
    assert!(told.ends_with("arn:a:b:::c is invalid"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_come_in_pages_of_twenty_and_a_page_can_be_empty() {
    let (aws, organizations) = organization(45).await;
    for empty_pages in [false, true] {
        aws.sandbox.edit(|world| world.organization.as_mut().expect("one").empty_pages = empty_pages);
        let (mut token, mut sizes, mut ids) = (None, Vec::new(), Vec::new());
        loop {
            let page = done!(organizations.list_accounts().set_next_token(token));
            sizes.push(page.accounts().len());
            ids.extend(page.accounts().iter().map(|account| account.id().expect("an id").to_owned()));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        assert_eq!(sizes, if empty_pages { vec![0, 20, 20, 5] } else { vec![20, 20, 5] });
        ids.dedup();
        assert_eq!(ids.len(), 45);
    }
    refused!(organizations.list_accounts().max_results(21), "InvalidInputException");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_join_leave_and_are_suspended() {
    let (aws, organizations) = organization(3).await;
    aws.sandbox.edit(|world| {
        world.join("999999999999", "new", "2026-03-10T00:00:00Z".parse().expect("a time"));
        world.leave("200000002222");
        world.member(MEMBER).expect("a member").state = "SUSPENDED".into();
    });
    let page = done!(organizations.list_accounts());
    let states: Vec<_> = page
        .accounts()
        .iter()
        .map(|account| (account.id().expect("an id"), account.state().expect("a state").as_str(), account.status()))
        .collect();
    let expected = [("123456789012", "ACTIVE", None), (MEMBER, "SUSPENDED", None), ("999999999999", "ACTIVE", None)];
    assert_eq!(states, expected);
    assert_eq!(page.accounts()[2].joined_timestamp().expect("a time").secs(), 1_773_100_800);
    refused!(aws.sts.assume_role().role_arn(role(MEMBER, "reader")).role_session_name("test"), "AccessDenied");
    aws.sandbox.edit(|world| world.organization.as_mut().expect("one").status_only = true);
    let page = done!(organizations.list_accounts());
    assert_eq!(page.accounts()[1].status().expect("a status").as_str(), "SUSPENDED");
    assert_eq!(page.accounts()[1].state(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn units_hold_accounts_and_units() {
    let (aws, organizations) = organization(6).await;
    let inner = aws.sandbox.edit(|world| {
        let units = &world.organization.as_ref().expect("one").units;
        let production = units.iter().find(|(_, unit)| unit.name == "Production").expect("a unit").0.clone();
        let inner = world.add_unit("Europe", &production);
        world.member(MEMBER).expect("a member").parent.clone_from(&inner);
        inner
    });
    let root = done!(organizations.list_roots()).roots()[0].id().expect("an id").to_owned();
    let units = done!(organizations.list_organizational_units_for_parent().parent_id(&root));
    assert_eq!(units.organizational_units().len(), 2);
    let within = done!(organizations.list_accounts_for_parent().parent_id(&inner));
    assert_eq!(within.accounts().iter().map(|account| account.id().expect("an id")).collect::<Vec<_>>(), [MEMBER]);
    let of_root = done!(organizations.list_accounts_for_parent().parent_id(&root));
    assert_eq!(of_root.accounts().len(), 1, "the management account is in the root");
    refused!(organizations.list_accounts_for_parent().parent_id("ou-none-12345678"), "ParentNotFoundException");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_management_account_and_delegated_administrators_list_accounts() {
    let (aws, organizations) = organization(3).await;
    let session = assume(&aws, &role(MEMBER, "OrganizationAccountAccessRole")).await;
    let member = aws_sdk_organizations::Client::new(&config_of(&aws.sandbox, credentials(&session), "us-east-1"));
    let described = done!(member.describe_organization());
    let organization = described.organization().expect("an organization");
    assert_eq!(organization.master_account_id(), Some("123456789012"));
    refused!(member.list_accounts(), "AccessDeniedException");
    aws.sandbox.edit(|world| {
        let delegated = &mut world.organization.as_mut().expect("one").delegated;
        delegated.entry(MEMBER.into()).or_default().insert("member.org.stacksets.cloudformation.amazonaws.com".into());
    });
    assert_eq!(done!(member.list_accounts()).accounts().len(), 3);
    assert_eq!(done!(organizations.list_delegated_administrators()).delegated_administrators().len(), 1);
    refused!(member.list_aws_service_access_for_organization(), "AccessDeniedException");
    aws.sandbox.edit(|world| world.leave(MEMBER));
    refused!(member.describe_organization(), "AWSOrganizationsNotInUseException");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_account_has_its_own_users_and_a_role_reads_no_others() {
    let (aws, _) = organization(3).await;
    let session = assume(&aws, &role(MEMBER, "reader")).await;
    let member = iam(&aws, &session);
    let users = done!(member.list_users());
    assert_eq!(users.users().len(), 3);
    assert!(users.users()[0].arn().starts_with("arn:aws:iam::200000001111:user/"));
    assert!(done!(aws.iam.list_users()).users().is_empty(), "the first account has no users here");
    refused!(member.create_user().user_name("x"), "AccessDenied");
    let other = done!(iam(&aws, &assume(&aws, &role("200000002222", "reader")).await).list_users());
    let name = other.users()[0].user_name();
    assert!(users.users().iter().all(|user| user.user_id() != other.users()[0].user_id()), "{name}");
    let who = aws_sdk_sts::Client::new(&config_of(&aws.sandbox, credentials(&session), "us-east-1"));
    let who = done!(who.get_caller_identity());
    assert_eq!(who.arn(), Some("arn:aws:sts::200000001111:assumed-role/reader/test"));
    assert_eq!(who.account(), Some(MEMBER));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_assumed_by_those_its_trust_policy_names_under_its_conditions() {
    let (aws, _) = organization(3).await;
    let organization = aws.sandbox.edit(|world| world.organization.as_ref().expect("one").id.clone());
    let you = "arn:aws:iam::123456789012:user/you";
    let trust = |principal: serde_json::Value, condition: serde_json::Value| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition},
        ]})
        .to_string()
    };
    let root = || json!({"AWS": "arn:aws:iam::123456789012:root"});
    let cases = [
        (trust(root(), json!({})), None, true),
        (trust(json!({"AWS": "123456789012"}), json!({})), None, true),
        (trust(json!({"AWS": you}), json!({})), None, true),
        (trust(json!({"AWS": "arn:aws:iam::123456789012:user/other"}), json!({})), None, false),
        (trust(json!({"Service": "lambda.amazonaws.com"}), json!({})), None, false),
        (trust(root(), json!({"ArnEquals": {"aws:PrincipalArn": you}})), None, true),
        (trust(root(), json!({"ArnEquals": {"aws:PrincipalArn": role("123456789012", "hub")}})), None, false),
        (trust(root(), json!({"StringEquals": {"aws:PrincipalOrgID": organization}})), None, true),
        (trust(root(), json!({"StringEquals": {"aws:PrincipalOrgID": "o-another"}})), None, false),
        (trust(root(), json!({"StringEquals": {"sts:ExternalId": "secret"}})), Some("secret"), true),
        (trust(root(), json!({"StringEquals": {"sts:ExternalId": "secret"}})), Some("guess"), false),
        (trust(root(), json!({"StringEquals": {"sts:ExternalId": "secret"}})), None, false),
    ];
    for (trust, external_id, expected) in cases {
        aws.sandbox.edit(|world| {
            let member = world.account(MEMBER).expect("an account");
            member.iam.roles.get_mut("reader").expect("a role").trust.clone_from(&trust);
        });
        let call = aws.sts.assume_role().role_arn(role(MEMBER, "reader")).role_session_name("test");
        let answer = call.set_external_id(external_id.map(str::to_owned)).send().await;
        assert_eq!(answer.is_ok(), expected, "{trust} {external_id:?}");
        if let Err(error) = answer {
            let told = told(&error);
            let denied = "AccessDenied: User: arn:aws:iam::123456789012:user/you is not authorized to perform: \
                          sts:AssumeRole on resource: arn:aws:iam::200000001111:role/reader";
            assert_eq!(told, denied);
        }
    }
    for missing in [role(MEMBER, "nobody"), role("404404404404", "reader")] {
        refused!(aws.sts.assume_role().role_arn(missing).role_session_name("test"), "AccessDenied");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_no_wider_than_its_policy_and_ends_in_time() {
    let (aws, _) = organization(2).await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*"}]}"#;
    let call = aws.sts.assume_role().role_arn(role(MEMBER, "OrganizationAccountAccessRole"));
    let answer = done!(call.role_session_name("test").policy(policy).duration_seconds(900));
    let member = iam(&aws, answer.credentials().expect("credentials"));
    done!(member.list_users());
    let told = refused!(member.list_roles(), "AccessDenied");
    assert!(told.ends_with("because no session policy allows the iam:ListRoles action"), "{told}");
    aws.sandbox.clock().advance(Duration::from_secs(899));
    done!(member.list_users());
    aws.sandbox.clock().advance(Duration::from_secs(1));
    refused!(member.list_users(), "ExpiredToken");
    let call = aws.sts.assume_role().role_arn(role(MEMBER, "reader")).role_session_name("test");
    refused!(call.duration_seconds(7200), "ValidationError");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_control_policy_denies_in_the_accounts_below_it_only() {
    let (aws, _) = organization(6).await;
    aws.sandbox.edit(|world| {
        let deny = json!({"Statement": [{"Effect": "Deny", "Action": "iam:List*", "Resource": "*"}]});
        let organization = world.organization.as_mut().expect("one");
        let unit = organization.accounts[MEMBER].parent.clone();
        organization.control_policies.push((unit, deny));
    });
    let told = refused!(iam(&aws, &assume(&aws, &role(MEMBER, "reader")).await).list_users(), "AccessDenied");
    assert!(told.ends_with("with an explicit deny in a service control policy"), "{told}");
    // The fifth account is in the other unit, and none holds for the management account.
    done!(iam(&aws, &assume(&aws, &role("200000005555", "reader")).await).list_users());
    done!(aws.iam.list_users());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_assumed_can_be_limited_to_the_organization() {
    let (aws, _) = organization(3).await;
    aws.sandbox.edit(|world| {
        let id = world.organization.as_ref().expect("one").id.clone();
        world.deployer = Some(json!({"Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/reader",
            "Condition": {"StringEquals": {"aws:ResourceOrgID": id}},
        }]}));
    });
    let call = || aws.sts.assume_role().role_arn(role(MEMBER, "reader")).role_session_name("test");
    done!(call());
    aws.sandbox.edit(|world| world.leave(MEMBER));
    refused!(call(), "AccessDenied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_a_member_assumes_a_role_of_another_account_within_the_hour_of_chaining() {
    let (aws, _) = organization(3).await;
    let session = assume(&aws, &role(MEMBER, "OrganizationAccountAccessRole")).await;
    let member = aws_sdk_sts::Client::new(&config_of(&aws.sandbox, credentials(&session), "us-east-1"));
    let call = || member.assume_role().role_arn(role("200000002222", "reader")).role_session_name("test");
    refused!(call(), "AccessDenied");
    aws.sandbox.edit(|world| {
        let other = world.account("200000002222").expect("an account");
        let reader = other.iam.roles.get_mut("reader").expect("a role");
        let hub = role(MEMBER, "OrganizationAccountAccessRole");
        reader.trust = json!({"Statement": [{
            "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{MEMBER}:root")}, "Action": "sts:AssumeRole",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": hub}},
        }]})
        .to_string();
        reader.max_session = 43_200;
    });
    let answer = done!(call());
    assert_eq!(done!(iam(&aws, answer.credentials().expect("credentials")).list_users()).users().len(), 3);
    refused!(call().duration_seconds(7200), "ValidationError");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_account_is_throttled_or_silent_and_the_others_are_not() {
    let (aws, _) = organization(3).await;
    aws.sandbox.rate_limit_account(MEMBER, 1.0);
    aws.sandbox.inject(Fault::new("iam:ListUsers", FaultKind::AccessDenied).in_account("200000002222"));
    let member = iam(&aws, &assume(&aws, &role(MEMBER, "reader")).await);
    done!(member.list_users());
    refused!(member.list_users(), "Throttling");
    for _ in 0..5 {
        done!(aws.iam.list_users());
    }
    refused!(iam(&aws, &assume(&aws, &role("200000002222", "reader")).await).list_users(), "AccessDenied");
    aws.sandbox.rate_limit_account(MEMBER, 0.0);
    done!(member.list_users());
    aws.sandbox.rate_limit_action("sts:AssumeRole", 1.0);
    assume(&aws, &role(MEMBER, "reader")).await;
    refused!(aws.sts.assume_role().role_arn(role(MEMBER, "reader")).role_session_name("test"), "Throttling");
}
