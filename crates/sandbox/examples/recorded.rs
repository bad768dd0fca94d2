//! Serves what `docs/measure/recordings.py` compares with recordings of AWS: states such as `Pending` last long enough to
//! be seen, and nothing else takes time.

use std::io::Write as _;
use std::time::Duration;

use keyminder_sandbox::{Options, Sandbox};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let moment = Duration::from_millis(300);
    let sandbox =
        Sandbox::start(Options { function_pending: moment, function_updating: moment, ..Options::instant() }).await?;
    let mut out = std::io::stdout();
    for (name, value) in sandbox.variables() {
        writeln!(out, "export {name}={value}")?;
    }
    out.flush()?;
    std::future::pending::<()>().await;
    Ok(())
}
