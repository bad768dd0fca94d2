//! Every link within the repository leads somewhere.

use crate::page::{pages, prose, root, text};

/// The fragment that a heading is reached by, as GitHub makes it.
fn fragment(heading: &str) -> String {
    let kept = heading.chars().filter(|&c| c.is_alphanumeric() || c == ' ' || c == '-' || c == '_');
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

fn fragments(page: &str) -> Vec<String> {
    prose(page)
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| fragment(line.trim_matches('#').trim()))
        .collect()
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let content = prose(&text(&page));
        for link in content.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.starts_with("http") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => root().join(&page),
                path => root().join(&page).parent().unwrap().join(path),
            };
            let known = target.exists()
                && (anchor.is_empty()
                    || fragments(&std::fs::read_to_string(&target).unwrap_or_default()).contains(&anchor.to_owned()));
            if !known {
                broken.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_page_of_the_documentation_is_in_its_index() {
    let index = text("docs/README.md");
    for page in pages() {
        if let Some(name) = page.strip_prefix("docs/").filter(|name| !name.contains('/') && *name != "README.md") {
            assert!(index.contains(name), "{name} is not in docs/README.md");
        }
    }
}
