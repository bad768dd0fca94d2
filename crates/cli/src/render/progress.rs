//! A run as it goes: one line for each resource, animated on a terminal, plain lines elsewhere.
//!
//! It must not know what a run does; [`keyminder_reconcile::Progress`] tells it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use keyminder_reconcile::{Action, Address, Event, Progress};

use super::gate::gate;
use super::screen::Screen;
use super::style::{bad, dim, good, hang};
use super::when::seconds;

/// Shows a run. `demo` and JSON output have it too: all of it goes to standard error.
pub(crate) struct RunProgress {
    screen: Arc<Screen>,
    lines: RefCell<BTreeMap<Address, Line>>,
}

struct Line {
    bar: ProgressBar,
    started: Instant,
    doing: &'static str,
    waiting: String,
}

const TICK: Duration = Duration::from_millis(100);

impl RunProgress {
    /// Nothing has begun yet.
    pub(crate) fn new(screen: Arc<Screen>) -> Self {
        Self { screen, lines: RefCell::default() }
    }

    fn begin(&self, address: Address, action: Action) {
        let doing = match action {
            Action::Create => "creating",
            Action::Update => "changing",
            Action::Delete => "deleting",
            Action::None => "checking",
        };
        let bar = self.screen.bars().add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("  {spinner:.cyan} {prefix:<23} {wide_msg} {elapsed:.dim}") {
            bar.set_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
        }
        bar.set_prefix(address.0);
        bar.set_message(doing);
        if self.screen.is_animated() {
            bar.enable_steady_tick(TICK);
        }
        self.lines.borrow_mut().insert(address, Line { bar, started: Instant::now(), doing, waiting: String::new() });
    }

    fn end(&self, address: Address, sign: &str, said: &str) {
        let Some(line) = self.lines.borrow_mut().remove(&address) else { return };
        line.bar.finish_and_clear();
        let took = seconds(line.started.elapsed());
        self.screen.remark(&format!("  {sign} {:<23} {said} {}", address.0, dim(format_args!("({took})"))));
    }
}

impl Progress for RunProgress {
    fn event(&self, address: Address, event: Event) {
        match event {
            Event::Started(action) => self.begin(address, action),
            Event::Waiting(reason) => {
                let mut lines = self.lines.borrow_mut();
                let Some(line) = lines.get_mut(&address) else { return };
                if line.waiting == reason {
                    return;
                }
                line.bar.set_message(gate(&format!("{}, waiting: {reason}", line.doing)).into_owned());
                if !self.screen.is_animated() {
                    let waiting = hang(&format!("waiting: {reason}"), 28, self.screen.width());
                    self.screen.remark(&format!("  . {:<23} {waiting}", address.0));
                }
                line.waiting = reason;
            }
            Event::Finished(action) => {
                let said = match action {
                    Action::Create => "created",
                    Action::Update => "changed",
                    Action::Delete => "deleted",
                    Action::None => "unchanged",
                };
                self.end(address, &good("✓"), said);
            }
            Event::Removed(what) => self.end(address, &good("✓"), &gate(&format!("removed {what}"))),
            Event::Interrupted => self.end(address, &dim("-"), "interrupted"),
            Event::Failed(_) => self.end(address, &bad("✗"), "failed"),
        }
    }
}
