//! CloudWatch Logs in the sandbox behaves as CloudWatch Logs.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use keyminder_testkit::sdk::instant;
use keyminder_testkit::{done, refused};

#[tokio::test]
async fn only_the_retentions_there_are_are_accepted() {
    let aws = instant().await;
    done!(aws.logs.create_log_group().log_group_name("/g"));
    let put = |days| aws.logs.put_retention_policy().log_group_name("/g").retention_in_days(days);
    refused!(put(31), "InvalidParameterException");
    refused!(put(0), "InvalidParameterException");
    done!(put(30));
    let found = done!(aws.logs.describe_log_groups());
    assert_eq!(found.log_groups()[0].retention_in_days(), Some(30));
    done!(aws.logs.delete_retention_policy().log_group_name("/g"));
    assert_eq!(done!(aws.logs.describe_log_groups()).log_groups()[0].retention_in_days(), None);
}

#[tokio::test]
async fn a_group_has_two_arns_and_tags_take_the_bare_one() {
    let aws = instant().await;
    done!(aws.logs.create_log_group().log_group_name("/g").tags("a", "1"));
    refused!(aws.logs.create_log_group().log_group_name("/g"), "ResourceAlreadyExistsException");
    let found = done!(aws.logs.describe_log_groups().log_group_name_prefix("/g"));
    let group = &found.log_groups()[0];
    let bare = group.log_group_arn().expect("an ARN");
    assert_eq!((bare, group.arn()), ("arn:aws:logs:us-east-1:123456789012:log-group:/g", Some(&*format!("{bare}:*"))));
    done!(aws.logs.tag_resource().resource_arn(bare).tags("b", "2"));
    refused!(aws.logs.tag_resource().resource_arn(format!("{bare}:*")).tags("b", "2"), "InvalidParameterException");
    for theirs in [bare.replace("us-east-1", "eu-west-1"), bare.replace("123456789012", "999999999999")] {
        refused!(aws.logs.untag_resource().resource_arn(theirs).tag_keys("a"), "ResourceNotFoundException");
    }
    done!(aws.logs.untag_resource().resource_arn(bare).tag_keys("a"));
    let tags = done!(aws.logs.list_tags_for_resource().resource_arn(bare));
    assert_eq!(tags.tags().map(|tags| tags.len()), Some(1));
    done!(aws.logs.delete_log_group().log_group_name("/g"));
    refused!(aws.logs.delete_log_group().log_group_name("/g"), "ResourceNotFoundException");
}

fn event(at: i64, text: &str) -> InputLogEvent {
    InputLogEvent::builder().timestamp(at).message(text).build().expect("an event")
}

#[tokio::test]
async fn events_must_come_in_order_and_neither_too_old_nor_too_new() {
    let aws = instant().await;
    done!(aws.logs.create_log_group().log_group_name("/g"));
    done!(aws.logs.create_log_stream().log_group_name("/g").log_stream_name("s"));
    let put = || aws.logs.put_log_events().log_group_name("/g").log_stream_name("s");
    let now = aws.sandbox.clock().now().as_millisecond();
    let day = 86_400_000;
    let call = put().log_events(event(now, "b")).log_events(event(now - 1, "a"));
    refused!(call, "InvalidParameterException");
    let sent = [now - 15 * day, now - 13 * day, now, now + day].map(|at| event(at, "m"));
    let taken = done!(put().set_log_events(Some(sent.to_vec())));
    let rejected = taken.rejected_log_events_info().expect("some rejected");
    assert_eq!((rejected.too_old_log_event_end_index(), rejected.too_new_log_event_start_index()), (Some(1), Some(3)));
    let read = || aws.logs.get_log_events().log_group_name("/g").log_stream_name("s");
    assert_eq!(done!(read()).events().len(), 2);
    refused!(read().next_token("page two"), "InvalidParameterException");
    refused!(read().limit(10_001), "InvalidParameterException");
    let filter = || aws.logs.filter_log_events().log_group_name("/g");
    refused!(filter().next_token("page two"), "InvalidParameterException");
    refused!(filter().limit(10_001), "InvalidParameterException");
}

#[tokio::test]
async fn a_group_is_named_in_one_way_only() {
    let aws = instant().await;
    done!(aws.logs.create_log_group().log_group_name("/g"));
    let streams = aws.logs.describe_log_streams().log_group_name("/g").log_group_identifier("/g");
    refused!(streams, "ValidationException");
    let groups = aws.logs.describe_log_groups().log_group_name_prefix("/").log_group_name_pattern("g");
    refused!(groups, "InvalidParameterException");
    let told = refused!(aws.logs.create_log_group().log_group_name("g".repeat(513)), "InvalidParameterException");
    assert!(told.contains("less than or equal to 512"), "{told}");
}

#[tokio::test]
async fn groups_come_in_pages_of_fifty() {
    let aws = instant().await;
    for index in 0..51 {
        done!(aws.logs.create_log_group().log_group_name(format!("/g/{index:02}")));
    }
    let first = done!(aws.logs.describe_log_groups());
    assert_eq!((first.log_groups().len(), first.next_token().is_some()), (50, true));
    let second = done!(aws.logs.describe_log_groups().set_next_token(first.next_token().map(str::to_owned)));
    assert_eq!((second.log_groups().len(), second.next_token()), (1, None));
}

#[tokio::test]
async fn events_are_found_by_term_and_by_field() {
    let aws = instant().await;
    done!(aws.logs.create_log_group().log_group_name("/g"));
    done!(aws.logs.create_log_stream().log_group_name("/g").log_stream_name("s"));
    let now = aws.sandbox.clock().now().as_millisecond();
    let put = aws.logs.put_log_events().log_group_name("/g").log_stream_name("s");
    done!(put.log_events(event(now, "plain words")).log_events(event(now + 1, r#"{"level":"INFO","n":3}"#)));
    let filter = |pattern: &str| aws.logs.filter_log_events().log_group_name("/g").filter_pattern(pattern);
    for (pattern, count) in [("words", 1), ("plain words", 1), ("plain -words", 0), ("{ $.n = 3 }", 1), ("nothing", 0)]
    {
        assert_eq!(done!(filter(pattern)).events().len(), count, "{pattern}");
    }
    let read = aws.logs.get_log_events().log_group_name("/g").log_stream_name("s").start_from_head(true);
    assert_eq!(done!(read).events()[1].timestamp(), Some(now + 1));
}
