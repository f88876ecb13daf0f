//! `notify.greet`: say welcome to who is in the book.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use callboard_core::value::Query;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

struct Greet;
callboard_core::register!(Greet);

#[derive(Deserialize, JsonSchema)]
struct Reads {
    invited: String,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    greeting: String,
}

impl Handler for Greet {
    type Config = ();
    type Reads = Reads;
    type Writes = Writes;
    const SUMMARY: &'static str = "Greets a guest";

    fn needs(&self) -> Needs {
        Needs::default().table("visits", &["select"])
    }

    async fn handle(&self, call: &Call, _config: (), reads: Reads) -> Handled<Writes> {
        let sql = "SELECT guest FROM visits WHERE run = $1";
        let guest: Option<String> = call.read_first(Query::new(sql).bind(&call.run)).await?;
        if guest.is_none() {
            let problem = format!("{} is not in the book", reads.invited);
            return Err(Stop::failed(FailureKind::Input, problem));
        }
        let greeting = format!("welcome, {}", reads.invited);
        Ok(Done::new(Writes { greeting }).effect("greetings", 1))
    }
}
