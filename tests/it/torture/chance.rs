//! Chance that can be had again: everything that a test leaves to it follows from one seed.

use std::time::{Duration, SystemTime};

/// Names the seed of every test.
const SEED: &str = "CALLBOARD_SEED";
/// `long` asks for more of everything.
const LENGTH: &str = "CALLBOARD_TORTURE";

/// Numbers from a seed, by `SplitMix64`.
pub(super) struct Chance(u64);

impl Chance {
    /// From the seed that is asked for, or a new one; either is printed.
    pub(super) fn new(test: &str) -> Self {
        let asked = std::env::var(SEED).ok();
        let seed = asked.map_or_else(fresh, |seed| seed.parse().expect("a seed is a number"));
        tell(&format!("{test}: {SEED}={seed}"));
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("a small number");
        usize::try_from(self.next() % end).expect("a small number")
    }

    /// One of them.
    pub(super) fn one_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// So many per cent of the time.
    pub(super) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// Let a while pass that nothing depends on.
    pub(super) fn pause(&mut self, least: usize, most: usize) {
        let milliseconds = least + self.below(most - least);
        let milliseconds = u64::try_from(milliseconds).expect("a small number");
        std::thread::sleep(Duration::from_millis(milliseconds));
    }
}

fn fresh() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().expect("it is past 1970");
    u64::from(since.subsec_nanos()) + since.as_secs() % 1000
}

/// The number for the short form, or for the long one.
pub(super) fn length(short: usize, long: usize) -> usize {
    if std::env::var(LENGTH).is_ok_and(|length| length == "long") {
        long
    } else {
        short
    }
}

/// Say what a person needs who looks at a failure, or at the long form.
#[expect(clippy::print_stderr, reason = "shown with the test that failed")]
pub(crate) fn tell(what: &str) {
    eprintln!("{what}");
}
