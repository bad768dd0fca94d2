//! What the reconciler needs to know about an error: whether looking again would help.

/// An error of a resource. The reconciler shows it to nobody and only asks these questions of it.
pub trait Failure: std::error::Error + 'static {
    /// The live object is not as it was observed: somebody created, changed or deleted it in the meantime, or an
    /// earlier answer was lost. Observing again and converging from there is the right reaction.
    fn is_stale(&self) -> bool;

    /// The user asked to stop while the resource was waiting for something.
    fn is_interrupted(&self) -> bool;
}
