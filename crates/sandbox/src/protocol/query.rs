//! The XML query protocol of IAM, STS and SNS: form bodies in, XML out. Knows no operation.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use quick_xml::escape::escape;
use serde_json::{Map, Value};

use super::{AwsError, Service};

/// The fields of a form body or a query string.
pub(crate) fn fields(form: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    form.split('&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            (decode(name), decode(value))
        })
        .collect()
}

#[derive(Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

/// The most fields that a request may have, and the most parts that a field's name may have. The largest requests that
/// the SDKs make have a few hundred fields of five parts.
const MOST: (usize, usize) = (10_000, 16);

/// The fields as a JSON object: `Tags.member.1.Key` becomes `{"Tags": [{"Key": …}]}`, `Attributes.entry.1.key` and
/// `.value` become `{"Attributes": {…}}`. The error is a sentence.
pub(crate) fn parameters(fields: &[(String, String)]) -> Result<Value, &'static str> {
    if fields.len() > MOST.0 {
        return Err("The request has too many parameters.");
    }
    let mut root = Node::default();
    for (name, value) in fields {
        if name.split('.').count() > MOST.1 {
            return Err("The name of a parameter has too many parts.");
        }
        let mut node = &mut root;
        for part in name.split('.') {
            node = node.children.entry(part.to_owned()).or_default();
        }
        node.text = Some(value.clone());
    }
    Ok(root.into_value())
}

impl Node {
    fn into_value(mut self) -> Value {
        if self.children.len() == 1 {
            if let Some(list) = self.children.remove("member") {
                return Value::Array(list.into_items().map(Self::into_value).collect());
            }
            if let Some(entries) = self.children.remove("entry") {
                return Value::Object(entries.into_items().filter_map(Self::into_entry).collect());
            }
        }
        if self.children.is_empty() {
            return Value::String(self.text.unwrap_or_default());
        }
        Value::Object(self.children.into_iter().map(|(name, node)| (name, node.into_value())).collect())
    }

    fn into_items(self) -> impl Iterator<Item = Self> {
        let mut items: Vec<(usize, Self)> =
            self.children.into_iter().filter_map(|(index, node)| Some((index.parse().ok()?, node))).collect();
        items.sort_by_key(|(index, _)| *index);
        items.into_iter().map(|(_, node)| node)
    }

    fn into_entry(mut self) -> Option<(String, Value)> {
        let mut take = |names: [&str; 2]| names.into_iter().find_map(|name| self.children.remove(name));
        let key = take(["key", "Name"])?.text?;
        let value = take(["value", "Value"]).map_or(Value::Null, Self::into_value);
        Some((key, value))
    }
}

fn namespace(service: Service) -> &'static str {
    match service {
        Service::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        Service::Sns => "http://sns.amazonaws.com/doc/2010-03-31/",
        _ => "https://iam.amazonaws.com/doc/2010-05-08/",
    }
}

/// The key under which a result holds a map, which XML writes as `<entry>`s.
pub(crate) const ENTRIES: &str = "$entries";

/// A map as a result holds it.
pub(crate) fn entries(map: &BTreeMap<String, String>) -> Value {
    serde_json::json!({ ENTRIES: map })
}

/// The document that answers an operation.
pub(crate) fn success(service: Service, operation: &str, result: &Value, request_id: &str) -> String {
    let mut xml = format!("<{operation}Response xmlns=\"{}\">", namespace(service));
    element(&mut xml, &format!("{operation}Result"), result);
    xml.push_str(&format!(
        "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    ));
    xml
}

/// The document that says what went wrong.
pub(crate) fn failure(service: Service, error: &AwsError, request_id: &str) -> String {
    let kind = if error.status >= 500 { "Receiver" } else { "Sender" };
    format!(
        "<ErrorResponse xmlns=\"{}\"><Error><Type>{kind}</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{request_id}</RequestId></ErrorResponse>",
        namespace(service),
        escape(error.code.as_str()),
        escape(error.message.as_str())
    )
}

fn element(xml: &mut String, name: &str, value: &Value) {
    if value.is_null() {
        return;
    }
    xml.push_str(&format!("<{name}>"));
    match value {
        Value::Array(items) => items.iter().for_each(|item| element(xml, "member", item)),
        Value::Object(object) => match object.get(ENTRIES) {
            Some(Value::Object(map)) => entry_elements(xml, map),
            _ => object.iter().for_each(|(name, value)| element(xml, name, value)),
        },
        Value::String(text) => xml.push_str(&escape(text.as_str())),
        other => xml.push_str(&other.to_string()),
    }
    xml.push_str(&format!("</{name}>"));
}

fn entry_elements(xml: &mut String, map: &Map<String, Value>) {
    for (key, value) in map {
        xml.push_str("<entry>");
        element(xml, "key", &Value::String(key.clone()));
        element(xml, "value", value);
        xml.push_str("</entry>");
    }
}
