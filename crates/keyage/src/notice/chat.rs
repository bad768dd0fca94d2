//! The custom notification of Amazon Q Developer in chat applications, for Slack and Microsoft Teams.
//!
//! Owns its shape ("Custom notifications using Amazon Q Developer in chat applications"). It must not know SNS's other
//! forms: this one is the whole message, which email subscribers would see as JSON.

use serde_json::json;

use super::commands::install_flag;
use super::draft::{Draft, Kind};
use super::lines::{date, not_counted};
use crate::key::KeyStatus;
use crate::report::Finding;
use crate::untrusted::{Untrusted, chat, cut, shell_option};
use crate::verdict::{Remedy, Verdict};

/// Keys that are named; the rest is counted. A message in a channel is read, not searched.
const NAMED: usize = 25;
const TITLE: usize = 250;
const DESCRIPTION: usize = 8_000;

pub(super) fn notification(draft: &Draft<'_>, subject: &str, sms: &str) -> String {
    let report = draft.report;
    let icon = match draft.kind {
        Kind::Test | Kind::AllClear => ":information_source:",
        _ => ":warning:",
    };
    json!({
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": cut(&format!("{icon} {}", chat(subject)), TITLE),
            "description": description(draft),
            "nextSteps": next_steps(draft),
            "keywords": [report.account, draft.context.install],
        },
        "metadata": {
            // Later notices of the same installation appear in the same thread if the channel allows it.
            "threadId": format!("keyminder-{}-{}-{}", report.account, draft.context.region, draft.context.install),
            "summary": chat(sms),
            "eventType": format!("keyminder.{}", draft.kind.as_str()),
            "relatedResources": [],
            "additionalContext": {
                "account": report.account,
                "as_of": report.as_of.to_string(),
                "max_age_days": report.max_age_days.to_string(),
                "old": report.summary.old.to_string(),
                "due": report.summary.due.to_string(),
                "users_unknown": report.summary.users_unknown.to_string(),
            },
        },
    })
    .to_string()
}

fn description(draft: &Draft<'_>) -> String {
    let mut text = match draft.kind {
        Kind::Test => "This is a test. It says nothing about your keys. No action is needed.\n".to_owned(),
        Kind::AllClear => {
            let summary = &draft.report.summary;
            let not_counted = not_counted(summary).map(|line| line + "\n").unwrap_or_default();
            format!("All {} users were read, with {} keys.\n{not_counted}", summary.users_read, summary.keys)
        }
        Kind::Failure => format!("`{}`\n", chat(&cut(draft.reason.unwrap_or_default(), 1_000))),
        _ => String::new(),
    };
    if draft.is_incomplete() {
        text.push_str(&format!("Only {} could be read; keys of the others may be old.\n", draft.report.users_read()));
        if let Some(error) = draft.report.errors.first() {
            text.push_str(&format!("`{}`\n", chat(&cut(&error.to_string(), 300))));
        }
    }
    if let Some(alias) = &draft.report.account_alias {
        text.push_str(&format!("Account `{}` (`{}`)\n", draft.report.account, chat(alias)));
    }
    let listed: Vec<_> = draft.findings.iter().filter(|finding| finding.verdict != Verdict::Exempt).collect();
    for finding in listed.iter().take(NAMED) {
        text.push_str(&format!("• `{}` {}", chat(&finding.user), chat(&in_short(finding))));
        if let Some(owner) = &finding.owner {
            text.push_str(&format!(", owner `{}`", chat(&Untrusted::without_links(owner).cut(64))));
        }
        text.push('\n');
    }
    if listed.len() > NAMED {
        text.push_str(&format!("… and {} more. To list all keys, run `keyminder check`\n", listed.len() - NAMED));
    }
    if draft.root_keys() > 0 {
        text.push_str("The root user has an access key: delete it and use a role instead.\n");
    }
    cut(&text, DESCRIPTION)
}

/// One line on a key.
fn in_short(finding: &Finding) -> String {
    let id = finding.access_key_id.as_deref().unwrap_or("(not read)");
    let age = finding.age_in_words();
    let deletable = if finding.remedy == Some(Remedy::Delete) { ", can be deleted" } else { "" };
    match (finding.verdict, finding.due_at) {
        (Verdict::Due, Some(due_at)) => format!("{id}, {age}, old on {}{deletable}", date(due_at)),
        (Verdict::Unknown, _) => "could not be read".to_owned(),
        _ => format!("{id}, {age}{deletable}"),
    }
}

fn next_steps(draft: &Draft<'_>) -> Vec<String> {
    let mut steps = Vec::new();
    for (remedy, _, example) in draft.remedies() {
        let user = chat(&shell_option("--user-name", &example.user));
        let key = chat(&shell_option("--access-key-id", example.access_key_id.as_deref().unwrap_or_default()));
        match remedy {
            Remedy::Rotate => {
                steps.push(format!("Rotate: create a second key and switch over: `aws iam create-access-key {user}`"));
                steps.push(format!(
                    "Then deactivate the old key, wait, delete it: `aws iam update-access-key {user} {key} --status Inactive`"
                ));
            }
            Remedy::Delete if example.status == Some(KeyStatus::Inactive) => {
                steps.push(format!("Delete the inactive key: `aws iam delete-access-key {user} {key}`"));
            }
            Remedy::Delete => steps.push(format!(
                "Deactivate an unused key, wait, delete it: `aws iam update-access-key {user} {key} --status Inactive`"
            )),
            // The commands of the other credentials differ by kind.
            Remedy::Replace => steps.push("Replace the other credentials, then delete the old ones".to_owned()),
        }
    }
    if let Some(url) = &draft.settings.runbook_url {
        steps.push(format!("Runbook: {}", url.replace('&', "&amp;")));
    }
    if let Some(contact) = &draft.settings.contact {
        steps.push(format!("Questions: {}", chat(contact)));
    }
    let flag = chat(&install_flag(&draft.context.install));
    steps.push(format!("List all keys: `keyminder check`; check the notifier: `keyminder status{flag}`"));
    steps
}
