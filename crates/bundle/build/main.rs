//! Puts checkers for Lambda into the bundle: takes those that the environment hands in, compiles the others if it can,
//! and leaves a zip file of each for the library to include.
//! How the checker is compiled is in `checker`; what a zip file looks like is in `archive`.

mod checker;
mod elf;
mod sources;

#[path = "../src/archive.rs"]
mod archive;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};
use std::{env, fs, io};

use archive::Effort;
use checker::{Quality, Rustc, Toolchain};

/// An architecture that Lambda has.
struct Architecture {
    /// Its name in this crate's library.
    variant: &'static str,
    /// Its name in Lambda's API.
    lambda: &'static str,
    /// Its name as Rust's targets have it.
    rust: &'static str,
    /// `e_machine` in an ELF header.
    elf: u16,
    /// The environment variable that hands in a compiled checker.
    variable: &'static str,
}

const ARCHITECTURES: [Architecture; 2] = [
    Architecture { variant: "X86_64", lambda: "x86_64", rust: "x86_64", elf: 62, variable: "KEYMINDER_CHECKER_X86_64" },
    Architecture { variant: "Arm64", lambda: "arm64", rust: "aarch64", elf: 183, variable: "KEYMINDER_CHECKER_ARM64" },
];

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{name} is not set; this program is run by Cargo")]
    NotUnderCargo { name: &'static str },
    #[error("cannot run {program}: {source}")]
    Run { program: &'static str, source: io::Error },
    #[error(
        "the checker could not be compiled for {triple} ({status}; its messages are below). It is linked \
         statically, which needs the C library's static half: Debian and Ubuntu have it in libc6-dev, Fedora in \
         glibc-static; or install musl-tools and `rustup target add` the musl target"
    )]
    Build { triple: String, status: ExitStatus },
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot make the zip file: {0}")]
    Zip(#[from] zip::result::ZipError),
    #[error("{} ({from}) is not an executable that Lambda can start: {why}", path.display())]
    Unfit { path: PathBuf, from: &'static str, why: &'static str },
    #[error(
        "the checker runs on Linux and cannot be compiled on {host}. Build it on Linux with \
         `bash .ci/checkers FOLDER`, or take the file `bootstrap` out of a release's \
         package, and name it in KEYMINDER_CHECKER_X86_64 or KEYMINDER_CHECKER_ARM64 (or in both)"
    )]
    OtherSystem { host: String },
}

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell("error", error);
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), Error> {
    tell("rerun-if-changed", "build");
    tell("rerun-if-changed", "src/archive.rs");
    let root = workspace()?;
    let out = PathBuf::from(variable("OUT_DIR")?);
    let host = variable("HOST")?.to_string_lossy().into_owned();

    let quality = Quality::of_surrounding_build()?;
    let rustc = Rustc::ask()?;

    let mut binaries = Vec::new();
    let mut compiled = Vec::new();
    let mut toolchains = Vec::new();
    for architecture in &ARCHITECTURES {
        tell("rerun-if-env-changed", architecture.variable);
        let is_own = host.starts_with(architecture.rust);
        if let Some(path) = env::var_os(architecture.variable).filter(|path| !path.is_empty()) {
            let path = root.join(path);
            tell("rerun-if-changed", path.display());
            // What .ci/checkers wrote beside it.
            let note = with_suffix(&path, ".source");
            tell("rerun-if-changed", note.display());
            let source = fs::read_to_string(&note).ok().map(|text| text.trim().to_owned());
            binaries.push((architecture, path, architecture.variable, "HandedIn", source));
        } else if host.contains("-linux-") && (is_own || quality == Quality::Release) {
            match Toolchain::find(&rustc, architecture.rust, is_own) {
                Ok(toolchain) => {
                    compiled.push(architecture);
                    toolchains.push(toolchain);
                }
                Err(missing) => tell(
                    "warning",
                    format!(
                        "this build carries no function for {}: {missing} is not installed (see \"When building\" in \
                         docs/configuration.md)",
                        architecture.lambda
                    ),
                ),
            }
        }
    }
    if !toolchains.is_empty() {
        let checkers = checker::build(&root, &lambda_target(&out), &rustc, &toolchains, quality)?;
        for (architecture, checker) in compiled.into_iter().zip(checkers) {
            let mut sources = checker.sources;
            // The versions of the libraries and the profile are as much of it as the code.
            sources.extend(
                ["Cargo.toml", "Cargo.lock"].map(|file| root.join(file)).into_iter().filter(|file| file.is_file()),
            );
            for source in &sources {
                tell("rerun-if-changed", source.display());
            }
            let digest =
                sources::digest(&sources, &root).map_err(|source| Error::Read { path: root.clone(), source })?;
            let source = format!("{} {digest}", env!("CARGO_PKG_VERSION"));
            binaries.push((architecture, checker.binary, "just compiled", quality.origin(), Some(source)));
        }
    }

    let effort = match quality {
        Quality::Development => Effort::Little,
        Quality::Release => Effort::Most,
    };
    let mut bundled = Vec::new();
    for (architecture, path, from, origin, source) in binaries {
        let binary = read(&path)?;
        fit(&binary, architecture).map_err(|why| Error::Unfit { path, from, why })?;
        let zip = out.join(format!("{}.zip", architecture.rust));
        write(&zip, &archive::pack(&binary, effort)?)?;
        // What the machine at hand can run comes first, as the default.
        let place = if host.starts_with(architecture.rust) { 0 } else { bundled.len() };
        bundled.insert(place, Bundled { variant: architecture.variant, origin, source, zip });
    }
    if bundled.is_empty() {
        return Err(Error::OtherSystem { host });
    }
    write(&out.join("bundled.rs"), table(&bundled).as_bytes())
}

/// A package for the library to include.
struct Bundled {
    /// The architecture's name in this crate's library.
    variant: &'static str,
    /// The name of how it was made there.
    origin: &'static str,
    /// The version and the digest of what it was compiled from.
    source: Option<String>,
    zip: PathBuf,
}

/// The part of the library that depends on what is bundled.
fn table(bundled: &[Bundled]) -> String {
    let mut architectures = String::new();
    let mut zips = String::new();
    for Bundled { variant, origin, source, zip } in bundled {
        architectures += &format!("Architecture::{variant}, ");
        zips += &format!("Architecture::{variant} => Some((Origin::{origin}, {source:?}, include_bytes!({zip:?}))),\n");
    }
    let rest = if bundled.len() < ARCHITECTURES.len() { "_ => None,\n" } else { "" };
    format!(
        "const BUNDLED: &[Architecture] = &[{architectures}];\n\
         const fn bundled(architecture: Architecture) -> Option<(Origin, Option<&'static str>, &'static [u8])> {{\n\
         match architecture {{\n{zips}{rest}}}\n}}\n"
    )
}

/// Says why Lambda could not start `binary`. One that asks for a dynamic loader is refused even where it
/// would start here: the runtime's C library (glibc 2.34 on `provided.al2023`) is older than most.
fn fit(binary: &[u8], architecture: &Architecture) -> Result<(), &'static str> {
    match elf::header(binary) {
        None => Err("it is no 64-bit Linux executable"),
        Some(header) if header.machine != architecture.elf => Err("it is for another architecture"),
        Some(header) if header.has_interpreter => Err("it is not linked statically"),
        Some(_) => Ok(()),
    }
}

/// The folder in which the checker is compiled: one for all profiles, inside the folder that the surrounding
/// build uses, wherever that is. Cargo marks the latter with a tag file.
fn lambda_target(out: &Path) -> PathBuf {
    out.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).unwrap_or(out).join("lambda")
}

fn workspace() -> Result<PathBuf, Error> {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let root = manifest.ancestors().nth(2);
    Ok(root.unwrap_or(&manifest).to_path_buf())
}

fn variable(name: &'static str) -> Result<OsString, Error> {
    env::var_os(name).ok_or(Error::NotUnderCargo { name })
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read { path: path.to_path_buf(), source })
}

fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    fs::write(path, content).map_err(|source| Error::Write { path: path.to_path_buf(), source })
}

/// Speaks to Cargo, which reads this program's output.
fn tell(what: &str, value: impl std::fmt::Display) {
    // Where nobody listens any more, there is nobody to tell.
    let _ = writeln!(io::stdout(), "cargo::{what}={value}");
}
