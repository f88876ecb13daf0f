//! What a rejection found reaches the stages after it and those that it sends back to, and a stage can read
//! what came of each stage that it needs.

use callboard_core::store::Dialect;

use super::{Theatre, script, stage};
use crate::support::factory::on_each;

const TELLS: &str = "config = { tells = true }";

on_each!(
    a_rejection_hands_on_what_it_found_to_the_stage_that_it_sends_back_to,
    |dialect: Dialect| {
        let critic = script(&["found too dry", "done"]) + "\non.rejected = \"goto:revise\"";
        let revise = format!("{TELLS}\nmax_visits = 2");
        let stages = stage("draft", &[], "")
            + &stage("revise", &["draft"], &revise)
            + &stage("critic", &["revise"], &critic);
        let theatre = Theatre::new(dialect, &stages);
        let run = theatre.play(0);
        let lines = theatre.lines(&run);
        assert_eq!(lines.len(), 3, "{lines:?}");
        // Not after the draft, which counts as well: after what the critic handed on.
        assert!(
            lines[1].starts_with(
                "revise 2, cue now, because too dry, after (critic 1, cue now), [draft | probe.plays | done"
            ),
            "{lines:?}"
        );
    }
);

on_each!(
    a_stage_reads_what_came_of_each_that_it_needs_and_of_no_other,
    |dialect: Dialect| {
        let goes_on =
            |said: &str, outcome: &str| format!("{}\non.{outcome} = \"skip\"", script(&[said]));
        let stages = stage("before", &[], "")
            + &stage("found", &["before"], &goes_on("found a slip", "rejected"))
            + &stage("bare", &["found"], &goes_on("rejected whim", "rejected"))
            + &stage("away", &["bare"], &goes_on("unavailable", "unavailable"))
            + &stage("torn", &["away"], &goes_on("failed", "failed"))
            + &stage(
                "idle",
                &["torn"],
                &goes_on("nothing-to-do", "nothing-to-do"),
            )
            + &stage("sum", &["found", "bare", "away", "torn", "idle"], TELLS);
        let theatre = Theatre::new(dialect, &stages);
        let run = theatre.play(0);
        let lines = theatre.lines(&run);
        assert_eq!(
            lines.last().map(String::as_str),
            Some(
                "sum 1, cue now, after (found 1, cue now), [away | probe.plays | unavailable], \
                 [bare | probe.plays | rejected | taste], \
                 [found | probe.plays | rejected | taste | found 1, cue now], \
                 [idle | probe.plays | nothing-to-do], [torn | probe.plays | failed]"
            ),
            "{lines:?}"
        );
    }
);
