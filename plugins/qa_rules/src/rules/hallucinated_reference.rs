//! `hallucinated_reference`: a library that nobody has heard of.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "hallucinated_reference",
    severity: Severity::Warning,
    pattern: "a capitalised name before library, package, framework, SDK or crate, that is neither known nor linked nor in the code of the draft",
    threshold: None,
    find,
};

const KNOWN: &str = "actix|airflow|android|angular|ansible|apache|arrow|axios|axum|aws|azure|babel|bash|bevy|bootstrap|boto3|bun|cargo|celery|clap|clang|composer|cuda|cython|cypress|dask|debian|deno|diesel|discord|django|docker|dotnet|duckdb|elasticsearch|electron|ember|esbuild|eslint|expo|express|fastapi|fastify|ffmpeg|firebase|flask|flutter|gin|git|github|gitlab|gnome|go|google|gradle|grafana|graphql|gson|guzzle|hibernate|hono|http|https|hugging|hyper|java|javascript|jest|jinja|jquery|json|jsx|junit|jupyter|jwt|kafka|keras|kotlin|kubernetes|langchain|laravel|linux|llama|lodash|mastodon|matplotlib|maven|minijinja|mocha|mongo|mongodb|mongoose|mysql|nats|nestjs|next|nextjs|nginx|node|npm|numpy|nuxt|oauth|ollama|openai|openapi|openssl|pandas|paypal|php|pip|playwright|polars|postgres|postgresql|prettier|prisma|prometheus|pydantic|pytest|python|pytorch|qt|rails|react|redis|redux|remix|requests|rest|rocket|rollup|ruby|rust|scala|scikit-learn|scipy|seaborn|selenium|serde|shopify|sinatra|slack|soap|solid|spark|spring|sql|sqlalchemy|sqlite|sqlx|stripe|svelte|swift|symfony|tailwind|tauri|telegram|tensorflow|terraform|three|tokio|tower|transformers|twilio|typescript|ubuntu|unix|vite|vitest|vue|wasm|wasmtime|web|webassembly|webpack|whatsapp|windows|wordpress|xml|yarn|youtube|zod";
/// Words with a capital that are no names.
const ORDINARY: [&str; 22] = [
    "a", "an", "the", "this", "that", "these", "each", "every", "no", "any", "another", "your", "our", "my", "its", "their", "one", "standard", "public", "native", "third-party", "open-source",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let known: Vec<String> = seen.lists.known.iter().map(|it| it.to_lowercase()).collect();
    let code = seen.text.fences.iter().map(|fence| fence.text.to_lowercase());
    let code: Vec<String> = code.chain(seen.text.spans.iter().map(|span| span.text.to_lowercase())).collect();
    let found = phrases(seen.text, &["Aa library|package|framework|sdk|crate|toolkit"]).into_iter();
    let unheard = found.filter(|(passage, words)| {
        let name = &passage.words[words.start].lower;
        let name = name.trim_end_matches("'s");
        let is_known = KNOWN.split('|').any(|it| it == name) || known.iter().any(|it| it == name);
        let in_code = code.iter().any(|it| it.contains(name));
        let ordinary = ORDINARY.contains(&name) || (passage.begins_sentence(words.start) && !is_odd(passage.word(words.start)));
        !is_known && !in_code && !ordinary && !passage.is_sourced(words.start)
    });
    unheard.map(|(passage, words)| Found::words(passage, &words, "nobody is known to have made it; link to it, or add it to `known`")).collect()
}

/// Whether a word is a name wherever it stands: with a capital inside, or a digit.
fn is_odd(word: &str) -> bool {
    word.chars().skip(1).any(|c| c.is_uppercase() || c.is_ascii_digit())
}
