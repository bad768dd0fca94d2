//! Which fields of a change are worth a line to somebody who does not ask for all of them.
//!
//! Owns that choice, by what the resources say that each field means. It must not know any field's name.

use keyminder_reconcile::{Action, FieldChange, Meaning};
use serde_json::Value;

/// The fields worth a line, and how many others there are: of something new what a person decides, of what changes
/// everything that does.
pub(super) fn split(fields: &[FieldChange], action: Action) -> (Vec<FieldChange>, usize) {
    let shown: Vec<_> = fields.iter().filter_map(|field| worth(field, action)).collect();
    let hidden = match action {
        Action::Create => fields.len() - shown.len(),
        _ => 0,
    };
    (shown, hidden)
}

fn worth(field: &FieldChange, action: Action) -> Option<FieldChange> {
    match &field.meaning {
        Meaning::Element { kind, name } => {
            let present = |value: &Value| if value.is_null() { Value::Null } else { Value::from(name.as_str()) };
            Some(FieldChange {
                path: kind.as_str().into(),
                before: present(&field.before),
                after: present(&field.after),
                meaning: Meaning::Decided,
            })
        }
        Meaning::OfElement => None,
        Meaning::Derived if action == Action::Create => None,
        Meaning::Derived | Meaning::Decided => Some(field.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(name: &str, meaning: Meaning) -> FieldChange {
        FieldChange { path: name.into(), before: Value::Null, after: json!("x"), meaning }
    }

    fn element() -> Meaning {
        Meaning::Element { kind: "email".to_owned(), name: "ops@example.com".to_owned() }
    }

    #[test]
    fn something_new_shows_what_a_person_decides_and_counts_the_rest() {
        let fields = [field("a", Meaning::Decided), field("b", Meaning::Derived), field("c", Meaning::OfElement)];
        let (shown, hidden) = split(&fields, Action::Create);
        assert_eq!((shown.as_slice(), hidden), (&fields[..1], 2));
    }

    #[test]
    fn a_change_shows_every_field_that_differs() {
        let fields = [field("a", Meaning::Decided), field("b", Meaning::Derived)];
        assert_eq!(split(&fields, Action::Update), (fields.to_vec(), 0));
    }

    #[test]
    fn an_element_that_comes_or_goes_is_one_line_with_its_name() {
        let gone = FieldChange { before: json!(true), after: Value::Null, ..field("y", element()) };
        let (shown, _) = split(&[field("x", element()), field("raw", Meaning::OfElement), gone], Action::Update);
        let told: Vec<_> = shown.iter().map(|one| (one.path.to_string(), &one.before, &one.after)).collect();
        let (none, name) = (Value::Null, json!("ops@example.com"));
        assert_eq!(told, [("email".to_owned(), &none, &name), ("email".to_owned(), &name, &none)]);
    }
}
