//! How fast calls are answered in real time: a token bucket and a delay. Knows nothing of what is called.

use std::time::{Duration, Instant};

/// The real-time limits of a sandbox.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    pub(crate) latency: Duration,
    bucket: Option<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    per_second: f64,
    tokens: f64,
    filled: Instant,
}

impl Pace {
    /// At most so many calls a second, with a second's worth as a burst; zero or less is no limit.
    pub(crate) fn limit(&mut self, per_second: f64) {
        self.bucket =
            (per_second > 0.0).then(|| Bucket { per_second, tokens: per_second.max(1.0), filled: Instant::now() });
    }

    /// Takes a token; false where the call is one too many.
    pub(crate) fn admit(&mut self) -> bool {
        let Some(bucket) = &mut self.bucket else {
            return true;
        };
        let now = Instant::now();
        let earned = now.duration_since(bucket.filled).as_secs_f64() * bucket.per_second;
        bucket.tokens = (bucket.tokens + earned).min(bucket.per_second.max(1.0));
        bucket.filled = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}
