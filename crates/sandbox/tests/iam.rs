//! IAM in the sandbox behaves as IAM.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use aws_sdk_iam::types::{PolicyUsageType, StatusType, Tag};
use keyminder_sandbox::{Options, Seed};
use keyminder_testkit::sdk::{TRUST, aws, held, instant, policy};
use keyminder_testkit::{done, refused};

fn publish() -> String {
    policy(r#""sns:Publish""#, "*")
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("a tag")
}

#[tokio::test]
async fn users_come_in_pages_and_without_tags() {
    let aws = instant().await;
    for index in 0..105 {
        done!(aws.iam.create_user().user_name(format!("user-{index:03}")).tags(tag("team", "web")));
    }
    let first = done!(aws.iam.list_users());
    assert_eq!((first.users().len(), first.is_truncated()), (100, true));
    assert!(first.users().iter().all(|user| user.tags().is_empty()));
    let second = done!(aws.iam.list_users().set_marker(first.marker().map(str::to_owned)));
    assert_eq!((second.users().len(), second.is_truncated(), second.marker()), (5, false, None));
    assert_eq!(done!(aws.iam.list_users().max_items(7)).users().len(), 7);
    assert_eq!(done!(aws.iam.list_user_tags().user_name("user-000")).tags().len(), 1);
}

#[tokio::test]
async fn a_third_access_key_is_refused() {
    let aws = instant().await;
    done!(aws.iam.create_user().user_name("ann"));
    let key =
        done!(aws.iam.create_access_key().user_name("ann")).access_key().expect("a key").access_key_id().to_owned();
    done!(aws.iam.create_access_key().user_name("ann"));
    refused!(aws.iam.create_access_key().user_name("ann"), "LimitExceeded");
    done!(aws.iam.update_access_key().user_name("ann").access_key_id(&key).status(StatusType::Inactive));
    let keys = done!(aws.iam.list_access_keys().user_name("ann"));
    assert_eq!(keys.access_key_metadata()[0].status(), Some(&StatusType::Inactive));
    let used = done!(aws.iam.get_access_key_last_used().access_key_id(&key));
    assert_eq!(used.access_key_last_used().expect("an answer").service_name(), "N/A");
    refused!(aws.iam.delete_user().user_name("ann"), "DeleteConflict");
}

#[tokio::test]
async fn seeded_users_have_as_many_old_keys_as_asked_for() {
    let aws = instant().await;
    aws.sandbox.seed_users(&Seed { users: 40, old: 9, ..Seed::default() });
    let limit = aws.sandbox.clock().now().as_second() - 90 * 86_400;
    let old = aws.sandbox.edit(|world| {
        let keys = world.iam.users.values().flat_map(|user| &user.access_keys);
        keys.filter(|key| key.active && key.created.as_second() < limit).count()
    });
    assert_eq!(old, 9);
    let users = done!(aws.iam.list_users());
    assert_eq!(users.users().len(), 40);
    for user in users.users() {
        assert!(done!(aws.iam.list_access_keys().user_name(user.user_name())).access_key_metadata().len() <= 2);
    }
}

#[tokio::test]
async fn malformed_documents_are_refused() {
    let aws = instant().await;
    for document in ["{", "{}", r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sns:Publish"}]}"#] {
        refused!(aws.iam.create_policy().policy_name("p").policy_document(document), "MalformedPolicyDocument");
    }
    let with_principal = TRUST;
    refused!(aws.iam.create_policy().policy_name("p").policy_document(with_principal), "MalformedPolicyDocument");
    refused!(aws.iam.create_role().role_name("r").assume_role_policy_document(publish()), "MalformedPolicyDocument");
}

#[tokio::test]
async fn without_a_name_the_caller_is_meant() {
    let aws = instant().await;
    let caller = done!(aws.sts.get_caller_identity());
    let shown = done!(aws.iam.get_user());
    let user = shown.user().expect("a user");
    assert_eq!((Some(user.arn()), Some(user.user_id())), (caller.arn(), caller.user_id()));
    assert!(done!(aws.iam.list_users()).users().is_empty(), "looking makes no user");
    let made = done!(aws.iam.create_access_key());
    assert_eq!(made.access_key().expect("a key").user_name(), user.user_name());
    assert_eq!(done!(aws.iam.list_access_keys()).access_key_metadata().len(), 1);
}

#[tokio::test]
async fn a_policy_is_attached_by_its_arn_only() {
    let aws = instant().await;
    aws.role("r").await;
    for arn in ["a-policy-and-its-name", "arn:aws:iam::aws"] {
        let told = refused!(aws.iam.attach_role_policy().role_name("r").policy_arn(arn), "ValidationError");
        assert!(told.ends_with("Invalid ARN:  Could not be parsed!"), "{told}");
    }
}

#[tokio::test]
async fn documents_come_back_url_encoded() {
    let aws = instant().await;
    aws.role("r").await;
    let role = done!(aws.iam.get_role().role_name("r"));
    let trust = role.role().expect("a role").assume_role_policy_document().expect("a document");
    assert!(trust.starts_with("%7B%22Version%22%3A%222012-10-17%22%2C"), "{trust}");
}

#[tokio::test]
async fn a_policy_keeps_five_versions_and_its_default_one() {
    let aws = instant().await;
    let created = done!(aws.iam.create_policy().policy_name("p").policy_document(publish()).tags(tag("a", "b")));
    let arn = created.policy().expect("a policy").arn().expect("an ARN").to_owned();
    for _ in 0..4 {
        done!(aws.iam.create_policy_version().policy_arn(&arn).policy_document(publish()).set_as_default(true));
    }
    refused!(aws.iam.create_policy_version().policy_arn(&arn).policy_document(publish()), "LimitExceeded");
    refused!(aws.iam.delete_policy_version().policy_arn(&arn).version_id("v5"), "DeleteConflict");
    done!(aws.iam.delete_policy_version().policy_arn(&arn).version_id("v1"));
    let next = done!(aws.iam.create_policy_version().policy_arn(&arn).policy_document(publish()));
    assert_eq!(next.policy_version().expect("a version").version_id(), Some("v6"));
    let policy = done!(aws.iam.get_policy().policy_arn(&arn));
    let policy = policy.policy().expect("a policy");
    assert_eq!((policy.default_version_id(), policy.tags().len()), (Some("v5"), 1));
    refused!(aws.iam.create_policy().policy_name("p").policy_document(publish()), "EntityAlreadyExists");
}

#[tokio::test]
async fn what_is_attached_cannot_be_deleted() {
    let aws = instant().await;
    aws.role("r").await;
    let created = done!(aws.iam.create_policy().policy_name("p").policy_document(publish()));
    let arn = created.policy().expect("a policy").arn().expect("an ARN").to_owned();
    refused!(aws.iam.attach_role_policy().role_name("r").policy_arn(format!("{arn}-missing")), "NoSuchEntity");
    done!(aws.iam.attach_role_policy().role_name("r").policy_arn(&arn));
    done!(aws.iam.attach_role_policy().role_name("r").policy_arn(&arn));
    let policy = done!(aws.iam.get_policy().policy_arn(&arn));
    assert_eq!(policy.policy().expect("a policy").attachment_count(), Some(1));
    refused!(aws.iam.delete_policy().policy_arn(&arn), "DeleteConflict");
    refused!(aws.iam.delete_role().role_name("r"), "DeleteConflict");
    done!(aws.iam.detach_role_policy().role_name("r").policy_arn(&arn));
    refused!(aws.iam.detach_role_policy().role_name("r").policy_arn(&arn), "NoSuchEntity");
    done!(aws.iam.put_role_policy().role_name("r").policy_name("inline").policy_document(publish()));
    refused!(aws.iam.delete_role().role_name("r"), "DeleteConflict");
    done!(aws.iam.create_policy_version().policy_arn(&arn).policy_document(publish()));
    refused!(aws.iam.delete_policy().policy_arn(&arn), "DeleteConflict");
    done!(aws.iam.delete_policy_version().policy_arn(&arn).version_id("v2"));
    done!(aws.iam.delete_policy().policy_arn(&arn));
    done!(aws.iam.delete_role_policy().role_name("r").policy_name("inline"));
    done!(aws.iam.delete_role().role_name("r"));
    refused!(aws.iam.get_role().role_name("r"), "NoSuchEntity");
}

#[tokio::test]
async fn a_recreated_role_has_another_id() {
    let aws = instant().await;
    aws.role("r").await;
    let id = |role: aws_sdk_iam::operation::get_role::GetRoleOutput| role.role().expect("a role").role_id().to_owned();
    let first = id(done!(aws.iam.get_role().role_name("r")));
    refused!(aws.iam.create_role().role_name("R").assume_role_policy_document(TRUST), "EntityAlreadyExists");
    done!(aws.iam.delete_role().role_name("r"));
    aws.role("r").await;
    assert_ne!(id(done!(aws.iam.get_role().role_name("r"))), first);
}

#[tokio::test]
async fn a_boundary_must_exist() {
    let aws = instant().await;
    aws.role("r").await;
    let missing = "arn:aws:iam::123456789012:policy/none";
    refused!(aws.iam.put_role_permissions_boundary().role_name("r").permissions_boundary(missing), "NoSuchEntity");
    let known = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    done!(aws.iam.put_role_permissions_boundary().role_name("r").permissions_boundary(known));
    let role = done!(aws.iam.get_role().role_name("r"));
    let boundary = role.role().expect("a role").permissions_boundary().expect("a boundary").permissions_boundary_arn();
    assert_eq!(boundary, Some(known));
}

#[tokio::test]
async fn the_account_summary_counts_root_keys() {
    let aws = instant().await;
    aws.sandbox.edit(|world| world.iam.root_access_keys = 1);
    done!(aws.iam.create_account_alias().account_alias("acme-prod"));
    let summary = done!(aws.iam.get_account_summary());
    let key = aws_sdk_iam::types::SummaryKeyType::AccountAccessKeysPresent;
    assert_eq!(summary.summary_map().expect("a map").get(&key), Some(&1));
    assert_eq!(done!(aws.iam.list_account_aliases()).account_aliases(), ["acme-prod"]);
}

#[tokio::test]
async fn a_new_policy_can_be_attached_only_once_it_is_visible() {
    let options = Options { policy_visible_delay: Duration::from_secs(5), ..Options::instant() };
    let aws = aws(options.with_clock(held())).await;
    aws.role("r").await;
    let created = done!(aws.iam.create_policy().policy_name("p").policy_document(publish()));
    let arn = created.policy().expect("a policy").arn().expect("an ARN").to_owned();
    refused!(aws.iam.attach_role_policy().role_name("r").policy_arn(&arn), "NoSuchEntity");
    aws.sandbox.clock().advance(Duration::from_secs(5));
    done!(aws.iam.attach_role_policy().role_name("r").policy_arn(&arn));
}

#[tokio::test]
async fn names_and_tags_are_held_to_their_rules() {
    let aws = instant().await;
    refused!(aws.iam.create_role().role_name("a b").assume_role_policy_document(TRUST), "ValidationError");
    refused!(aws.iam.create_role().role_name("r".repeat(65)).assume_role_policy_document(TRUST), "ValidationError");
    let reserved = tag("aws:x", "y");
    refused!(aws.iam.create_user().user_name("ann").tags(reserved), "InvalidInput");
    refused!(aws.iam.get_user().user_name("nobody"), "NoSuchEntity");
}

#[tokio::test]
async fn reads_and_lists_can_lag_behind_a_creation() {
    let options = Options { list_lag: Duration::from_secs(3), ..Options::instant() };
    let aws = aws(options.with_clock(held())).await;
    aws.role("r").await;
    done!(aws.sns.create_topic().name("t"));
    refused!(aws.iam.get_role().role_name("r"), "NoSuchEntity");
    assert!(done!(aws.sns.list_topics()).topics().is_empty());
    refused!(aws.iam.create_role().role_name("r").assume_role_policy_document(TRUST), "EntityAlreadyExists");
    aws.sandbox.clock().advance(Duration::from_secs(3));
    done!(aws.iam.get_role().role_name("r"));
    assert_eq!(done!(aws.sns.list_topics()).topics().len(), 1);
}

#[tokio::test]
async fn a_policy_on_a_user_a_group_or_as_a_boundary_cannot_be_deleted_and_each_use_is_told() {
    let aws = instant().await;
    let policy = done!(aws.iam.create_policy().policy_name("p").policy_document(publish()));
    let arn = policy.policy().expect("a policy").arn().expect("an ARN").to_owned();
    done!(aws.iam.create_user().user_name("ann"));
    done!(aws.iam.create_group().group_name("admins"));
    aws.role("bounded").await;
    done!(aws.iam.attach_user_policy().user_name("ann").policy_arn(&arn));
    done!(aws.iam.attach_group_policy().group_name("admins").policy_arn(&arn));
    done!(aws.iam.put_role_permissions_boundary().role_name("bounded").permissions_boundary(&arn));
    let read = done!(aws.iam.get_policy().policy_arn(&arn));
    let read = read.policy().expect("a policy");
    assert_eq!((read.attachment_count(), read.permissions_boundary_usage_count()), (Some(2), Some(1)));
    let uses = |filter: Option<PolicyUsageType>| {
        let ask = aws.iam.list_entities_for_policy().policy_arn(&arn).set_policy_usage_filter(filter);
        async {
            ask.send()
                .await
                .map(|uses| (uses.policy_users().len(), uses.policy_groups().len(), uses.policy_roles().len()))
        }
    };
    assert_eq!(uses(None).await.expect("an answer"), (1, 1, 1));
    assert_eq!(uses(Some(PolicyUsageType::PermissionsPolicy)).await.expect("an answer"), (1, 1, 0));
    assert_eq!(uses(Some(PolicyUsageType::PermissionsBoundary)).await.expect("an answer"), (0, 0, 1));
    refused!(aws.iam.delete_user().user_name("ann"), "DeleteConflict");
    refused!(aws.iam.delete_group().group_name("admins"), "DeleteConflict");
    done!(aws.iam.delete_role_permissions_boundary().role_name("bounded"));
    refused!(aws.iam.delete_policy().policy_arn(&arn), "DeleteConflict");
    done!(aws.iam.detach_user_policy().user_name("ann").policy_arn(&arn));
    refused!(aws.iam.delete_policy().policy_arn(&arn), "DeleteConflict");
    done!(aws.iam.detach_group_policy().group_name("admins").policy_arn(&arn));
    refused!(aws.iam.detach_group_policy().group_name("admins").policy_arn(&arn), "NoSuchEntity");
    done!(aws.iam.delete_policy().policy_arn(&arn));
    done!(aws.iam.delete_group().group_name("admins"));
    done!(aws.iam.delete_user().user_name("ann"));
}

#[tokio::test]
async fn tag_keys_ignore_case() {
    let aws = instant().await;
    let create = aws.iam.create_role().role_name("r").assume_role_policy_document(TRUST);
    refused!(create.clone().tags(tag("Team", "a")).tags(tag("team", "b")), "InvalidInput");
    done!(create.tags(tag("Team", "a")));
    done!(aws.iam.tag_role().role_name("r").tags(tag("team", "b")));
    let role = done!(aws.iam.get_role().role_name("r"));
    let tags: Vec<_> = role.role().expect("a role").tags().iter().map(|tag| (tag.key(), tag.value())).collect();
    assert_eq!(tags, [("team", "b")]);
}
