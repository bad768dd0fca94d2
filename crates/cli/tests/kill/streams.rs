//! Nobody reads the output any more, or the disk is full: the work is done all the same, and nothing crashes.

use std::io::Read;
use std::process::Stdio;

use crate::install::{Flow, State, no_crash};
use keyminder_testkit::command::{EMAIL, Ran, World, finish, machine};

/// How much of the output is read before the reader goes.
#[derive(Clone, Copy, Debug)]
enum Reader {
    /// It was gone from the start.
    Gone,
    /// It took one byte and went: `| head -c 1`.
    OneByte,
    /// Nobody reads the errors either: `2>&1 | head -c 0`.
    GoneFromBoth,
}

fn read_by(reader: Reader, world: &World, arguments: &[&str]) -> Ran {
    let mut command = world.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    if let Reader::OneByte = reader {
        // Nothing at all is an end of the output like another.
        let _ = stdout.read(&mut [0]).unwrap();
    }
    drop(stdout);
    if let Reader::GoneFromBoth = reader {
        drop(child.stderr.take());
    }
    let output = child.wait_with_output().unwrap();
    let ran = Ran::from(output);
    no_crash(&ran);
    ran
}

#[cfg(target_os = "linux")]
#[test]
fn a_setup_and_a_teardown_whose_reader_is_gone_do_all_they_were_to_do() {
    for flow in [Flow::Setup, Flow::Change, Flow::Teardown] {
        let (meant, _) = flow.uninterrupted();
        for reader in [Reader::Gone, Reader::OneByte, Reader::GoneFromBoth] {
            for output in ["text", "json"] {
                let world = flow.start();
                let ran = read_by(reader, &world, &[flow.arguments(), &["--output", output]].concat());
                assert_eq!(ran.code, 0, "{flow:?} {reader:?} {output}: {ran:#?}");
                assert_eq!(State::of(&world).difference(&meant), None, "{flow:?} {reader:?} {output}");
            }
        }
    }
}

#[test]
fn no_command_minds_that_its_reader_is_gone() {
    let world = World::seeded(5, 2);
    world.install();
    world.sandbox.confirm(EMAIL);
    let commands: &[&[&str]] = &[
        &["plan"],
        &["status"],
        &["status", "--output", "json"],
        &["check"],
        &["check", "--format", "json"],
        &["check", "--format", "csv"],
        &["check", "--format", "html"],
        &["check", "--notice"],
        &["export", "policy"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
        &["setup", "--help"],
        &["--version"],
    ];
    for command in commands {
        for reader in [Reader::Gone, Reader::OneByte, Reader::GoneFromBoth] {
            let ran = read_by(reader, &world, command);
            assert_eq!((ran.code, ran.stderr.contains("error")), (0, false), "{command:?} {reader:?}: {ran:#?}");
        }
    }
}

/// The output goes to a disk without space.
#[cfg(target_os = "linux")]
fn to_a_full_disk(world: &World, arguments: &[&str]) -> Ran {
    let mut command = world.command(arguments);
    command.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let ran = finish(command);
    no_crash(&ran);
    ran
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_after_the_work_is_done() {
    for flow in [Flow::Setup, Flow::Change, Flow::Teardown] {
        let (meant, _) = flow.uninterrupted();
        for output in ["text", "json"] {
            let world = flow.start();
            let ran = to_a_full_disk(&world, &[flow.arguments(), &["--output", output]].concat());
            assert_eq!(ran.code, 1, "{flow:?} {output}: {ran:#?}");
            assert!(
                ran.stderr.contains("error[Output]: could not write the result: No space left"),
                "{flow:?} {output}: {ran:#?}"
            );
            assert_eq!(State::of(&world).difference(&meant), None, "{flow:?} {output}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn every_command_tells_of_a_full_disk() {
    let world = World::seeded(5, 2);
    world.install();
    let commands: &[&[&str]] = &[
        &["plan"],
        &["plan", "--exit-code"],
        &["status", "--output", "json"],
        &["check", "--format", "csv"],
        &["check", "--exit-code"],
        &["export", "policy"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
    ];
    for command in commands {
        let ran = to_a_full_disk(&world, command);
        assert_eq!(ran.code, 1, "{command:?}: {ran:#?}");
        assert!(ran.stderr.contains("No space left"), "{command:?}: {ran:#?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_failure_is_told_somewhere_even_where_its_document_cannot_be_written() {
    let world = World::new();
    let ran = to_a_full_disk(&world, &["setup", "--email", EMAIL, "--output", "json"]);
    assert_eq!(ran.code, 64, "{ran:#?}");
    assert!(ran.stderr.contains("cannot ask for confirmation"), "{ran:#?}");
}

/// What the two commands that write files say of this one.
#[track_caller]
fn cannot_be_written(file: &str, why: &str) {
    let world = World::seeded(2, 1);
    world.write("a-file", "");
    for command in [["check", "--save"], ["export", "policy"], ["export", "package"]] {
        let out = if command[0] == "check" { &[][..] } else { &["-o"] };
        let ran = world.run(&[&command[..], out, &[file]].concat());
        no_crash(&ran);
        assert_eq!(ran.code, 1, "{command:?} {file}: {ran:#?}");
        assert!(ran.stderr.contains(&format!("error[File]: writing {file}: {why}")), "{command:?} {file}: {ran:#?}");
        let left: Vec<_> =
            std::fs::read_dir(world.home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["a-file"], "{command:?} left something behind");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_told_by_its_name_and_leaves_nothing_behind() {
    cannot_be_written("no-such-folder/out", "No such file or directory");
    cannot_be_written("a-file/out", "Not a directory");
    cannot_be_written(".", "Is a directory");
    #[cfg(target_os = "linux")]
    cannot_be_written("/dev/full", "No space left");
}

#[test]
fn what_is_no_file_is_written_to_and_stays_what_it_is() {
    let world = World::seeded(2, 1);
    let pipe = world.home.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).unwrap()
    });
    world.ok(&["check", "--format", "csv", "--save", "pipe"]);
    let read = reader.join().unwrap();
    assert!(read.contains("access_key_id,"), "{read}");
    assert!(!std::fs::metadata(&pipe).unwrap().is_file(), "the pipe was replaced");
}

#[test]
fn without_an_account_help_and_version_are_read_by_nobody_just_as_well() {
    let home = tempfile::TempDir::new().unwrap();
    let mut command = machine(home.path(), &["--help"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}
