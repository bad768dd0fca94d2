//! SES and the alternate contacts of an account behave as AWS's documentation says.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

use aws_sdk_account::types::AlternateContactType;
use aws_sdk_sesv2::operation::send_email::builders::SendEmailFluentBuilder;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, SuppressionListReason};
use keyminder_sandbox::world::EmailIdentity;
use keyminder_sandbox::{Options, OrganizationSeed, Seed};
use keyminder_testkit::sdk::{Aws, aws, held, instant};
use keyminder_testkit::{done, refused};

/// A sandbox in which example.com is verified, out of SES's sandbox or in it.
async fn ses(production: bool) -> (Aws, aws_sdk_sesv2::Client) {
    let aws = instant().await;
    aws.sandbox.edit(|world| {
        let ses = &mut world.region("us-east-1").ses;
        ses.production = production;
        ses.identities.insert("example.com".into(), EmailIdentity { verified: true, configuration_set: None });
    });
    let client = aws_sdk_sesv2::Client::new(&aws.config);
    (aws, client)
}

fn content(text: &str) -> Content {
    Content::builder().data(text).build().expect("a content")
}

/// An email to an address.
fn email(client: &aws_sdk_sesv2::Client, from: &str, to: &[&str]) -> SendEmailFluentBuilder {
    let body = Body::builder().text(content("two keys")).html(content("<p>two keys</p>")).build();
    let message = Message::builder().subject(content("Keys")).body(body).build();
    let to = to.iter().map(|address| (*address).to_owned()).collect();
    client
        .send_email()
        .from_email_address(from)
        .destination(Destination::builder().set_to_addresses(Some(to)).build())
        .content(EmailContent::builder().simple(message).build())
}

#[tokio::test]
async fn a_verified_domain_sends_to_anyone_out_of_the_ses_sandbox() {
    let (aws, client) = ses(true).await;
    let sent = done!(email(&client, "Keys <keys@mail.example.com>", &["anna@elsewhere.org"]));
    let emails = aws.sandbox.emails();
    assert_eq!(emails[0].id, sent.message_id().expect("an id"));
    assert_eq!(
        (emails[0].from.as_str(), &emails[0].to[..]),
        ("keys@mail.example.com", &["anna@elsewhere.org".into()][..])
    );
    assert_eq!((emails[0].text.as_str(), emails[0].html.as_str()), ("two keys", "<p>two keys</p>"));
    let told = refused!(email(&client, "keys@elsewhere.org", &["anna@example.com"]), "MessageRejected");
    assert!(told.ends_with("failed the check in region US-EAST-1: keys@elsewhere.org"), "{told}");
}

#[tokio::test]
async fn in_the_ses_sandbox_an_unverified_recipient_is_rejected_by_name() {
    let (aws, client) = ses(false).await;
    done!(email(&client, "keys@example.com", &["anna@example.com"]));
    let told = refused!(email(&client, "keys@example.com", &["ben@elsewhere.org"]), "MessageRejected");
    assert!(told.ends_with("US-EAST-1: ben@elsewhere.org"), "{told}");
    let account = done!(client.get_account());
    assert!(!account.production_access_enabled() && account.sending_enabled());
    assert!((account.send_quota().expect("a quota").sent_last24_hours() - 1.0).abs() < 0.1);
    assert_eq!(aws.sandbox.emails().len(), 1);
}

#[tokio::test]
async fn an_identity_belongs_to_one_region_and_sends_once_it_is_verified() {
    let (aws, client) = ses(true).await;
    assert!(done!(client.get_email_identity().email_identity("example.com")).verified_for_sending_status());
    refused!(client.get_email_identity().email_identity("keys@example.org"), "NotFoundException");
    done!(client.create_email_identity().email_identity("keys@example.org"));
    refused!(client.create_email_identity().email_identity("keys@example.org"), "AlreadyExistsException");
    assert!(!done!(client.get_email_identity().email_identity("keys@example.org")).verified_for_sending_status());
    refused!(email(&client, "keys@example.org", &["anna@example.com"]), "MessageRejected");
    let elsewhere = keyminder_testkit::sdk::config(&aws.sandbox, "eu-west-1");
    let elsewhere = aws_sdk_sesv2::Client::new(&elsewhere);
    refused!(elsewhere.get_email_identity().email_identity("example.com"), "NotFoundException");
    done!(client.delete_email_identity().email_identity("keys@example.org"));
}

#[tokio::test]
async fn a_suppressed_address_is_accepted_and_not_reached_and_the_daily_quota_ends_sending() {
    let (aws, client) = ses(false).await;
    let suppressed = client.put_suppressed_destination().email_address("anna@example.com");
    done!(suppressed.reason(SuppressionListReason::Bounce));
    done!(email(&client, "keys@example.com", &["anna@example.com", "ben@example.com"]));
    assert_eq!(aws.sandbox.emails()[0].suppressed, ["anna@example.com"]);
    let fifty = vec!["ben@example.com"; 50];
    for _ in 0..3 {
        done!(email(&client, "keys@example.com", &fifty));
    }
    refused!(email(&client, "keys@example.com", &fifty), "TooManyRequestsException");
    refused!(email(&client, "keys@example.com", &["ben@example.com"; 51]), "BadRequestException");
    aws.sandbox.edit(|world| world.region("us-east-1").ses.paused = true);
    refused!(email(&client, "keys@example.com", &["ben@example.com"]), "SendingPausedException");
}

/// Allows SES's `SendEmail` from one sender to one domain, on these resources.
fn policy(resources: &str) -> String {
    format!(
        r#"{{"Statement": [{{"Effect": "Allow", "Action": "ses:SendEmail", "Resource": {resources}, "Condition": {{
            "StringEquals": {{"ses:FromAddress": "keys@example.com"}},
            "ForAllValues:StringLike": {{"ses:Recipients": ["*@example.com"]}},
            "Null": {{"ses:Recipients": "false"}}}}}}]}}"#
    )
}

#[tokio::test]
async fn a_policy_holds_an_email_to_its_sender_and_to_the_domains_of_its_recipients() {
    let (aws, client) = ses(true).await;
    let identities = r#""arn:aws:ses:us-east-1:123456789012:identity/*""#;
    aws.sandbox.enforce(&policy(identities)).expect("a policy");
    done!(email(&client, "keys@example.com", &["anna@example.com"]));
    for (from, to) in [
        ("other@example.com", &["anna@example.com"][..]),
        ("keys@example.com", &["anna@example.com", "eve@evil.org"]),
        ("keys@example.com", &["eve@evil.org"]),
        ("keys@example.com", &["anna@sub.example.com"]),
        ("keys@example.com", &[]),
    ] {
        refused!(email(&client, from, to), "AccessDeniedException");
    }
    // A verified recipient's own identity is asked for as well.
    aws.sandbox.edit(|world| {
        let identity = EmailIdentity { verified: true, configuration_set: None };
        world.region("us-east-1").ses.identities.insert("anna@example.com".into(), identity);
    });
    done!(email(&client, "keys@example.com", &["anna@example.com"]));
    let sender = r#""arn:aws:ses:us-east-1:123456789012:identity/example.com""#;
    aws.sandbox.enforce(&policy(sender)).expect("a policy");
    refused!(email(&client, "keys@example.com", &["anna@example.com"]), "AccessDeniedException");
    done!(email(&client, "keys@example.com", &["ben@example.com"]));
}

#[tokio::test]
async fn the_configuration_set_of_an_identity_needs_to_be_allowed_too() {
    let (aws, client) = ses(true).await;
    aws.sandbox.edit(|world| {
        let ses = &mut world.region("us-east-1").ses;
        ses.configuration_sets.insert("tracked".into());
        ses.identities.get_mut("example.com").expect("an identity").configuration_set = Some("tracked".into());
    });
    let identities = r#""arn:aws:ses:us-east-1:123456789012:identity/*""#;
    aws.sandbox.enforce(&policy(identities)).expect("a policy");
    let told = refused!(email(&client, "keys@example.com", &["anna@example.com"]), "AccessDeniedException");
    assert!(told.contains("configuration-set/tracked"), "{told}");
    let both = format!(r#"[{identities}, "arn:aws:ses:us-east-1:123456789012:configuration-set/tracked"]"#);
    aws.sandbox.enforce(&policy(&both)).expect("a policy");
    done!(email(&client, "keys@example.com", &["anna@example.com"]));
    assert_eq!(aws.sandbox.emails()[0].configuration_set.as_deref(), Some("tracked"));
    let unknown = email(&client, "keys@example.com", &["anna@example.com"]).configuration_set_name("no");
    aws.sandbox.edit(|world| world.deployer = None);
    refused!(unknown, "NotFoundException");
}

#[tokio::test]
async fn an_account_has_a_security_contact_once_it_is_set() {
    let aws = instant().await;
    let client = aws_sdk_account::Client::new(&aws.config);
    let security = || client.get_alternate_contact().alternate_contact_type(AlternateContactType::Security);
    refused!(security(), "ResourceNotFoundException");
    let put = client.put_alternate_contact().alternate_contact_type(AlternateContactType::Security);
    done!(put.email_address("sec@example.com").name("Sec").phone_number("+491").title("Security"));
    let contact = done!(security()).alternate_contact.expect("a contact");
    assert_eq!(contact.email_address(), Some("sec@example.com"));
    refused!(security().account_id("200000001111"), "AccessDeniedException");
}

#[tokio::test]
async fn the_management_account_reads_members_contacts_by_id_and_its_own_without() {
    let aws = aws(Options::instant().with_clock(held())).await;
    let users = Seed { users: 1, old: 0, ..Seed::default() };
    aws.sandbox.seed_organization(&OrganizationSeed { accounts: 2, users, ..OrganizationSeed::default() });
    let client = aws_sdk_account::Client::new(&aws.config);
    let security = || client.get_alternate_contact().alternate_contact_type(AlternateContactType::Security);
    let member = aws.sandbox.edit(|world| {
        let member = world.others.keys().next().expect("a member").clone();
        let contact =
            keyminder_sandbox::world::AlternateContact { email: "m@example.com".into(), ..Default::default() };
        world.account(&member).expect("an account").contacts.insert("SECURITY".into(), contact);
        world.organization.as_mut().expect("an organization").trusted_services.clear();
        member
    });
    refused!(security().account_id(&member), "AccessDeniedException");
    aws.sandbox.edit(|world| {
        let organization = world.organization.as_mut().expect("an organization");
        organization.trusted_services.insert("account.amazonaws.com".into());
    });
    let contact = done!(security().account_id(&member)).alternate_contact.expect("a contact");
    assert_eq!(contact.email_address(), Some("m@example.com"));
    refused!(security().account_id("123456789012"), "AccessDeniedException");
}
