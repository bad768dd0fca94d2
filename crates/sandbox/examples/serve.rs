//! Serves a realistic sandbox until interrupted: `cargo run --example serve -- PORT`.

use std::io::Write as _;

use keyminder_sandbox::{Options, Sandbox, Seed};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let sandbox = Sandbox::start(Options { port, ..Options::realistic() }).await?;
    sandbox.seed_users(&Seed::default());
    let mut out = std::io::stdout();
    for (name, value) in sandbox.variables() {
        writeln!(out, "export {name}={value}")?;
    }
    std::future::pending::<()>().await;
    Ok(())
}
