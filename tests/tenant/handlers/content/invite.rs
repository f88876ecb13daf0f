//! `content.invite`: write a guest into the book, in the transaction of the checkpoint.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, Stop};
use callboard_core::value::Statement;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

struct Invite;
callboard_core::register!(Invite);

#[derive(Deserialize, JsonSchema)]
struct Reads {
    guest: String,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    invited: String,
}

impl Handler for Invite {
    type Config = ();
    type Reads = Reads;
    type Writes = Writes;
    const SUMMARY: &'static str = "Writes a guest into the book";

    fn needs(&self) -> Needs {
        Needs::default().table("visits", &["insert"])
    }

    async fn handle(&self, call: &Call, _config: (), reads: Reads) -> Handled<Writes> {
        if reads.guest.is_empty() {
            return Err(Stop::rejected("name", "a guest has a name"));
        }
        let sql = "INSERT INTO visits (run, guest, ended) VALUES ($1, $2, 'not yet')";
        let write = Statement::new(sql).bind(&call.run).bind(&reads.guest);
        let writes = Writes {
            invited: reads.guest,
        };
        Ok(Done::new(writes).write(write).effect("guests", 1))
    }
}
