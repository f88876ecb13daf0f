//! `[models]`: what models cost, and how much of it a day may have.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::span::Span;

/// Millionths of a cent that one unit of money has.
const MICROCENTS: f64 = 100_000_000.0;
/// Tokens that a price is for.
const TOKENS: f64 = 1_000_000.0;

/// What models cost, and how much of it a day may have.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelRules {
    /// The most that calls of models may cost in a day of UTC, in the money of the prices; any, if
    /// absent.
    #[serde(deserialize_with = "amount")]
    pub daily_cost: Option<f64>,
    /// The most tokens that they may take in a day of UTC, those of questions included; any, if
    /// absent.
    pub daily_tokens: Option<u64>,
    /// How long a server may say nothing amid an answer that it gives piece by piece. Until the answer begins, the
    /// time that the question has is its only bound.
    #[serde(deserialize_with = "silence")]
    pub silence: Span,
    /// Prices by the name of the model, as the role has it.
    pub prices: BTreeMap<String, ModelPrice>,
}

impl Default for ModelRules {
    fn default() -> Self {
        Self {
            daily_cost: None,
            daily_tokens: None,
            silence: Span::from_secs(120),
            prices: BTreeMap::new(),
        }
    }
}

/// What a million tokens cost, in any money, but the same for all models.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPrice {
    /// Of what is asked.
    #[serde(deserialize_with = "price")]
    pub prompt: f64,
    /// Of the answer.
    #[serde(deserialize_with = "price")]
    pub completion: f64,
}

impl ModelRules {
    #[expect(clippy::cast_precision_loss, reason = "no call has so many tokens")]
    /// What a call costs, in millionths of a cent; nothing if the model has no price.
    pub fn cost(&self, model: &str, prompt: u64, completion: u64) -> u64 {
        let price = self.prices.get(model).copied().unwrap_or_default();
        microcents((prompt as f64 * price.prompt + completion as f64 * price.completion) / TOKENS)
    }

    /// [`ModelRules::daily_cost`] in millionths of a cent.
    pub fn daily_microcents(&self) -> Option<u64> {
        self.daily_cost.map(microcents)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an amount is never negative, and a cast stays at the most that a number holds"
)]
fn microcents(amount: f64) -> u64 {
    (amount * MICROCENTS).round() as u64
}

/// Millionths of a cent as an amount for people: `0.0123`.
#[expect(clippy::cast_precision_loss, reason = "shown with four decimals")]
pub fn shown_amount(microcents: u64) -> String {
    format!("{:.4}", microcents as f64 / MICROCENTS)
}

fn price<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let price = f64::deserialize(deserializer)?;
    if price.is_finite() && price >= 0.0 {
        return Ok(price);
    }
    Err(D::Error::custom("it is no amount, expected 0 or more"))
}

/// None at all would end each answer.
fn silence<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    let span = Span::deserialize(deserializer)?;
    if span.0.is_zero() {
        return Err(D::Error::custom(
            "no server says all at once, expected a length such as `2m`",
        ));
    }
    Ok(span)
}

fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    price(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_for_a_million_tokens() {
        let text = "daily_cost = 2.5\n[prices.quill]\nprompt = 0.15\ncompletion = 0.6\n";
        let rules: ModelRules = toml::from_str(text).expect("rules");
        assert_eq!(rules.daily_microcents(), Some(250_000_000));
        assert_eq!(rules.cost("quill", 1_000_000, 0), 15_000_000);
        assert_eq!(rules.cost("quill", 1000, 200), 27_000);
        assert_eq!(rules.cost("other", 1000, 200), 0);
        assert_eq!(shown_amount(27_000), "0.0003");
        for text in [
            "daily_cost = -1.0",
            "daily_cost = nan",
            "daily_tokens = -1",
            "daily = 1",
            "silence = \"0s\"",
        ] {
            assert!(toml::from_str::<ModelRules>(text).is_err(), "{text}");
        }
    }
}
