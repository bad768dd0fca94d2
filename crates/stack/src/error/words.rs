//! An operation in words a person would use.

/// `sns:CreateTopic` in words: "creating SNS topic".
pub(super) fn doing(operation: &str) -> String {
    let (service, name) = operation.split_once(':').unwrap_or(("", operation));
    let service = match service {
        "events" => "EventBridge",
        "iam" => "IAM",
        "lambda" => "Lambda",
        "logs" => "CloudWatch Logs",
        "account" => "account",
        "ses" => "SES",
        "sns" => "SNS",
        "sts" => "STS",
        other => other,
    };
    let mut words = words(name).into_iter();
    let verb = match words.next().as_deref() {
        Some("get" | "describe") => "reading".to_owned(),
        Some("put" | "set") => "setting".to_owned(),
        Some(verb) if verb.ends_with('e') => format!("{}ing", &verb[..verb.len() - 1]),
        Some("untag") => "untagging".to_owned(),
        Some("tag") => "tagging".to_owned(),
        Some(verb) => format!("{verb}ing"),
        None => String::new(),
    };
    let rest: Vec<_> = words.collect();
    if rest.is_empty() || rest == ["resource"] {
        return format!("{verb} {service} resource");
    }
    format!("{verb} {service} {}", rest.join(" "))
}

fn words(camel: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for letter in camel.chars() {
        if letter.is_uppercase() || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_reads_as_what_was_being_done() {
        let said: Vec<_> = [
            "sns:CreateTopic",
            "iam:GetPolicyVersion",
            "events:PutTargets",
            "logs:TagResource",
            "lambda:UpdateFunctionCode",
            "sts:GetCallerIdentity",
            "lambda:Invoke",
            "iam:AttachRolePolicy",
        ]
        .map(doing)
        .into();
        assert_eq!(
            said,
            [
                "creating SNS topic",
                "reading IAM policy version",
                "setting EventBridge targets",
                "tagging CloudWatch Logs resource",
                "updating Lambda function code",
                "reading STS caller identity",
                "invoking Lambda resource",
                "attaching IAM role policy",
            ]
        );
    }
}
