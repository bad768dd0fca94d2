//! The two streams of the process: results on standard output, everything else on standard error.
//!
//! Owns colour, width, what happens when a stream is closed or full, and that progress bars and lines do not mix. It
//! must not know what is written.

use std::fs::{OpenOptions, Permissions};
use std::io::{ErrorKind, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anstream::{AutoStream, ColorChoice};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::gate::{escaped, gate};
use super::style::fold;
use crate::args::{ColorWhen, GlobalArgs, OutputFormat};
use crate::error::Error;

/// No line is made longer than this, however wide the terminal is.
const WIDEST: usize = 100;
const USUAL_WIDTH: usize = 80;

/// Where the command shows what it has to show.
#[derive(Debug)]
pub(crate) struct Screen {
    color: ColorWhen,
    output: OutputFormat,
    quiet: bool,
    verbose: bool,
    bars: MultiProgress,
    animated: bool,
    /// Why the last write of a result failed.
    trouble: Mutex<Option<std::io::Error>>,
}

impl Screen {
    /// The screen as the flags want it.
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        let stderr_colors = choice(global.color, AutoStream::choice(&std::io::stderr())) != ColorChoice::Never;
        console::set_colors_enabled_stderr(stderr_colors);
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let animated = std::io::stderr().is_terminal() && !dumb && !global.quiet;
        let target = if animated { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self {
            color: global.color,
            output: global.output,
            quiet: global.quiet,
            verbose: global.verbose > 0,
            bars: MultiProgress::with_draw_target(target),
            animated,
            trouble: Mutex::default(),
        }
    }

    /// Results are one JSON document.
    pub(crate) fn is_json(&self) -> bool {
        self.output == OutputFormat::Json
    }

    /// The user asked for more.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// The user asked for results and errors only.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Progress can be drawn over and over in the same place.
    pub(crate) fn is_animated(&self) -> bool {
        self.animated
    }

    /// A line that shows that something is in progress, for as long as it takes. Nothing if it cannot be animated.
    pub(crate) fn spinner(&self, message: &str) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("  {spinner:.cyan} {wide_msg} {elapsed:.dim}") {
            bar.set_style(style);
        }
        bar.set_message(gate(message).into_owned());
        if self.animated {
            bar.enable_steady_tick(std::time::Duration::from_millis(100));
        }
        bar
    }

    /// Where progress bars are drawn.
    pub(super) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Results are shown on a terminal, and do not go to a file.
    pub(crate) fn shows_results(&self) -> bool {
        std::io::stdout().is_terminal()
    }

    /// A person can be asked: questions and answers both have a terminal.
    pub(crate) fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal() && !self.is_json()
    }

    /// Columns there are for text.
    pub(crate) fn width(&self) -> usize {
        let terminal = console::Term::stdout();
        let columns = if terminal.is_term() {
            terminal.size_checked().map_or(USUAL_WIDTH, |(_, columns)| usize::from(columns))
        } else {
            USUAL_WIDTH
        };
        columns.clamp(40, WIDEST)
    }

    /// Writes a result to standard output. [`Screen::finish`] says whether that worked.
    pub(crate) fn result(&self, text: &str) {
        self.bars.suspend(|| {
            let stdout = std::io::stdout().lock();
            let mut stream = AutoStream::new(stdout, choice(self.color, AutoStream::choice(&std::io::stdout())));
            let outcome = write_line(&mut stream, &gate(text));
            self.record(outcome);
        });
    }

    /// Writes a result that is bytes, and nothing after them.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        let mut stdout = std::io::stdout().lock();
        let outcome = stdout.write_all(bytes).and_then(|()| stdout.flush());
        self.record(outcome);
    }

    /// Writes the one JSON document of this run.
    ///
    /// # Errors
    /// A document that cannot be serialised.
    pub(crate) fn document(&self, document: &impl serde::Serialize) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(document).map_err(|error| Error::failed("Json", error.to_string()))?;
        self.result(&escaped(text));
        Ok(())
    }

    /// Writes a text result, if results are text.
    pub(crate) fn text(&self, text: &str) {
        if !self.is_json() {
            self.result(text);
        }
    }

    /// Writes a text to standard output that says how a run goes, unless the user wants results only.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.text(text);
        }
    }

    /// Writes a remark to standard error, unless the user wants none: as wide as the terminal. If that fails, there is
    /// no place to report it.
    pub(crate) fn remark(&self, text: &str) {
        if !self.quiet {
            self.aside(&fold(text, self.width()));
        }
    }

    /// Writes to standard error, even if the user wants results only.
    pub(crate) fn aside(&self, text: &str) {
        self.bars.suspend(|| {
            let stderr = std::io::stderr().lock();
            let mut stream = AutoStream::new(stderr, choice(self.color, AutoStream::choice(&std::io::stderr())));
            let _ = write_line(&mut stream, &gate(text));
        });
    }

    /// Writes a question to standard error and leaves the cursor behind it.
    pub(crate) fn prompt(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        let _ = stderr.write_all(gate(text).as_bytes()).and_then(|()| stderr.flush());
    }

    /// The reader of the results is gone (`| head`).
    pub(crate) fn is_closed(&self) -> bool {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.as_ref().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    }

    /// Whether all results were written. It is no failure if the reader went away.
    ///
    /// # Errors
    /// A stream that does not take the results: a full disk.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        match self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Error::failed("Output", format!("could not write the result: {error}")))
            }
            _ => Ok(()),
        }
    }

    fn record(&self, outcome: std::io::Result<()>) {
        if let Err(error) = outcome {
            let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            trouble.get_or_insert(error);
        }
    }
}

fn choice(when: ColorWhen, auto: ColorChoice) -> ColorChoice {
    match when {
        ColorWhen::Auto => auto,
        ColorWhen::Always => ColorChoice::Always,
        ColorWhen::Never => ColorChoice::Never,
    }
}

fn write_line(stream: &mut impl Write, text: &str) -> std::io::Result<()> {
    stream.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        stream.write_all(b"\n")?;
    }
    stream.flush()
}

/// Writes a file, replacing it as a whole or not at all. A link is followed, and what is not a file (a pipe, a device)
/// is written to and not replaced.
///
/// # Errors
/// A folder that does not exist or is not writable, a full disk.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write(path, bytes, 0o666)
}

/// Writes a report about an account, which others on this machine need not read.
///
/// # Errors
/// As those of [`write_file`].
pub(crate) fn write_report(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write(path, bytes, 0o600)
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let is_file = std::fs::metadata(path).map_or(true, |metadata| metadata.is_file());
    let written = if is_file && !path.starts_with("/dev") {
        replace(path, bytes, mode)
    } else {
        OpenOptions::new().write(true).truncate(is_file).open(path).and_then(|mut stream| stream.write_all(bytes))
    };
    written.map_err(|error| Error::file("writing", path, &error))
}

/// The error of the system alone: the temporary file's name says nothing to anyone.
fn without_name(error: std::io::Error) -> std::io::Error {
    let inner = error.get_ref().and_then(|named| named.source()?.downcast_ref::<std::io::Error>()?.raw_os_error());
    inner.map_or(error, std::io::Error::from_raw_os_error)
}

/// The file keeps its permissions; a new one gets these, less what the process's mask takes away. A link is replaced and
/// never followed, as somebody else may have put it there.
fn replace(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new()
        .prefix(".keyminder-")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)
        .map_err(without_name)?;
    temporary.write_all(bytes)?;
    if let Some(present) = std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file) {
        temporary.as_file().set_permissions(present.permissions())?;
    }
    temporary.persist(path).map_err(|error| error.error).map(drop)
}
