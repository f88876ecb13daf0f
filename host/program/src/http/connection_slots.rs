//! Who is connected to a listener, and who makes room.
//!
//! No peer waits at the door. One that finds no room takes the place of a connection of the peer
//! that has the most: of one that only waits, for a request or for the rest of a header, the one
//! that has waited longest, else of the oldest. So a thousand connections cost the peer that holds
//! them, and no other. If no peer has more than the newcomer will, the one that has waited longest
//! makes room, but for one that has just come and had no time to ask; if none waits, the newcomer
//! is sent away.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::rules::ConnectionRules;

/// How long a newcomer is left alone.
const PATIENCE: Duration = Duration::from_secs(1);

/// The connections of one listener.
pub(super) struct ConnectionSlots {
    total: usize,
    per_peer: usize,
    /// How long who has just come may take to ask before it makes room for others.
    patience: Duration,
    held: Mutex<SlotTable>,
}

#[derive(Default)]
struct SlotTable {
    /// Counts connections and rests, so that the longest rest is the least number.
    turn: u64,
    slots: BTreeMap<u64, Slot>,
}

struct Slot {
    peer: IpAddr,
    /// The turn at which it began to wait for its peer; `None` while it is answered.
    rests: Option<u64>,
    /// When it came.
    since: Instant,
    leave: CancellationToken,
}

/// A connection's place, which is free again when this is dropped.
pub(super) struct SlotGuard {
    number: u64,
    slots: Arc<ConnectionSlots>,
    /// Cancelled when another peer needs the place.
    pub(super) leave: CancellationToken,
}

impl ConnectionSlots {
    pub(super) fn new(rules: &ConnectionRules) -> Arc<Self> {
        Arc::new(Self {
            total: rules.total.max(1),
            per_peer: rules.per_peer.max(1),
            patience: PATIENCE,
            held: Mutex::default(),
        })
    }

    /// A place for a connection of `address`; `None` if there is none, and none for it to take.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<SlotGuard> {
        let peer = peer(address);
        let mut held = self.held();
        let of_peer = |slot: &Slot| slot.peer == peer;
        if held.slots.values().filter(|slot| of_peer(slot)).count() >= self.per_peer {
            held.make_room(of_peer)?;
        } else if held.slots.len() >= self.total && held.crowd_out(peer).is_none() {
            let patience = self.patience;
            held.make_room(|slot| slot.since.elapsed() >= patience)?;
        }
        let number = held.next();
        let leave = CancellationToken::new();
        let slot = Slot {
            peer,
            rests: Some(number),
            since: Instant::now(),
            leave: leave.clone(),
        };
        held.slots.insert(number, slot);
        Some(SlotGuard {
            number,
            slots: Arc::clone(self),
            leave,
        })
    }

    fn held(&self) -> MutexGuard<'_, SlotTable> {
        // What is in there is sound after every line.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SlotTable {
    fn next(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    /// Send the one away that has waited longest.
    fn make_room(&mut self, among: impl Fn(&Slot) -> bool) -> Option<()> {
        let waiting = self.slots.iter().filter(|(_, slot)| among(slot));
        let resting = waiting.filter_map(|(number, slot)| Some((slot.rests?, *number)));
        let (_, number) = resting.min()?;
        self.slots.remove(&number)?.leave.cancel();
        Some(())
    }

    /// Send a connection of the peer with the most away, one that waits if there is one, if that peer
    /// then still has no fewer than `newcomer`. Who has the most himself makes room among his own.
    fn crowd_out(&mut self, newcomer: IpAddr) -> Option<()> {
        let mut counts: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for slot in self.slots.values() {
            *counts.entry(slot.peer).or_default() += 1;
        }
        let own = counts.get(&newcomer).copied().unwrap_or_default();
        let (most, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        if own == count {
            return self.make_room(|slot| slot.peer == newcomer);
        }
        if count <= own + 1 {
            return None;
        }
        if self.make_room(|slot| slot.peer == most).is_some() {
            return Some(());
        }
        let mut slots = self.slots.iter();
        let (number, _) = slots.find(|(_, slot)| slot.peer == most)?;
        let number = *number;
        self.slots.remove(&number)?.leave.cancel();
        Some(())
    }
}

impl SlotGuard {
    /// A request has come, whole but for its body.
    pub(super) fn is_answered(&self) {
        self.set(|_| None);
    }

    /// Its answer is there; what follows is up to the peer.
    pub(super) fn rests(&self) {
        self.set(|held| Some(held.next()));
    }

    fn set(&self, rests: impl FnOnce(&mut SlotTable) -> Option<u64>) {
        let mut held = self.slots.held();
        let rests = rests(&mut held);
        if let Some(slot) = held.slots.get_mut(&self.number) {
            slot.rests = rests;
        }
    }
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        self.slots.held().slots.remove(&self.number);
    }
}

/// Whom an address counts for. A peer that has one IPv6 address has a whole network of them.
fn peer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(total: usize, per_peer: usize) -> Arc<ConnectionSlots> {
        patient(total, per_peer, Duration::ZERO)
    }

    fn patient(total: usize, per_peer: usize, patience: Duration) -> Arc<ConnectionSlots> {
        Arc::new(ConnectionSlots {
            total,
            per_peer,
            patience,
            held: Mutex::default(),
        })
    }

    /// Who has just come is not sent away while another has more, whether or not that is answered.
    #[test]
    fn a_newcomer_does_not_make_room_for_those_who_have_more() {
        let slots = patient(4, 3, Duration::from_secs(3_600));
        let many = address("192.0.2.1");
        let seats: Vec<_> = (0..3).map(|_| slots.take(many).expect("room")).collect();
        seats.iter().for_each(SlotGuard::is_answered);
        let reader = slots.take(address("192.0.2.2")).expect("room");
        let another = slots.take(address("192.0.2.3")).expect("room is made");
        assert!(!reader.leave.is_cancelled() && !another.leave.is_cancelled());
        assert!(seats[0].leave.is_cancelled());
        let fourth = slots.take(address("192.0.2.4")).expect("room is made");
        // No peer has more than the next one will: one that has just come is left alone.
        assert!(slots.take(address("192.0.2.5")).is_none());
        assert!(!reader.leave.is_cancelled() && !fourth.leave.is_cancelled());
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn whoever_has_waited_longest_makes_room() {
        let slots = slots(2, 2);
        let (a, b) = (address("192.0.2.1"), address("192.0.2.2"));
        let (first, second) = (slots.take(a).expect("room"), slots.take(b).expect("room"));
        first.is_answered();
        first.rests();
        let third = slots.take(address("192.0.2.3")).expect("room is made");
        assert!(second.leave.is_cancelled() && !first.leave.is_cancelled());
        // Who is answered is left alone.
        first.is_answered();
        third.is_answered();
        assert!(slots.take(a).is_none());
        drop(third);
        assert!(slots.take(a).is_some());
    }

    #[test]
    fn whoever_has_the_most_makes_room_though_all_are_answered() {
        let slots = slots(4, 3);
        let many = address("192.0.2.1");
        let seats: Vec<_> = (0..3).map(|_| slots.take(many).expect("room")).collect();
        let other = slots.take(address("192.0.2.2")).expect("room");
        seats
            .iter()
            .chain([&other])
            .for_each(SlotGuard::is_answered);
        let third = slots.take(address("192.0.2.3")).expect("room is made");
        third.is_answered();
        let sent: Vec<_> = seats.iter().map(|seat| seat.leave.is_cancelled()).collect();
        assert_eq!(sent, [true, false, false]);
        assert!(!other.leave.is_cancelled());
        // A peer that already has as many takes no other's place.
        assert!(slots.take(address("192.0.2.3")).is_none());
    }

    #[test]
    fn a_peer_with_too_many_makes_room_among_its_own() {
        let slots = slots(8, 2);
        let other = slots.take(address("192.0.2.9")).expect("room");
        let seats: Vec<_> = (0..6)
            .map(|_| slots.take(address("2001:db8::1")).expect("room"))
            .collect();
        assert!(!other.leave.is_cancelled());
        let sent: Vec<_> = seats.iter().map(|seat| seat.leave.is_cancelled()).collect();
        assert_eq!(sent, [true, true, true, true, false, false]);
        // The same network, and the same address in another notation.
        assert_eq!(peer(address("2001:db8::1")), peer(address("2001:db8::f:1")));
        assert_eq!(peer(address("::ffff:192.0.2.9")), address("192.0.2.9"));
    }
}
