//! Things that count once, and which of them have counted.

use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;

/// What has counted already, as far back as there is room.
pub(super) struct Spent(Cache<String, ()>);

impl Spent {
    /// Remembers `capacity` things for `life` each.
    pub(super) fn new(capacity: u64, life: Duration) -> Self {
        // By default a full cache rather turns new entries away, and those are the ones that count.
        let lru = EvictionPolicy::lru();
        let cache = Cache::builder().max_capacity(capacity).time_to_live(life).eviction_policy(lru);
        Self(cache.build())
    }

    /// Whether `nonce` counts, which it does once.
    pub(super) fn spend(&self, nonce: String) -> bool {
        self.0.entry(nonce).or_insert(()).is_fresh()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_counts_twice_however_much_has_counted_before() {
        let spent = Spent::new(8, Duration::from_secs(60));
        for index in 0..100 {
            assert!(spent.spend(format!("n-{index}")));
            spent.0.run_pending_tasks();
            assert!(!spent.spend(format!("n-{index}")), "{index}");
        }
    }
}
