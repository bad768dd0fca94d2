//! Serde's messages for programmers, in words for people who write configuration files.

/// The field that the message says is unknown.
pub(super) fn unknown_field(message: &str) -> Option<&str> {
    message.strip_prefix("unknown field `")?.split('`').next()
}

/// Whether the message says that a table belongs here.
pub(super) fn wants_table(message: &str) -> bool {
    let wanted = message.split_once(", expected ").map_or("", |(_, wanted)| wanted.lines().next().unwrap_or_default());
    message.starts_with("invalid type: ") && (wanted == "a map" || wanted.starts_with("struct "))
}

/// The words in backticks after the first: what would have been accepted.
pub(super) fn alternatives(message: &str) -> Vec<&str> {
    message.split('`').skip(3).step_by(2).collect()
}

/// What the user may have meant by an unknown field: a similar one, the same one in another table, or any of those that
/// exist.
pub(super) fn suggestion(message: &str, elsewhere: Option<String>) -> String {
    let name = unknown_field(message).unwrap_or_default();
    let known = alternatives(message);
    match (similar(name, &known), elsewhere) {
        (Some(best), _) => format!(" (did you mean '{best}'?)"),
        (None, Some(elsewhere)) => format!(" (did you mean {elsewhere}?)"),
        (None, None) if known.is_empty() => String::new(),
        (None, None) => format!(". Valid keys: {}", known.join(", ")),
    }
}

fn similar<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let likeness = |known: &str| strsim::jaro_winkler(&name.to_lowercase(), known);
    let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) > 0.8).then_some(best)
}

/// A message of serde or of the TOML parser as a sentence.
pub(super) fn reworded(message: &str) -> String {
    let message = message.lines().next().unwrap_or_default();
    let named = message.split('`').nth(1).unwrap_or_default();
    if message.starts_with("unknown field `") {
        return format!("unknown key '{named}'{}", suggestion(message, None));
    }
    if message.starts_with("unknown variant `") {
        let known = alternatives(message);
        let meant = similar(named, &known).map(|best| format!(" (did you mean '{best}'?)")).unwrap_or_default();
        return format!("'{named}' is not one of {}{meant}", known.join(", "));
    }
    if message.starts_with("missing field `") {
        return format!("'{named}' is missing");
    }
    let found_and_wanted = |rest: &str| {
        let (found, wanted) = rest.split_once(", expected ").unwrap_or((rest, "something else"));
        (in_words(found), wanted_in_words(wanted).to_owned())
    };
    if let Some(rest) = message.strip_prefix("invalid type: ") {
        let (found, wanted) = found_and_wanted(rest);
        return format!("expected {wanted}, found {found}");
    }
    if let Some(rest) = message.strip_prefix("invalid value: ") {
        let (found, wanted) = found_and_wanted(rest);
        return format!("{found} is out of range: expected {wanted}");
    }
    message.replace('`', "'")
}

fn in_words(found: &str) -> String {
    match found.split_once(' ') {
        _ if found == "map" => "a table".to_owned(),
        _ if found == "sequence" => "a list".to_owned(),
        Some(("string", text)) => format!("the text {text}"),
        Some(("integer", number)) => format!("the number {}", number.replace('`', "")),
        Some(("boolean", value)) => value.replace('`', ""),
        Some(("floating", rest)) => format!("the number {}", rest.trim_start_matches("point ").replace('`', "")),
        _ => found.to_owned(),
    }
}

fn wanted_in_words(wanted: &str) -> &str {
    match wanted {
        "u8" | "u16" | "u32" | "u64" => "a whole number without quotes, 0 or more",
        "i64" | "i32" => "a whole number without quotes",
        "a string" => "text in quotes",
        "a boolean" => "true or false, without quotes",
        "a sequence" => "a list in square brackets",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    }
}

/// A message of the TOML parser, about this part of the text.
pub(super) fn of_toml(message: &str, written: &str) -> String {
    let digits = written.trim_start_matches(['+', '-']);
    let is_padded = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    if is_padded {
        let plain = digits.trim_start_matches('0');
        let plain = if plain.is_empty() { "0" } else { plain };
        return format!("a number cannot begin with zero: write {plain}, or \"{written}\" in quotes if it is text");
    }
    message.to_owned()
}
