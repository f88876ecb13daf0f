//! Work beside the threads that serve, so that no other task waits for it: the one door to the
//! threads for that.
//!
//! What computes is given a [`Clock`], which its loops ask, so that nothing that a guest, a file or
//! a peer thinks up goes on when no caller waits for it any more. A thread cannot be stopped from
//! without; the process ends without those that go on all the same.

use std::time::Instant;

use crate::fault;

/// Steps between two looks at the clock: about a millisecond of them.
const BETWEEN_LOOKS: usize = 1 << 20;

/// Until when something may compute. A step is an operation on a number, or a few bytes.
#[derive(Debug, Clone)]
pub struct ComputeBudget {
    until: Instant,
    /// Steps that may be taken before the next look.
    left: usize,
    /// Steps that were asked for so far.
    spent: u64,
}

/// The time for it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the time for it is over")]
pub struct TimeOver;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    #[error(transparent)]
    TimeOver(#[from] TimeOver),
    /// It panicked, or the process ends.
    #[error("it did not come to its end: {0}")]
    Lost(String),
}

impl ComputeBudget {
    pub fn until(until: Instant) -> Self {
        Self {
            until,
            left: 0,
            spent: 0,
        }
    }

    /// The steps that were taken so far.
    pub fn spent(&self) -> u64 {
        self.spent
    }

    /// Ask for `steps` more, and the one to the next question.
    pub fn spend(&mut self, steps: usize) -> Result<(), TimeOver> {
        let steps = steps.saturating_add(1);
        self.spent = self.spent.saturating_add(steps as u64);
        if let Some(left) = self.left.checked_sub(steps) {
            self.left = left;
            return Ok(());
        }
        self.left = BETWEEN_LOOKS;
        if Instant::now() < self.until {
            Ok(())
        } else {
            Err(TimeOver)
        }
    }
}

/// What `work` comes to, which computes until the time that its clock tells.
pub async fn compute<T: Send + 'static>(
    until: Instant,
    work: impl FnOnce(&mut ComputeBudget) -> Result<T, TimeOver> + Send + 'static,
) -> Result<T, Unanswered> {
    let computed = on_own_thread(move || work(&mut ComputeBudget::until(until)));
    Ok(computed.await??)
}

/// What `work` comes to, which has bounds of its own, or waits for a disk.
pub async fn wait<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unanswered> {
    on_own_thread(work).await
}

/// The same, of which nobody waits for longer than until then.
pub async fn wait_until<T: Send + 'static>(
    until: Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unanswered> {
    let waited = tokio::time::timeout_at(until.into(), on_own_thread(work)).await;
    waited.unwrap_or(Err(TimeOver.into()))
}

#[expect(clippy::disallowed_methods, reason = "the one door")]
async fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unanswered> {
    let lost = |error: tokio::task::JoinError| Unanswered::Lost(error.to_string());
    let work = move || {
        fault::point("beside");
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(lost)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn what_goes_on_for_ever_ends_when_its_time_is_over() {
        let until = Instant::now() + Duration::from_millis(20);
        let endless = compute(until, |clock| -> Result<(), TimeOver> {
            loop {
                clock.spend(0)?;
            }
        });
        assert_eq!(endless.await, Err(Unanswered::TimeOver(TimeOver)));
    }

    #[tokio::test]
    async fn a_panic_is_no_answer() {
        let lost = wait(|| -> u8 { panic!("on purpose") }).await;
        let told = lost.expect_err("it panicked").to_string();
        assert!(told.contains("on purpose"), "{told}");
    }

    #[test]
    fn the_first_question_looks_at_the_clock() {
        assert_eq!(ComputeBudget::until(Instant::now()).spend(0), Err(TimeOver));
        let later = Instant::now() + Duration::from_secs(60);
        assert_eq!(ComputeBudget::until(later).spend(usize::MAX), Ok(()));
    }
}
