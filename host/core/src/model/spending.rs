//! What calls of models take: kept one by one, and bounded by the day.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::cause::Cause;
use super::role::Provider;
use crate::config::ModelRules;
use crate::config::shown_amount;
use crate::handler::{Call, Tokens};
use crate::outcome::Stop;
use crate::store::model_calls::{self, ModelCall, ModelUse};
use crate::store::{Store, StoreError, findings};

/// The kind of the finding that a day's bound is reached, and its key.
pub const CEILING: &str = "ceiling";
pub const CEILING_KEY: &str = "ceiling:models";

/// Keeps what calls take.
pub struct Spending {
    pub store: Store,
    pub rules: ModelRules,
}

/// A call that was made.
pub(super) struct Made<'a> {
    pub(super) call: &'a Call,
    pub(super) role: &'a str,
    pub(super) provider: &'a Provider,
    pub(super) tokens: Tokens,
    pub(super) took: Duration,
    pub(super) outcome: String,
}

impl Spending {
    /// What of the day's bounds is reached, if one is, as the cause why no paid provider is asked. It is
    /// looked at before each question, so a day can end beyond its bound by what was under way.
    pub(super) async fn ceiling(&self, call: &Call) -> Result<Option<Cause>, Stop> {
        let Some(reached) = reached(&self.store, &self.rules, call.now).await? else {
            return Ok(None);
        };
        let (key, kind) = (CEILING_KEY, CEILING);
        findings::raise(&self.store, key, kind, "models", &reached).await?;
        let until = tomorrow(call.now);
        Ok(Some(Cause::Ceiling { until, reached }))
    }

    pub(super) async fn keep(&self, made: Made<'_>) -> Result<(), Stop> {
        let Tokens { prompt, completion } = made.tokens;
        let model = &made.provider.model;
        let call = ModelCall {
            run: made.call.run.clone(),
            stage: made.call.stage.clone(),
            role: made.role.to_owned(),
            provider: made.provider.role.clone(),
            model: model.clone(),
            prompt_tokens: prompt,
            completion_tokens: completion,
            microcents: self.rules.cost(model, prompt, completion),
            duration_ms: u64::try_from(made.took.as_millis()).unwrap_or(u64::MAX),
            outcome: made.outcome,
            at: made.call.now,
        };
        Ok(model_calls::keep(&self.store, &call).await?)
    }
}

/// What of a day's bounds is reached, in words.
pub async fn reached(
    store: &Store,
    rules: &ModelRules,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    if rules.daily_cost.is_none() && rules.daily_tokens.is_none() {
        return Ok(None);
    }
    let day = ModelUse::total(&model_calls::of_day(store, today(now)).await?);
    let until = "models are asked again on the next day of UTC, or with a higher";
    let cost = rules
        .daily_microcents()
        .filter(|most| day.microcents >= *most);
    if let Some(most) = cost {
        let (spent, most) = (shown_amount(day.microcents), shown_amount(most));
        let told = format!("models cost {spent} today, and {most} are allowed; {until}");
        return Ok(Some(format!("{told} `daily_cost` under [models]")));
    }
    let tokens = rules.daily_tokens.filter(|most| day.tokens() >= *most);
    Ok(tokens.map(|most| {
        let spent = day.tokens();
        let told = format!("models took {spent} tokens today, and {most} are allowed; {until}");
        format!("{told} `daily_tokens` under [models]")
    }))
}

/// When the day of UTC began.
pub fn today(now: Timestamp) -> Timestamp {
    let day = now.to_zoned(TimeZone::UTC).start_of_day();
    day.map_or(now, |day| day.timestamp())
}

fn tomorrow(now: Timestamp) -> Timestamp {
    let next = today(now).checked_add(24.hours());
    next.unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one_of_utc() {
        let now: Timestamp = "2026-02-28T23:59:59Z".parse().expect("a time");
        assert_eq!(today(now).to_string(), "2026-02-28T00:00:00Z");
        assert_eq!(tomorrow(now).to_string(), "2026-03-01T00:00:00Z");
    }
}
