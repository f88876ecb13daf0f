//! Where the links of a draft lead: to a server that answers, says that there is nothing, does not let every
//! reader in, or can't be reached. Only the second is the draft's fault.

use callboard_core::exchange::{ClientError, ClientErrorKind};

use super::review::{Remark, Review, Severity};
use crate::markdown::Link;

/// What became of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reached {
    Alive,
    /// There is nothing, or it is no address that a reader could open.
    Dead(String),
    /// The server answers, and not every reader.
    Blocked(String),
    /// There is no verdict: the server gave none.
    Unreachable(String),
}

impl Reached {
    pub fn by_status(status: u16) -> Self {
        match status {
            200..=399 => Reached::Alive,
            401 | 402 | 403 | 407 | 429 | 451 | 999 => Reached::Blocked(format!("status {status}")),
            400..=499 => Reached::Dead(format!("status {status}")),
            _ => Reached::Unreachable(format!("status {status}")),
        }
    }

    pub fn by_error(error: &ClientError) -> Self {
        match error.kind {
            // It leads to where no reader is, or nowhere.
            ClientErrorKind::Denied | ClientErrorKind::BadRequest => {
                Reached::Dead(error.to_string())
            }
            ClientErrorKind::Status(status) => Reached::by_status(status),
            _ => Reached::Unreachable(error.to_string()),
        }
    }

    fn finding(&self, link: &Link) -> Option<Remark> {
        let (rule, severity, why) = match self {
            Reached::Alive => return None,
            Reached::Dead(why) => ("dead_link", Severity::Warning, why),
            Reached::Blocked(why) => ("blocked_link", Severity::Info, why),
            Reached::Unreachable(why) => ("unreachable_link", Severity::Warning, why),
        };
        let mut finding = Remark::new(rule, severity, why.clone()).about(&link.url);
        finding.line = Some(link.line);
        Some(finding)
    }
}

/// What all links came to.
#[derive(Debug)]
pub struct LinksReport {
    pub review: Review,
    pub dead: usize,
    pub alive: usize,
    pub unreachable: usize,
}

impl LinksReport {
    /// More than `most_dead` of 100 that are known to be dead make each of them an error.
    pub fn of(reached: &[(Link, Reached)], most_dead: u32) -> Self {
        let count = |is: fn(&Reached) -> bool| reached.iter().filter(|(_, it)| is(it)).count();
        let dead = count(|it| matches!(it, Reached::Dead(_)));
        let alive = count(|it| matches!(it, Reached::Alive | Reached::Blocked(_)));
        let unreachable = count(|it| matches!(it, Reached::Unreachable(_)));
        let mut findings: Vec<Remark> = reached
            .iter()
            .filter_map(|(link, it)| it.finding(link))
            .collect();
        let too_many = dead * 100 > usize::try_from(most_dead).unwrap_or(100) * (dead + alive);
        for finding in findings
            .iter_mut()
            .filter(|it| too_many && it.rule == "dead_link")
        {
            finding.severity = Severity::Error;
        }
        let score = (alive * 100).checked_div(dead + alive);
        let score = score.and_then(|score| u32::try_from(score).ok());
        let review = Review { score, findings };
        Self {
            review,
            dead,
            alive,
            unreachable,
        }
    }

    /// Whether no server was reached at all, so that there is no verdict on the draft.
    pub fn is_dark(&self) -> bool {
        self.dead + self.alive == 0 && self.unreachable > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_blocked_and_unreachable_are_three_things() {
        let link = |line| Link {
            url: format!("https://a.example/{line}"),
            line,
        };
        let error = |kind| Reached::by_error(&ClientError::new(kind, "x"));
        let reached = [
            (link(1), Reached::by_status(200)),
            (link(2), Reached::by_status(404)),
            (link(3), Reached::by_status(403)),
            (link(4), Reached::by_status(503)),
            (link(5), error(ClientErrorKind::Reset)),
            (link(6), error(ClientErrorKind::Denied)),
        ];
        let links = LinksReport::of(&reached, 50);
        assert_eq!((links.alive, links.dead, links.unreachable), (2, 2, 2));
        assert_eq!(links.review.score, Some(50));
        assert_eq!(links.review.errors().count(), 0, "half may be");
        let strict = LinksReport::of(&reached, 30);
        let dead: Vec<_> = strict.review.errors().map(|it| it.line).collect();
        assert_eq!(dead, [Some(2), Some(6)]);
        // No server was reached: no score, and no verdict.
        let dark = LinksReport::of(&reached[3..5], 30);
        assert!(dark.is_dark() && dark.review.score.is_none());
    }
}
