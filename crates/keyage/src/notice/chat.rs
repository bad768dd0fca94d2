//! The custom notification of Amazon Q Developer in chat applications, for Slack and Microsoft Teams.
//!
//! Owns its shape ("Custom notifications using Amazon Q Developer in chat applications"). It must not
//! know SNS's other forms: this one is the whole message, which e-mail subscribers would see as JSON.

use serde_json::json;

use super::draft::Draft;
use super::{install_flag, set_aside, subject};
use crate::key::CredentialKind;
use crate::report::Finding;
use crate::untrusted::{chat, cut, shell_word};
use crate::verdict::Verdict;

/// Keys that are named; the rest is counted. A message in a channel is read, not searched.
const NAMED: usize = 25;
const TITLE: usize = 250;
const DESCRIPTION: usize = 8_000;

pub(super) fn notification(draft: &Draft<'_>, subject: &str) -> String {
    let report = draft.report;
    let icon = match draft.kind {
        "test" | "all_clear" => ":information_source:",
        _ => ":warning:",
    };
    let summary = subject::sms(draft);
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
            // Later notices of the same install appear in the same thread where the channel allows it.
            "threadId": format!("keyminder-{}-{}-{}", report.account, draft.context.region, draft.context.install),
            "summary": chat(&summary),
            "eventType": format!("keyminder.{}", draft.kind),
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
        "test" => "This is a test. It says nothing about your keys, and there is nothing to do.\n".to_owned(),
        "all_clear" => format!(
            "All {} users were read, with {} keys.\n{}",
            draft.report.summary.users_read,
            draft.report.summary.keys,
            set_aside(&draft.report.summary)
        ),
        _ => String::new(),
    };
    if let Some(alias) = &draft.report.account_alias {
        text.push_str(&format!("Account `{}` (`{}`)\n", draft.report.account, chat(alias)));
    }
    let told: Vec<_> = draft.findings.iter().filter(|finding| finding.verdict != Verdict::Exempt).collect();
    for finding in told.iter().take(NAMED) {
        text.push_str(&format!("• `{}` {}", chat(&finding.user), chat(&Draft::short(finding))));
        if let Some(owner) = &finding.owner {
            text.push_str(&format!(", owner `{}`", chat(&cut(owner, 64))));
        }
        text.push('\n');
    }
    if told.len() > NAMED {
        text.push_str(&format!("… and {} more: `keyminder check` lists them all.\n", told.len() - NAMED));
    }
    let root = draft.account_matters.then_some(draft.report.root_access_keys).flatten().unwrap_or(0);
    if root > 0 {
        text.push_str("The root user has an access key: delete it and use a role instead.\n");
    }
    if draft.account_matters && !draft.report.complete {
        text.push_str(&format!("Read: {}; the rest is unknown, not clean.\n", draft.report.users_read()));
        if let Some(error) = draft.report.errors.first() {
            text.push_str(&format!("`{}`\n", chat(&cut(&error.to_string(), 300))));
        }
    }
    cut(&text, DESCRIPTION)
}

fn next_steps(draft: &Draft<'_>) -> Vec<String> {
    let flag = install_flag(&draft.context.install);
    let mut steps = Vec::new();
    // The commands are for access keys alone.
    let wants_rotation = |finding: &&&Finding| {
        finding.kind == CredentialKind::AccessKey && matches!(finding.verdict, Verdict::Old | Verdict::Due)
    };
    if let Some(worst) = draft.findings.iter().find(wants_rotation) {
        let user = chat(&shell_word(&worst.user));
        steps.push(format!("Make a second key and switch over: `aws iam create-access-key --user-name {user}`"));
        steps.push(format!(
            "Switch the old one off, wait, delete it: `aws iam update-access-key --user-name {user} --access-key-id {} --status Inactive`",
            chat(worst.access_key_id.as_deref().unwrap_or_default())
        ));
    }
    steps.push(format!("See everything: `keyminder check`; change the limit or remove this: `keyminder setup{flag}`, `keyminder teardown{flag}`"));
    steps
}
