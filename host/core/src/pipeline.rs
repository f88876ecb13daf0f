//! Pipelines as data: `pipelines/*.toml`, and the order their stages run in. No IO.

mod condition;
mod gate;
mod graph;
mod guards;
mod limits;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use serde::{Deserialize, Serialize, de};
use serde_json::Value as Json;
use toml::Spanned;

pub use self::condition::Condition;
pub(crate) use self::condition::same;
pub use self::gate::{Expiry, Lapse};
pub use self::graph::Graph;
pub use self::guards::{Breach, Way, breaches, ways_past};
pub use self::limits::PipelineLimits;
use crate::schedule::Schedule;
pub use crate::span::Span;

/// Stages that a pipeline may have, and needs that they may name together.
pub const STAGES: usize = 1_000;
pub const NEEDS: usize = 10_000;
/// Conditions that its stages may have together, and schedules of its own.
pub const CONDITIONS: usize = 1_000;
pub const SCHEDULES: usize = 100;

/// A definition of stages and what follows from their outcomes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    pub name: Spanned<String>,
    #[serde(default)]
    pub description: String,
    /// What a run may take in all, waiting at gates not counted.
    pub budget: Span,
    /// Runs of a greater priority go first.
    #[serde(default)]
    pub priority: i64,
    #[serde(default)]
    pub limits: PipelineLimits,
    /// Roles of models without which no run of it begins. One that is not set stops this
    /// pipeline and nothing else.
    #[serde(default)]
    pub roles: Vec<Spanned<String>>,
    #[serde(default)]
    pub input: BTreeMap<String, InputKey>,
    /// When runs of it begin by themselves.
    #[serde(default, rename = "schedule")]
    pub schedules: Vec<Schedule>,
    #[serde(rename = "stage")]
    pub stages: Vec<Stage>,
}

/// A key that a run is started with.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputKey {
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub default: Option<Json>,
}

/// One handler, or one gate, and what follows from each outcome.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    pub id: Spanned<String>,
    /// The handler it runs; a stage has this or `gate`.
    #[serde(default)]
    pub handler: Option<Spanned<String>>,
    /// What a person is asked; the stage then waits for an approval.
    #[serde(default)]
    pub gate: Option<Spanned<String>>,
    /// When a gate lapses, and what it then counts as; never, if absent.
    #[serde(default)]
    pub expiry: Option<Expiry>,
    /// The stage that may settle a gate in a person's place: directly before it, of a handler that decides.
    #[serde(default)]
    pub settled_by: Option<Spanned<String>>,
    /// What a person at a gate can have made anew: a name for it, and the stage that makes it.
    #[serde(default)]
    pub regenerate: BTreeMap<String, Spanned<String>>,
    /// The stages before it.
    #[serde(default)]
    pub needs: Vec<Spanned<String>>,
    /// All of these have to hold, or the stage is skipped.
    #[serde(default)]
    pub when: Vec<Condition>,
    #[serde(default = "empty")]
    pub config: Spanned<Json>,
    #[serde(default)]
    pub timeout: Option<Spanned<Span>>,
    #[serde(default)]
    pub retry: Retry,
    /// Outcome name to what follows.
    #[serde(default)]
    pub on: BTreeMap<String, Spanned<Follow>>,
    /// How often a `goto` may come back here.
    #[serde(default = "one")]
    pub max_visits: u32,
    /// Marks a verdict that the run cannot do without.
    #[serde(default)]
    pub required: bool,
}

/// Attempts at a failure that may mend itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// Attempts in all; 1 means no retry.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles with each further one.
    pub backoff: Span,
    /// The longest pause.
    pub max: Span,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 1,
            backoff: Span::from_secs(1),
            max: Span::from_secs(30),
        }
    }
}

impl Retry {
    /// The pause after `attempt` (from 1) failed, without jitter.
    pub fn pause(&self, attempt: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        self.backoff.0.saturating_mul(doubled).min(self.max.0)
    }

    /// The pause with jitter: between half of it and all of it, so that runs that failed
    /// together do not come back together. `chance` is any number.
    pub fn jittered(&self, attempt: u32, chance: u64) -> Duration {
        let pause = self.pause(attempt);
        let thousandths = u32::try_from(chance % 501).unwrap_or_default();
        pause.saturating_mul(1000 - thousandths) / 1000
    }
}

/// What follows from an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Follow {
    /// Go on with the stages that need this one.
    Continue,
    /// Wait and try the stage again, consuming no retry.
    Hold,
    /// Go on as if the stage were not there; the skip stays visible.
    Skip,
    /// End the run; its status says what the outcome was.
    End,
    /// End the run as failed, whatever the outcome.
    Fail,
    /// Visit a stage (again).
    Goto(String),
}

impl std::fmt::Display for Follow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Follow::Continue => f.write_str("continue"),
            Follow::Hold => f.write_str("hold"),
            Follow::Skip => f.write_str("skip"),
            Follow::End => f.write_str("end"),
            Follow::Fail => f.write_str("fail"),
            Follow::Goto(stage) => write!(f, "goto:{stage}"),
        }
    }
}

impl std::str::FromStr for Follow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "continue" => Follow::Continue,
            "hold" => Follow::Hold,
            "skip" => Follow::Skip,
            "end" => Follow::End,
            "fail" => Follow::Fail,
            other => {
                let stage = other.strip_prefix("goto:").ok_or_else(|| {
                    format!(
                        "`{other}` does not follow; write one of continue, hold, skip, end, fail, goto:<stage>"
                    )
                })?;
                Follow::Goto(stage.to_owned())
            }
        })
    }
}

impl<'de> Deserialize<'de> for Follow {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Follow {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Outcomes a stage can name in `on`, with what follows by default.
pub const FOLLOWS: [(&str, Follow); 6] = [
    ("done", Follow::Continue),
    ("nothing-to-do", Follow::End),
    ("deferred", Follow::Hold),
    ("rejected", Follow::End),
    ("unavailable", Follow::Hold),
    ("failed", Follow::End),
];

impl Stage {
    /// The only stage of a run that has one, such as a policy's.
    pub fn single(id: &str, handler: Spanned<String>, config: &Json) -> Self {
        Self {
            id: Spanned::new(0..0, id.to_owned()),
            handler: Some(handler),
            gate: None,
            expiry: None,
            settled_by: None,
            regenerate: BTreeMap::new(),
            needs: Vec::new(),
            when: Vec::new(),
            config: Spanned::new(0..0, config.clone()),
            timeout: None,
            retry: Retry::default(),
            on: BTreeMap::new(),
            max_visits: 1,
            required: false,
        }
    }

    /// What follows from an outcome, written or by default.
    pub fn follow(&self, outcome: &str) -> Follow {
        if let Some(written) = self.on.get(outcome) {
            return written.get_ref().clone();
        }
        let default = FOLLOWS.iter().find(|(name, _)| *name == outcome);
        default.map_or(Follow::Fail, |(_, follow)| follow.clone())
    }

    pub fn id(&self) -> &str {
        self.id.get_ref()
    }

    /// The handler it runs, or the question of its gate, for a person.
    pub fn what(&self) -> String {
        match (&self.handler, &self.gate) {
            (Some(handler), _) => handler.get_ref().clone(),
            (None, Some(gate)) => format!("gate: {}", gate.get_ref()),
            (None, None) => "-".to_owned(),
        }
    }

    /// The stages it needs, by id.
    pub fn needed(&self) -> impl Iterator<Item = &str> {
        self.needs.iter().map(|need| need.get_ref().as_str())
    }
}

impl Pipeline {
    /// The first gate that waits for a person as long as that takes.
    pub fn waits_at(&self) -> Option<&str> {
        let mut gates = self.stages.iter().filter(|stage| stage.gate.is_some());
        gates.find(|gate| gate.expiry.is_none()).map(Stage::id)
    }

    pub fn name(&self) -> &str {
        self.name.get_ref()
    }

    /// The handlers that its stages name.
    pub fn handlers(&self) -> impl Iterator<Item = &str> {
        let handlers = self
            .stages
            .iter()
            .filter_map(|stage| stage.handler.as_ref());
        handlers.map(|handler| handler.get_ref().as_str())
    }

    pub fn stage(&self, id: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id() == id)
    }

    /// Stages in an order in which each comes after those it needs, the first written first; the
    /// error lists the stages of a circle. Needs that name no stage are left to the roll call.
    pub fn order(&self) -> Result<Vec<&Stage>, Vec<String>> {
        let graph = Graph::of(self);
        let dependents = graph.dependents();
        let count = self.stages.len();
        let mut waits: Vec<usize> = (0..count).map(|it| graph.needed(it).len()).collect();
        let free = (0..count).filter(|number| waits[*number] == 0);
        let mut free: BinaryHeap<Reverse<usize>> = free.map(Reverse).collect();
        let mut order = Vec::new();
        while let Some(Reverse(number)) = free.pop() {
            order.push(&self.stages[number]);
            for after in &dependents[number] {
                waits[*after] -= 1;
                if waits[*after] == 0 {
                    free.push(Reverse(*after));
                }
            }
        }
        if order.len() == count {
            return Ok(order);
        }
        let circle = (0..count).filter(|number| waits[*number] > 0);
        Err(circle.map(|it| self.stages[it].id().to_owned()).collect())
    }

    /// `id` and every stage that needs it, directly or not.
    pub fn downstream(&self, id: &str) -> BTreeSet<String> {
        let mut dependents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for stage in &self.stages {
            for need in stage.needed() {
                dependents.entry(need).or_default().push(stage.id());
            }
        }
        let (mut reached, mut open) = (BTreeSet::from([id.to_owned()]), vec![id]);
        while let Some(next) = open.pop() {
            for after in dependents.get(next).into_iter().flatten() {
                if reached.insert((*after).to_owned()) {
                    open.push(after);
                }
            }
        }
        reached
    }
}

fn empty() -> Spanned<Json> {
    Spanned::new(0..0, Json::Object(serde_json::Map::new()))
}

fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Pipeline {
        toml::from_str(text).expect("a pipeline")
    }

    const DIAMOND: &str = r#"
        name = "p"
        budget = "1m"
        stage = [
          { id = "d", handler = "x.d", needs = ["b", "c"] },
          { id = "b", handler = "x.b", needs = ["a"] },
          { id = "c", handler = "x.c", needs = ["a"], on.rejected = "goto:a" },
          { id = "a", handler = "x.a", max_visits = 2 },
        ]"#;

    #[test]
    fn stages_come_after_what_they_need() {
        let pipeline = parse(DIAMOND);
        let order: Vec<_> = pipeline
            .order()
            .expect("no circle")
            .iter()
            .map(|s| s.id())
            .collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
        assert_eq!(
            pipeline.downstream("b"),
            BTreeSet::from(["b".into(), "d".into()])
        );
    }

    #[test]
    fn a_circle_is_named() {
        let pipeline =
            parse(&DIAMOND.replace(r#"handler = "x.a","#, r#"handler = "x.a", needs = ["d"],"#));
        assert_eq!(pipeline.order().unwrap_err(), ["d", "b", "c", "a"]);
    }

    #[test]
    fn what_follows_is_written_or_the_default() {
        let pipeline = parse(DIAMOND);
        let stage = pipeline.stage("c").expect("stage c");
        assert_eq!(stage.follow("rejected"), Follow::Goto("a".into()));
        assert_eq!(stage.follow("unavailable"), Follow::Hold);
        assert_eq!(stage.follow("nonsense"), Follow::Fail);
    }

    #[test]
    fn pauses_double_up_to_a_limit() {
        let retry = Retry {
            attempts: 9,
            backoff: Span::from_secs(2),
            max: Span::from_secs(5),
        };
        let pauses: Vec<_> = (1..4)
            .map(|attempt| retry.pause(attempt).as_secs())
            .collect();
        assert_eq!(pauses, [2, 4, 5]);
        assert_eq!(retry.jittered(2, 0).as_millis(), 4000);
        assert_eq!(retry.jittered(2, 500).as_millis(), 2000);
    }
}
