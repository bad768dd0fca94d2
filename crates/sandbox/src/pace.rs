//! How fast calls are answered in real time: token buckets and a delay. Knows nothing of what is called but its name.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The real-time limits of a sandbox.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    pub(crate) latency: Duration,
    all: Option<Bucket>,
    accounts: BTreeMap<String, Bucket>,
    /// The rate of an action in each account, and the buckets by account.
    actions: BTreeMap<String, (f64, BTreeMap<String, Bucket>)>,
}

#[derive(Debug)]
struct Bucket {
    per_second: f64,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn new(per_second: f64) -> Option<Self> {
        (per_second > 0.0).then(|| Self { per_second, tokens: per_second.max(1.0), filled: Instant::now() })
    }

    /// Takes a token; false where the call is one too many.
    fn admit(&mut self) -> bool {
        let now = Instant::now();
        let earned = now.duration_since(self.filled).as_secs_f64() * self.per_second;
        self.tokens = (self.tokens + earned).min(self.per_second.max(1.0));
        self.filled = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

impl Pace {
    /// At most so many calls a second, with a second's worth as a burst; zero or less is no limit.
    pub(crate) fn limit(&mut self, per_second: f64) {
        self.all = Bucket::new(per_second);
    }

    /// The same for the calls from one account.
    pub(crate) fn limit_account(&mut self, account: &str, per_second: f64) {
        self.accounts.remove(account);
        self.accounts.extend(Bucket::new(per_second).map(|bucket| (account.to_owned(), bucket)));
    }

    /// The same for one action, in each account by itself.
    pub(crate) fn limit_action(&mut self, action: &str, per_second: f64) {
        self.actions.remove(action);
        if per_second > 0.0 {
            self.actions.insert(action.to_owned(), (per_second, BTreeMap::new()));
        }
    }

    /// Takes a token from each bucket that a call falls into; false where the call is one too many.
    pub(crate) fn admit(&mut self, account: &str, names: &[String]) -> bool {
        let Self { all, accounts, actions, .. } = self;
        let limited =
            actions.iter_mut().filter(|(action, _)| names.contains(action)).filter_map(|(_, (rate, buckets))| {
                if !buckets.contains_key(account) {
                    buckets.insert(account.to_owned(), Bucket::new(*rate)?);
                }
                buckets.get_mut(account)
            });
        let buckets = all.iter_mut().chain(accounts.get_mut(account)).chain(limited);
        // Each is asked, as a call counts towards all of its limits even if one refuses it.
        let admitted: Vec<bool> = buckets.map(Bucket::admit).collect();
        !admitted.contains(&false)
    }
}
