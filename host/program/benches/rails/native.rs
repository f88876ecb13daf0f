//! What a rail of a plugin knows of its SDK, for a rail that is compiled into this program: the same names, and
//! nothing of a guest.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// Nothing is asked of it.
#[derive(Debug)]
pub struct Call;

#[derive(Debug)]
pub struct Done<W>(W);

/// Why not, and what was found.
#[derive(Debug)]
pub struct Stop {
    pub rule: String,
    pub detail: String,
    pub found: Json,
}

/// As the SDK has it.
pub trait Handler {
    const NAME: &'static str;
    const SUMMARY: &'static str;
    const ALWAYS_GIVES_A_VERDICT: bool = false;
    type Config: DeserializeOwned + JsonSchema;
    type Reads: DeserializeOwned + JsonSchema;
    type Writes: Serialize + JsonSchema;

    fn handle(
        call: &Call,
        config: Self::Config,
        reads: Self::Reads,
    ) -> Result<Done<Self::Writes>, Stop>;
}

impl<W> Done<W> {
    pub fn new(written: W) -> Self {
        Self(written)
    }
}

impl Stop {
    pub fn rejected(rule: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            detail: detail.into(),
            found: Json::Null,
        }
    }

    pub fn nothing_to_do(reason: impl Into<String>) -> Self {
        Self::rejected("", reason)
    }

    /// The same, with what was found.
    ///
    /// # Panics
    ///
    /// If that is no JSON.
    #[must_use]
    pub fn handing_on<W: Serialize>(mut self, found: &W) -> Self {
        self.found = serde_json::to_value(found).expect("it is JSON");
        self
    }
}

/// A call, from JSON to JSON.
pub(crate) fn handled<H: Handler>(config: Json, reads: Json) -> Json {
    let config = serde_json::from_value(config).expect("a configuration");
    let reads = serde_json::from_value(reads).expect("what it reads");
    match H::handle(&Call, config, reads) {
        Ok(done) => serde_json::to_value(done.0).expect("it is JSON"),
        Err(stop) => serde_json::json!({
            "rail": H::NAME, "rule": stop.rule, "detail": stop.detail, "found": stop.found,
        }),
    }
}
