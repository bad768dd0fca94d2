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
    done!(aws.logs.untag_resource().resource_arn(bare).tag_keys("a"));
    let tags = done!(aws.logs.list_tags_for_resource().resource_arn(bare));
    assert_eq!(tags.tags().map(|tags| tags.len()), Some(1));
    done!(aws.logs.delete_log_group().log_group_name("/g"));
    refused!(aws.logs.delete_log_group().log_group_name("/g"), "ResourceNotFoundException");
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
    let event = |at, text: &str| InputLogEvent::builder().timestamp(at).message(text).build().expect("an event");
    let put = aws.logs.put_log_events().log_group_name("/g").log_stream_name("s");
    done!(put.log_events(event(1, "plain words")).log_events(event(2, r#"{"level":"INFO","n":3}"#)));
    let filter = |pattern: &str| aws.logs.filter_log_events().log_group_name("/g").filter_pattern(pattern);
    for (pattern, count) in [("words", 1), ("plain words", 1), ("plain -words", 0), ("{ $.n = 3 }", 1), ("nothing", 0)]
    {
        assert_eq!(done!(filter(pattern)).events().len(), count, "{pattern}");
    }
    let read = aws.logs.get_log_events().log_group_name("/g").log_stream_name("s").start_from_head(true);
    assert_eq!(done!(read).events()[1].timestamp(), Some(2));
}
