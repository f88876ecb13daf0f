//! `probe.store`: does the database answer?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::handler::{Call, Handled, Handler};
use crate::outcome::Done;
use crate::register;
use crate::store::prunable;

struct StoreProbe;
register!(StoreProbe);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {}

#[derive(Deserialize, JsonSchema)]
struct Reads {}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// How long the answer took, in microseconds.
    answer_micros: u64,
}

impl Handler for StoreProbe {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;
    const SUMMARY: &'static str = "asks the database for a row and says how long that took";

    async fn handle(&self, call: &Call, _: Config, _: Reads) -> Handled<Writes> {
        let started = std::time::Instant::now();
        call.read(prunable::one()).await?;
        let answer_micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        Ok(Done::new(Writes { answer_micros }))
    }
}
