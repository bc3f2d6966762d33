//! What one network peer may take of the server, so that none can take it from the API server.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A count for each peer, bounded for each and in all.
#[derive(Debug)]
pub(super) struct PeerQuota {
    taken: Mutex<Taken>,
    /// The bound of one peer.
    each: usize,
    /// The bound of all peers together.
    all: usize,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Peers that hold something.
    each: HashMap<IpAddr, usize>,
}

/// What a peer holds of a quota; dropping it gives everything back.
#[derive(Debug)]
pub(super) struct PeerShare {
    quota: Arc<PeerQuota>,
    peer: IpAddr,
    held: usize,
}

impl PeerQuota {
    pub(super) fn new(each: usize, all: usize) -> Arc<Self> {
        Arc::new(Self {
            taken: Mutex::default(),
            each,
            all,
        })
    }

    /// An empty share of this peer's.
    pub(super) fn share(self: &Arc<Self>, peer: IpAddr) -> PeerShare {
        PeerShare {
            quota: Arc::clone(self),
            peer,
            held: 0,
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Two counts that are changed together without anything that could panic.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PeerShare {
    pub(super) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Takes more; `false` where the peer, or all of them, would have too much.
    pub(super) fn take(&mut self, amount: usize) -> bool {
        let mut taken = self.quota.taken();
        let held = taken.each.get(&self.peer).copied().unwrap_or_default();
        if held + amount > self.quota.each || taken.all + amount > self.quota.all {
            return false;
        }
        taken.all += amount;
        taken.each.insert(self.peer, held + amount);
        self.held += amount;
        true
    }
}

impl Drop for PeerShare {
    fn drop(&mut self) {
        if self.held == 0 {
            return;
        }
        let mut taken = self.quota.taken();
        taken.all = taken.all.saturating_sub(self.held);
        let left = taken.each.get(&self.peer).copied().unwrap_or_default();
        match left.saturating_sub(self.held) {
            0 => taken.each.remove(&self.peer),
            left => taken.each.insert(self.peer, left),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn one_peer_leaves_room_for_others_and_gives_everything_back() {
        let quota = PeerQuota::new(6, 10);
        let peer = |last| IpAddr::from(Ipv4Addr::new(127, 0, 0, last));
        let (mut first, mut again) = (quota.share(peer(1)), quota.share(peer(1)));
        assert!(first.take(4) && again.take(2));
        assert!(!first.take(1), "the bound of one peer");
        let mut other = quota.share(peer(2));
        assert!(other.take(4));
        assert!(!quota.share(peer(3)).take(1), "the bound of all");
        drop(first);
        assert!(other.take(2) && again.take(2));
        drop((again, other));
        let taken = quota.taken();
        assert_eq!((taken.all, taken.each.len()), (0, 0));
    }
}
