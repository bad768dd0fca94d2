//! The page of `check --format html` in a real browser, headless Chromium. Ignored unless you ask for them:
//! `cargo test --test browser -- --ignored`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use keyminder_testkit::command::World;
use sha2::{Digest, Sha256};

/// The browser on the path.
fn browser() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file())
        .expect("Chromium on the path")
}

/// The page of an account, with a script of the test's at its end, which the page's content policy is made to allow.
fn page(world: &World, script: &str) -> PathBuf {
    let html = world.ok(&["check", "--format", "html", "--all"]).stdout;
    assert!(html.starts_with("<!doctype html>") || html.starts_with("<!DOCTYPE html>"), "{}", &html[..80]);
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(script));
    let html = html.replace("script-src ", &format!("script-src 'sha256-{hash}' "));
    world.write("page.html", &html.replace("</body>", &format!("<script>{script}</script></body>")));
    world.home.path().join("page.html")
}

/// The document after its scripts have run, in a window so wide.
fn opened(browser: &Path, page: &Path, width: u32) -> String {
    let profile = tempfile::tempdir().unwrap();
    let ran = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--dump-dom"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--window-size={width},900"))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// What the test's script left in the document's title.
fn title(document: &str) -> &str {
    document.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).expect("a title")
}

#[test]
#[ignore = "needs Chromium"]
fn the_table_sorts_by_a_column_both_ways() {
    let browser = browser();
    let world = World::seeded(30, 6);
    let ages = "const ages = () => [...document.querySelector('table.keys').tBodies[0].rows].map(row => \
        Number(row.cells[3].textContent)).join(' ');\
        const age = document.querySelectorAll('table.keys th button')[3];\
        age.click(); const up = ages(); age.click(); document.title = up + '|' + ages();";
    let document = opened(&browser, &page(&world, ages), 1000);
    let (up, down) = title(&document).split_once('|').expect("both orders");
    let numbers = |text: &str| text.split(' ').map(|n| n.parse::<u32>().expect("an age")).collect::<Vec<_>>();
    let (up, down) = (numbers(up), numbers(down));
    assert!(up.len() > 20 && up.is_sorted(), "{up:?}");
    assert!(down.is_sorted_by(|a, b| a >= b), "{down:?}");
}

#[test]
#[ignore = "needs Chromium"]
fn on_a_phone_the_page_itself_does_not_scroll_sideways() {
    let browser = browser();
    let world = World::seeded(30, 6);
    // A frame is as narrow as it says; headless windows are not.
    let script = "if (window === window.top) { const frame = document.createElement('iframe'); frame.style.width = '375px';\
        frame.srcdoc = document.documentElement.outerHTML; document.body.append(frame);\
        frame.onload = () => { const inner = frame.contentDocument.documentElement;\
        document.title = inner.clientWidth + ' ' + inner.scrollWidth; }; }";
    let document = opened(&browser, &page(&world, script), 1000);
    let (client, scroll) = title(&document).split_once(' ').expect("two widths");
    assert!(client.parse::<u32>().expect("a width") <= 375, "{client}");
    assert_eq!(scroll, client, "something is wider than the page");
}

#[test]
#[ignore = "needs Chromium"]
fn hostile_names_run_nothing_in_the_page() {
    let browser = browser();
    let world = World::seeded(3, 1);
    world.sandbox.edit(|account| {
        let tag = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">";
        for user in account.iam.users.values_mut() {
            user.tags.insert("owner".into(), tag.into());
        }
    });
    let document = opened(&browser, &page(&world, ""), 1000);
    assert!(title(&document).starts_with("IAM access keys of account"), "{}", title(&document));
}

#[test]
#[ignore = "needs Chromium"]
fn the_content_policy_allows_the_pages_own_style_and_script_and_no_other() {
    let browser = browser();
    let world = World::seeded(3, 1);
    let probe = "const bar = getComputedStyle(document.querySelector('.bars svg')); \
        document.title = bar.height + ' ' + parseFloat(bar.width);";
    let document = opened(&browser, &page(&world, probe), 1000);
    let (height, width) = title(&document).split_once(' ').expect("a bar with height and width");
    assert!(height != "auto" && width.parse::<f64>().expect("a width") > 10.0, "{height} {width}");

    let html = world.ok(&["check", "--format", "html"]).stdout;
    let foreign = "<script>document.title = 'taken'</script>\
        <img src=\"data:,\" onerror=\"document.title = 'taken'\">";
    world.write("foreign.html", &html.replace("</body>", &format!("{foreign}</body>")));
    let document = opened(&browser, &world.home.path().join("foreign.html"), 1000);
    assert!(title(&document).starts_with("IAM access keys of account"), "{}", title(&document));
}
