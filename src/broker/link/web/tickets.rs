//! The tickets of all callers: one live one each, and never more than there is room for.

use std::sync::Arc;
use std::time::Duration;

use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::super::digest::Digest;
use super::ticket::{Stage, Ticket};
use crate::identity::Caller;

/// Finds tickets by who was given one, and by what is shown.
pub(super) struct Tickets {
    of: Cache<Caller, Last>,
    by_id: Cache<Digest, Arc<Ticket>>,
}

/// The last ticket that a caller was given.
#[derive(Clone)]
struct Last {
    ticket: Arc<Ticket>,
    /// The one that it took the place of before anything was done with that, which is still there to
    /// say so. There is no more than this one: an agent that keeps asking for other pages must not
    /// push out the tickets of everybody else.
    replaced: Option<Digest>,
}

impl Tickets {
    /// Room for `capacity` tickets, each kept for `life` with what it has led to.
    pub(super) fn new(capacity: u64, life: Duration) -> Self {
        // The least recently used goes, never the newest: whoever has just been offered a page must
        // find it, however many others ask.
        let of = Cache::builder()
            .max_capacity(capacity)
            .time_to_live(life)
            .eviction_policy(EvictionPolicy::lru())
            .eviction_listener(|_, last: Last, cause| {
                // Otherwise its caller could be given a second one beside it.
                if cause != RemovalCause::Replaced {
                    last.ticket.replace();
                }
            })
            .build();
        // Each caller's last one and the one before.
        let by_id = Cache::builder()
            .max_capacity(capacity.saturating_mul(2))
            .time_to_live(life)
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self { of, by_id }
    }

    /// The ticket with this hash.
    pub(super) fn find(&self, id: Digest) -> Option<Arc<Ticket>> {
        self.by_id.get(&id)
    }

    /// The last ticket that `caller` was given.
    pub(super) fn of(&self, caller: &Caller) -> Option<Arc<Ticket>> {
        self.of.get(caller).map(|last| last.ticket)
    }

    /// The caller's ticket, if it is open and `serves`; else a new one in its place.
    pub(super) fn live_or_new(
        &self,
        caller: &Caller,
        serves: impl Fn(&Ticket) -> bool,
        make: impl FnOnce() -> Ticket,
    ) -> Arc<Ticket> {
        let entry = self.of.entry_by_ref(caller).and_upsert_with(|held| {
            let mut replaced = None;
            if let Some(last) = held.map(moka::Entry::into_value) {
                let held = &last.ticket;
                if held.is_open() && serves(held) && self.by_id.contains_key(&held.id) {
                    return last;
                }
                held.replace();
                replaced = matches!(held.stage(), Stage::Replaced).then_some(held.id);
                if let Some(older) = last.replaced {
                    self.by_id.invalidate(&older);
                }
            }
            let ticket = Arc::new(make());
            self.by_id.insert(ticket.id, Arc::clone(&ticket));
            Last { ticket, replaced }
        });
        entry.into_value().ticket
    }
}
