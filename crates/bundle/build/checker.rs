//! Compiles the checker for Lambda by a Cargo of its own, so that its bytes depend on source and toolchain
//! alone: not on the folder, the user's flags, or how the surrounding build was started.
//! It knows nothing of zip files and of what is done with the binary.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::sources::sources;
use crate::{Error, variable};

const PACKAGE: &str = "keyminder-checker";
const BINARY: &str = "bootstrap";

/// All of the environment that the inner Cargo sees: what finds the toolchain, the linker and the registry.
/// A list of what may pass, since the variables that change a binary (`RUSTFLAGS`, `CARGO_PROFILE_*`,
/// `CARGO_BUILD_*`, `CARGO_TARGET_*`, `CFLAGS`, wrappers such as Clippy's, …) have no end.
const PASSED_ON: &[&str] = &[
    "AR",
    "CARGO_HOME",
    "CARGO_MAKEFLAGS",
    "CARGO_TERM_COLOR",
    "CC",
    "HOME",
    "LD_LIBRARY_PATH",
    "PATH",
    "RUSTC",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "SSH_AUTH_SOCK",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
];

const PASSED_ON_PREFIXES: &[&str] =
    &["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_", "CARGO_SOURCE_", "GIT_", "NIX_", "SSL_"];

/// How much time compiling may take, which is a profile of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quality {
    /// As quickly as can be: for trying things out, and for tests.
    Development,
    /// Small and quick to start: for accounts.
    Release,
}

impl Quality {
    /// What fits the surrounding build, by Cargo's word for the profile that it is derived from.
    pub(crate) fn of_surrounding_build() -> Result<Self, Error> {
        Ok(if variable("PROFILE")? == "release" { Self::Release } else { Self::Development })
    }

    /// Its name in this crate's library.
    pub(crate) fn origin(self) -> &'static str {
        match self {
            Self::Development => "Development",
            Self::Release => "Release",
        }
    }

    fn profile(self) -> &'static str {
        match self {
            Self::Development => "lambda-development",
            Self::Release => "lambda",
        }
    }
}

/// A compiled checker.
pub(crate) struct Checker {
    /// The static executable.
    pub(crate) binary: PathBuf,
    /// Every file of this workspace that went into it.
    pub(crate) sources: BTreeSet<PathBuf>,
}

/// What the checker is compiled with for one architecture.
pub(crate) struct Toolchain {
    /// Rust's name of the target.
    triple: String,
    /// The C compiler, which also links.
    compiler: String,
}

impl Toolchain {
    /// Finds what compiles for Linux on `machine` (Rust's name of the architecture): musl if its standard library and
    /// a C compiler for it are installed, else the GNU C library. Both are linked statically.
    ///
    /// # Errors
    /// What has to be installed, in words. Nothing is missing for the machine that this runs on.
    pub(crate) fn find(rustc: &Rustc, machine: &str, is_own: bool) -> Result<Self, String> {
        let musl = format!("{machine}-unknown-linux-musl");
        let mut musl_compilers = vec![format!("{machine}-linux-musl-gcc")];
        if is_own {
            musl_compilers.insert(0, "musl-gcc".to_owned());
        }
        let compiler = musl_compilers.into_iter().find(|name| is_on_path(name));
        if let (true, Some(compiler)) = (rustc.has_target(&musl), compiler) {
            return Ok(Self { triple: musl, compiler });
        }
        let triple = format!("{machine}-unknown-linux-gnu");
        if is_own {
            // Rust's own choice. Naming it keeps out a linker that a configuration file names.
            return Ok(Self { triple, compiler: "cc".to_owned() });
        }
        let compiler = format!("{machine}-linux-gnu-gcc");
        let mut missing = Vec::new();
        if !rustc.has_target(&triple) {
            missing.push(format!("Rust's standard library for {triple}"));
        }
        if !is_on_path(&compiler) {
            missing.push(format!("the C compiler {compiler} with its C library"));
        }
        if missing.is_empty() { Ok(Self { triple, compiler }) } else { Err(missing.join(" and ")) }
    }
}

/// Builds the checker for every toolchain, in `target`, a folder that all profiles of the surrounding build share.
/// The checkers come in the order of the toolchains.
pub(crate) fn build(
    root: &Path,
    target: &Path,
    rustc: &Rustc,
    toolchains: &[Toolchain],
    quality: Quality,
) -> Result<Vec<Checker>, Error> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.current_dir(root).env_clear();
    for (name, value) in env::vars_os().filter(|(name, _)| is_passed_on(name)) {
        cargo.env(name, value);
    }
    // An encoded value takes the place of every other source of flags, a configuration file's too.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", rustc.flags(root, target).join("\x1f"));
    cargo.env("CARGO_INCREMENTAL", "0");
    cargo.args(["build", "--package", PACKAGE, "--bin", BINARY]);
    cargo.args(["--no-default-features", "--features", "lambda", "--profile", quality.profile()]);
    for Toolchain { triple, compiler } in toolchains {
        let name = triple.replace('-', "_");
        cargo.env(format!("CARGO_TARGET_{}_LINKER", name.to_uppercase()), compiler);
        if compiler != "cc" {
            cargo.env(format!("CC_{name}"), compiler);
        }
        cargo.args(["--target", triple]);
    }
    cargo.arg("--target-dir").arg(target);
    if root.join("Cargo.lock").is_file() {
        cargo.arg("--locked");
    }
    let status = cargo.status().map_err(|source| Error::Run { program: "cargo", source })?;
    if !status.success() {
        let triples: Vec<_> = toolchains.iter().map(|one| one.triple.as_str()).collect();
        return Err(Error::Build { triple: triples.join(" and "), status });
    }
    let checker = |toolchain: &Toolchain| {
        let folder = target.join(&toolchain.triple).join(quality.profile());
        let dep_info = folder.join(BINARY).with_extension("d");
        let dep_info = fs::read_to_string(&dep_info).map_err(|source| Error::Read { path: dep_info, source })?;
        Ok(Checker { binary: folder.join(BINARY), sources: sources(&dep_info, root, target) })
    };
    toolchains.iter().map(checker).collect()
}

fn is_passed_on(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    PASSED_ON.contains(&name) || PASSED_ON_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// What the surrounding build's compiler says of itself.
pub(crate) struct Rustc {
    sysroot: PathBuf,
    commit: Option<String>,
}

impl Rustc {
    pub(crate) fn ask() -> Result<Self, Error> {
        Ok(Self {
            sysroot: PathBuf::from(print(&["--print", "sysroot"])?.trim()),
            commit: print(&["--version", "--verbose"])?
                .lines()
                .find_map(|line| line.strip_prefix("commit-hash: "))
                .map(str::to_owned),
        })
    }

    /// Whether the standard library for `triple` is installed.
    fn has_target(&self, triple: &str) -> bool {
        self.sysroot.join("lib/rustlib").join(triple).is_dir()
    }

    /// A static executable in which no path of this machine is left.
    fn flags(&self, root: &Path, target: &Path) -> Vec<String> {
        let mut flags = vec!["-Ctarget-feature=+crt-static".to_owned()];
        // The last that matches counts, so what lies inside another comes after it.
        let mut remapped = vec![(root.to_path_buf(), "/keyminder".to_owned())];
        remapped.push((target.to_path_buf(), "/target".to_owned()));
        if let Some(home) = cargo_home() {
            remapped.push((home.clone(), "/cargo".to_owned()));
            // One folder for each registry or mirror, named by its address; the crates are the same.
            let registries = fs::read_dir(home.join("registry/src"));
            let mut folders: Vec<PathBuf> =
                registries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
            folders.sort();
            remapped.extend(folders.into_iter().map(|path| (path, "/crates".to_owned())));
        }
        remapped.push((self.sysroot.clone(), "/toolchain".to_owned()));
        if let Some(commit) = &self.commit {
            // The standard library's paths read like this already, unless its source is installed.
            let source = self.sysroot.join("lib/rustlib/src/rust");
            remapped.push((source, format!("/rustc/{commit}")));
        }
        for (path, name) in remapped {
            let real = path.canonicalize().ok().filter(|real| *real != path);
            for path in [Some(path), real].into_iter().flatten() {
                flags.push(format!("--remap-path-prefix={}={name}", path.display()));
            }
        }
        flags
    }
}

fn print(arguments: &[&str]) -> Result<String, Error> {
    let output = Command::new(variable("RUSTC")?)
        .args(arguments)
        .output()
        .map_err(|source| Error::Run { program: "rustc", source })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn cargo_home() -> Option<PathBuf> {
    let named = env::var_os("CARGO_HOME").filter(|home| !home.is_empty());
    named.map(PathBuf::from).or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")))
}

fn is_on_path(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}
