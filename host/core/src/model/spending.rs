//! What calls of models take: kept one by one, and bounded by the day.

use std::time::Instant;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::cause::ModelCause;
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

/// A question to a provider.
pub(super) struct ProviderRequest<'a> {
    pub(super) call: &'a Call,
    pub(super) role: &'a str,
    pub(super) provider: &'a Provider,
    /// What it takes if nobody hears what it took.
    pub(super) estimate: Tokens,
}

impl<'a> ProviderRequest<'a> {
    pub(super) fn new(
        call: &'a Call,
        role: &'a str,
        provider: &'a Provider,
        estimate: Tokens,
    ) -> Self {
        Self {
            call,
            role,
            provider,
            estimate,
        }
    }
}

/// A question that is under way, and kept as such.
pub(super) struct Open {
    row: ModelCall,
    began: Instant,
}

impl Spending {
    /// What of the day's bounds is reached, if one is, as the cause why no paid provider is asked. It is
    /// looked at before each question, so a day can end beyond its bound by what was under way.
    pub(super) async fn ceiling(&self, call: &Call) -> Result<Option<ModelCause>, Stop> {
        let Some(reached) = reached(&self.store, &self.rules, call.now).await? else {
            return Ok(None);
        };
        let (key, kind) = (CEILING_KEY, CEILING);
        findings::raise(&self.store, key, kind, "models", &reached).await?;
        let until = tomorrow(call.now);
        Ok(Some(ModelCause::Ceiling { until, reached }))
    }

    /// Keep that a question is about to be asked, by an estimate of what it takes. It stays so if
    /// whoever asks is stopped, and counts.
    pub(super) async fn begin(&self, asked: &ProviderRequest<'_>) -> Result<Open, Stop> {
        let row = ModelCall {
            id: uuid::Uuid::now_v7().to_string(),
            run: asked.call.run.clone(),
            stage: asked.call.stage.clone(),
            role: asked.role.to_owned(),
            provider: asked.provider.role.clone(),
            model: asked.provider.model.clone(),
            prompt_tokens: 0,
            completion_tokens: 0,
            estimated: false,
            microcents: 0,
            duration_ms: 0,
            outcome: model_calls::ASKED.to_owned(),
            at: asked.call.now,
        };
        let row = self.taking(row, asked.estimate);
        model_calls::keep(&self.store, &row).await?;
        Ok(Open {
            row,
            began: Instant::now(),
        })
    }

    /// Keep what a question took, and how it came out.
    pub(super) async fn end(
        &self,
        open: Open,
        tokens: Tokens,
        outcome: String,
    ) -> Result<(), Stop> {
        let took = open.began.elapsed().as_millis();
        let row = ModelCall {
            duration_ms: u64::try_from(took).unwrap_or(u64::MAX),
            outcome,
            ..self.taking(open.row, tokens)
        };
        Ok(model_calls::complete(&self.store, &row).await?)
    }

    fn taking(&self, row: ModelCall, tokens: Tokens) -> ModelCall {
        let (prompt, completion) = (tokens.prompt, tokens.completion);
        ModelCall {
            prompt_tokens: prompt,
            completion_tokens: completion,
            estimated: tokens.estimated,
            microcents: self.rules.cost(&row.model, prompt, completion),
            ..row
        }
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
