//! AWS refuses the caller, from the first call on or in the middle: said with what to do, and the next run completes.

use keyminder_sandbox::{Fault, FaultKind};

use crate::install::{Flow, no_crash};
use keyminder_testkit::command::{World, unbroken};

const REFUSALS: [(FaultKind, &str, &str); 2] = [
    (FaultKind::ExpiredToken, "expired", "to renew an expired session, run: aws sso login"),
    (FaultKind::ClockSkew, "", "set this machine's clock"),
];

#[test]
fn expired_credentials_and_a_wrong_clock_are_told_with_what_to_do_by_every_command() {
    let commands: [&[&str]; 6] = [
        Flow::Setup.arguments(),
        Flow::Teardown.arguments(),
        &["plan"],
        &["status"],
        &["check"],
        &["export", "policy"],
    ];
    for (kind, said, hint) in REFUSALS {
        let world = World::new();
        world.sandbox.inject(Fault::new("*", kind));
        for command in commands {
            let ran = world.run(command);
            no_crash(&ran);
            assert_eq!(ran.code, 1, "{command:?}: {ran:#?}");
            let told = unbroken(&ran.stderr);
            assert!(told.contains(said) && told.contains(hint), "{command:?} {kind:?}: {ran:#?}");
        }
        let (code, document) = world.json(&["plan"]);
        assert_eq!(code, 1);
        assert!(document["error"]["hints"].to_string().contains(hint), "{document:#}");
    }
}

#[test]
fn credentials_that_expire_in_the_middle_leave_what_the_next_run_completes() {
    for flow in [Flow::Setup, Flow::Change, Flow::Teardown] {
        let (meant, calls) = flow.uninterrupted();
        for part in 1..6 {
            let world = flow.start();
            world.sandbox.inject(Fault::new("*", FaultKind::ExpiredToken).after(calls * part / 6));
            let ran = world.run(flow.arguments());
            no_crash(&ran);
            assert_eq!(ran.code, 1, "{flow:?}: {ran:#?}");
            assert!(unbroken(&ran.stderr).contains("aws sso login"), "{flow:?}: {ran:#?}");
            world.sandbox.clear_faults();
            assert_eq!(flow.difference(&world, &meant), None, "{flow:?}, after {ran:#?}");
        }
    }
}
