//! Who answers with which document: the table that `docs/reference/documents.md` is made of, and by
//! which a test holds what commands print.

use callboard_core::operations::{
    ListEntry, ProblemView, doctor, findings, gates, handlers, models, pipelines, plugins,
    policies, prompts, revisions, runs, schedules, settings, test_cases,
};
use callboard_factory::operations::{
    backup, diary, health, overview, pictures, posts, rails, tasks,
};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{DemoDocument, FailureDocument, Initialised, Serving, TextFile, Working, Written};

/// What a command prints with `--format json`, or a page answers with.
#[derive(Debug, Clone, Copy)]
pub struct DocumentedAnswer {
    /// A command without `callboard`, with the flag that makes a difference; or a path of HTTP.
    pub asked: &'static str,
    schema: fn(&mut SchemaGenerator) -> Schema,
}

const fn answer<T: JsonSchema>(asked: &'static str) -> DocumentedAnswer {
    DocumentedAnswer {
        asked,
        schema: SchemaGenerator::subschema_for::<T>,
    }
}

/// What is asked about, with the answers about it.
pub(in crate::cli) type Noun = (&'static str, &'static [DocumentedAnswer]);

const NOUNS: &[Noun] = &[
    ("runs", RUNS),
    ("tests", TESTS),
    ("gates", GATES),
    ("tasks", TASKS),
    ("posts", POSTS),
    ("the diary", DIARY),
    ("revisions", REVISIONS),
    ("pipelines", PIPELINES),
    ("prompts", PROMPTS),
    ("handlers", HANDLERS),
    ("plugins", PLUGINS),
    ("policies", POLICIES),
    ("rails", RAILS),
    ("schedules", SCHEDULES),
    ("settings", SETTINGS),
    ("models", MODELS),
    ("findings", FINDINGS),
    ("the whole", WHOLE),
    ("the program itself", PROGRAM),
];

const TESTS: &[DocumentedAnswer] = &[
    answer::<Vec<test_cases::TestResult>>("test"),
    answer::<Vec<test_cases::TestCaseView>>("test --list"),
];

const RUNS: &[DocumentedAnswer] = &[
    answer::<Vec<runs::ListedView>>("runs list"),
    answer::<runs::RunDetails>("runs show"),
    answer::<runs::RunView>("run"),
    answer::<runs::RunView>("runs resume"),
    answer::<runs::RunView>("runs retry"),
    answer::<runs::RunView>("runs fork"),
    answer::<runs::SteeredView>("runs cancel"),
    answer::<runs::SteeredView>("runs pause"),
    answer::<runs::MigrationView>("runs migrate"),
    answer::<runs::RunChange>("runs tail"),
    answer::<runs::Pruned>("runs prune"),
];

const GATES: &[DocumentedAnswer] = &[
    answer::<Vec<gates::GateView>>("gates list"),
    answer::<Vec<gates::GateDetails>>("gates show"),
    answer::<runs::RunView>("gates approve"),
    answer::<runs::RunView>("gates reject"),
    answer::<runs::RunView>("gates regenerate"),
];

const TASKS: &[DocumentedAnswer] = &[
    answer::<tasks::TaskView>("tasks create"),
    answer::<runs::RunView>("tasks create --wait"),
    answer::<Vec<ListEntry<tasks::TaskView>>>("tasks list"),
    answer::<tasks::TaskDetails>("tasks show"),
    answer::<tasks::DraftView>("tasks edit"),
    answer::<tasks::DiffView>("tasks diff"),
    answer::<runs::RunView>("tasks approve"),
    answer::<runs::RunView>("tasks reject"),
    answer::<runs::RunView>("tasks regenerate"),
    answer::<runs::RunView>("tasks retry"),
    answer::<tasks::Cancelled>("tasks cancel"),
    answer::<runs::RunView>("tasks regen-image"),
    answer::<Vec<tasks::TaskMoveView>>("tasks history"),
];

const POSTS: &[DocumentedAnswer] = &[
    answer::<Vec<ListEntry<posts::Post>>>("posts list"),
    answer::<posts::Post>("posts show"),
    answer::<posts::MovedPost>("posts publish"),
    answer::<posts::MovedPost>("posts schedule"),
    answer::<posts::MovedPost>("posts unpublish"),
    answer::<posts::MovedPost>("posts archive"),
    answer::<posts::MovedPost>("posts restore"),
    answer::<posts::MovedPost>("posts remove"),
    answer::<posts::MovedPost>("posts retitle"),
    answer::<Vec<posts::PostMoveView>>("posts history"),
    answer::<posts::ExportView>("posts export"),
    answer::<posts::DumpedPosts>("posts export --as"),
    answer::<posts::ImportedPosts>("posts import"),
    answer::<pictures::UnusedPictures>("posts unused-pictures"),
];

const DIARY: &[DocumentedAnswer] = &[answer::<diary::DiaryAudit>("diary audit")];

const REVISIONS: &[DocumentedAnswer] = &[
    answer::<revisions::RollReportView<'_>>("check"),
    answer::<revisions::AppliedView>("apply"),
    answer::<Vec<revisions::RevisionView>>("revisions list"),
    answer::<revisions::RevisionDetails>("revisions show"),
    answer::<TextFile>("revisions show --file"),
    answer::<revisions::Difference>("revisions diff"),
    answer::<revisions::RevisionView>("revisions rollback"),
    answer::<revisions::Digests>("--print-digest"),
];

const PROMPTS: &[DocumentedAnswer] = &[
    answer::<Vec<prompts::PromptView>>("prompts list"),
    answer::<prompts::PromptView>("prompts show"),
    answer::<prompts::RenderedPrompt>("prompts render"),
];

const PIPELINES: &[DocumentedAnswer] = &[
    answer::<Vec<pipelines::PipelineView>>("pipelines list"),
    answer::<pipelines::PipelineView>("pipelines show"),
];

const HANDLERS: &[DocumentedAnswer] = &[
    answer::<Vec<handlers::HandlerView>>("handlers list"),
    answer::<handlers::HandlerDetails>("handlers show"),
];

const PLUGINS: &[DocumentedAnswer] = &[
    answer::<Vec<plugins::PluginView>>("plugins list"),
    answer::<plugins::PluginView>("plugins show"),
    answer::<plugins::ExplanationView>("plugins explain"),
];

const POLICIES: &[DocumentedAnswer] = &[
    answer::<Vec<policies::PolicyView>>("policies list"),
    answer::<runs::RunView>("policies run"),
];

const RAILS: &[DocumentedAnswer] = &[
    answer::<Vec<rails::RailView>>("rails list"),
    answer::<rails::trial::TrialView>("rails trial"),
];

const SCHEDULES: &[DocumentedAnswer] = &[
    answer::<Vec<schedules::ScheduleView>>("schedules list"),
    answer::<schedules::ScheduleView>("schedules show"),
    answer::<schedules::Fired>("schedules fire"),
];

const SETTINGS: &[DocumentedAnswer] = &[
    answer::<Vec<settings::SettingView>>("settings list"),
    answer::<settings::SettingView>("settings get"),
    answer::<settings::SettingView>("settings set"),
    answer::<settings::SettingView>("settings unset"),
    answer::<Vec<settings::SettingChangeView>>("settings history"),
    answer::<settings::CarriedSettings>("settings export"),
    answer::<settings::Imported>("settings import"),
];

const MODELS: &[DocumentedAnswer] = &[
    answer::<models::ModelsView>("models list"),
    answer::<models::TestedRole>("models test"),
];

const FINDINGS: &[DocumentedAnswer] = &[
    answer::<Vec<findings::Finding>>("findings list"),
    answer::<findings::Resolved>("findings resolve"),
];

const WHOLE: &[DocumentedAnswer] = &[
    answer::<doctor::Diagnosis>("doctor"),
    answer::<backup::Backup>("backup"),
    answer::<overview::FactoryOverview>("/console.json"),
    answer::<ProblemView>("/console.json, unavailable"),
    answer::<health::Health>("/health"),
];

const PROGRAM: &[DocumentedAnswer] = &[
    answer::<Initialised>("init"),
    answer::<Serving>("serve"),
    answer::<Working>("work"),
    answer::<DemoDocument>("demo"),
    answer::<TextFile>("completions"),
    answer::<Written>("reference"),
    answer::<FailureDocument>("any command that fails"),
];

/// Every noun, in the order of the page.
pub(in crate::cli) fn nouns() -> &'static [Noun] {
    NOUNS
}

/// What makes the schemas: of documents as they are written.
pub(in crate::cli) fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
}

/// Every document.
pub fn all() -> impl Iterator<Item = &'static DocumentedAnswer> {
    NOUNS.iter().flat_map(|(_, answers)| *answers)
}

impl DocumentedAnswer {
    /// The schema, whose parts the generator keeps.
    pub(in crate::cli) fn within(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.schema)(generator)
    }

    /// The schema with all of its parts.
    pub fn schema(&self) -> Schema {
        let mut generator = generator();
        let mut schema = self.within(&mut generator);
        let parts = generator.take_definitions(true);
        schema.insert("$defs".to_owned(), parts.into());
        schema
    }

    /// Whether it is a path of HTTP.
    pub fn is_page(&self) -> bool {
        self.asked.starts_with('/')
    }
}
