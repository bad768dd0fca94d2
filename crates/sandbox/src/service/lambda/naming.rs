//! How a request names a function: by name, by ARN or by a part of one. Owns what Lambda says of a name that is none.

use crate::protocol::AwsError;
use crate::service::Request;

/// A function's name, and the version or alias where one is named.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) qualifier: Option<String>,
    region: Option<String>,
    account: Option<String>,
}

const LATEST: &str = "$LATEST";

/// Operations that also take names with dots and the version `$LATEST.PUBLISHED`, and longer ones.
fn is_lenient(operation: &str) -> bool {
    matches!(operation, "GetFunction" | "Invoke")
}

fn pattern(operation: &str) -> &'static str {
    if is_lenient(operation) || operation == "DeleteFunction" {
        r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
    } else {
        r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
    }
}

/// `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.strip_prefix("eusc-").unwrap_or(text).split('-').collect();
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let ends = |part: &str| part.len() == 1 && part.bytes().all(|byte| byte.is_ascii_digit());
    match parts[..] {
        [country, place, number] => country.len() == 2 && letters(country) && letters(place) && ends(number),
        [country, kind, place, number] => {
            country.len() == 2 && (kind == "gov" || kind.starts_with("iso")) && letters(place) && ends(number)
        }
        _ => false,
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads a name; nothing where it is none.
pub(super) fn parse(text: &str, lenient: bool) -> Option<Named> {
    let word = |text: &str, others: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    let rest = match text.strip_prefix("arn:") {
        Some(rest) => {
            let (partition, rest) = rest.split_once(':')?;
            let known = partition.is_empty() || partition.starts_with("aws");
            rest.strip_prefix("lambda:").filter(|_| known)?
        }
        None => text,
    };
    let mut parts: Vec<&str> = rest.split(':').collect();
    let mut take =
        |fits: &dyn Fn(&str) -> bool| (parts.len() > 1 && fits(parts[0])).then(|| parts.remove(0).to_owned());
    let region = take(&is_region);
    let account = take(&is_account);
    take(&|part| part == "function");
    let (name, qualifier) = match parts[..] {
        [name] => (name, None),
        [name, qualifier] => (name, Some(qualifier)),
        _ => return None,
    };
    let is_qualifier = |text: &str| text == LATEST || lenient && text == "$LATEST.PUBLISHED" || word(text, "-_");
    (word(name, if lenient { "-_." } else { "-_" }) && qualifier.is_none_or(is_qualifier)).then(|| Named {
        name: name.into(),
        qualifier: qualifier.map(str::to_owned),
        region,
        account,
    })
}

/// The function that a request names, in this region and account.
pub(super) fn named(request: &Request<'_>) -> Result<Named, AwsError> {
    let input = request.input;
    let operation = request.operation;
    let text = input.text("FunctionName").or(input.text("Resource")).unwrap_or_default();
    let sent = input.text("Qualifier");
    let mut wrong = Vec::new();
    let too_long = |text: &str, field: &str, most: usize| {
        (text.len() > most).then(|| {
            format!(
                "Value '{text}' at '{field}' failed to satisfy constraint: Member must have length less than or equal \
                 to {most}"
            )
        })
    };
    let found;
    if input.has("Resource") {
        found = parse(text, false).filter(|_| text.starts_with("arn:") && text.contains(":function:"));
        if found.is_none() {
            wrong.push(format!(
                "Value '{text}' at 'resource' failed to satisfy constraint: Member must satisfy regular expression \
                 pattern: {RESOURCE}"
            ));
        }
    } else {
        let long = too_long(text, "functionName", if is_lenient(operation) { 170 } else { 140 });
        found = parse(text, is_lenient(operation));
        // Of a name that is wrong in both ways some operations report one only: DeleteFunction the length, or of an ARN
        // the pattern.
        let only_pattern = is_lenient(operation) || operation == "DeleteFunction" && text.starts_with("arn:");
        let told = match operation {
            _ if only_pattern => (long.filter(|_| found.is_some()), found.is_none()),
            "DeleteFunction" => (long.clone(), found.is_none() && long.is_none()),
            _ => (long, found.is_none()),
        };
        wrong.extend(told.0);
        if told.1 {
            wrong.push(format!(
                "Value '{text}' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression \
                 pattern: {}",
                pattern(operation)
            ));
        }
        wrong.extend(sent.and_then(|sent| too_long(sent, "qualifier", 128)));
        let strange = |sent: &&str| !sent.chars().all(|c| c.is_ascii_alphanumeric() || "-_$".contains(c));
        if let Some(sent) = sent.filter(strange).filter(|sent| *sent != "$LATEST.PUBLISHED") {
            wrong.push(format!(
                "Value '{sent}' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression \
                 pattern: \\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
            ));
        }
    }
    let Some(mut named) = found.filter(|_| wrong.is_empty()) else {
        let (count, plural) = (wrong.len(), if wrong.len() == 1 { "" } else { "s" });
        let message = format!("{count} validation error{plural} detected: {}", wrong.join("; "));
        return Err(AwsError::new("ValidationException", message));
    };
    if let (Some(derived), Some(sent)) = (&named.qualifier, sent)
        && derived != sent
    {
        let message = "The derived qualifier from the function name does not match the specified qualifier.";
        return Err(AwsError::new("InvalidParameterValueException", message));
    }
    named.qualifier = named.qualifier.or(sent.map(str::to_owned));
    reachable(request, &named)?;
    Ok(named)
}

const RESOURCE: &str = r"arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)";

/// Another region's function is never found here, and another account's is not this caller's.
fn reachable(request: &Request<'_>, named: &Named) -> Result<(), AwsError> {
    if let Some(region) = named.region.as_deref().filter(|region| *region != request.region) {
        let message = format!("Functions from '{region}' are not reachable in this region ('{}')", request.region);
        return Err(AwsError::new("ResourceNotFoundException", message).status(404));
    }
    if let Some(account) = named.account.as_ref().filter(|account| **account != request.world.account) {
        let action = if request.operation == "Invoke" { "InvokeFunction" } else { request.operation };
        let message = format!(
            "User: {} is not authorized to perform: lambda:{action} on resource: \
             arn:{}:lambda:{}:{account}:function:{} because no resource-based policy allows the lambda:{action} action",
            request.caller, request.world.partition, request.region, named.name
        );
        return Err(AwsError::new("AccessDeniedException", message).status(403));
    }
    Ok(())
}

impl Named {
    /// Whether it means the function as it is now: the sandbox keeps no versions and no aliases.
    pub(super) fn is_latest(&self) -> bool {
        self.qualifier.as_deref().is_none_or(|qualifier| qualifier == LATEST)
    }

    /// The ARN's part after the account, as a refusal of this operation has it.
    pub(super) fn resource(&self, operation: &str) -> String {
        match &self.qualifier {
            None if matches!(operation, "Invoke" | "PutFunctionConcurrency") => {
                format!("function:{}:{LATEST}", self.name)
            }
            Some(qualifier) => format!("function:{}:{qualifier}", self.name),
            None => format!("function:{}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_an_arn_and_parts_of_one_name_a_function() {
        for text in [
            "f",
            "function:f",
            "123456789012:f",
            "123456789012:function:f",
            "us-east-1:123456789012:function:f",
            "arn:aws:lambda:us-east-1:123456789012:function:f",
        ] {
            let found = parse(text, false).expect(text);
            assert_eq!((found.name.as_str(), found.qualifier), ("f", None), "{text}");
            let found = parse(&format!("{text}:$LATEST"), false).expect(text);
            assert_eq!((found.name.as_str(), found.qualifier.as_deref()), ("f", Some("$LATEST")), "{text}");
        }
        for text in [
            "",
            "f?",
            "f:1:2",
            "arn:aws:ec2:us-east-1:123456789012:function:f",
            "arn:aws:lambda:x:123456789012:function:f",
            "f:$latest",
        ] {
            assert_eq!(parse(text, false), None, "{text}");
        }
    }
}
