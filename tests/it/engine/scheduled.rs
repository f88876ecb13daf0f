//! What starts by itself and waits for a person: the ledger, and the days that come meanwhile.

use callboard_core::store::Dialect;

use super::{Theatre, stage};
use crate::support::factory::on_each;

/// A stage, a gate that is passed over and whose question has a dot, and one that waits.
fn scheduled(dialect: Dialect, overlap: &str) -> Theatre {
    let gate = |id: &str, need: &str, rest: &str| {
        format!("[[stage]]\nid = \"{id}\"\ngate = \"ready. set?\"\nneeds = [\"{need}\"]\n{rest}\n")
    };
    // No person has to decide it, so it is none that the schedule stops at.
    let passed = "when = [{ key = \"cue\", is = \"never\" }]\n\
        expiry = { after = \"1h\", as = \"approved\" }";
    let stages = stage("a", &[], "")
        + &gate("skipped", "a", passed)
        + &gate("ask", "skipped", "")
        + &format!("[[schedule]]\ncron = \"0 6 * * *\"\n{overlap}\n");
    Theatre::new(dialect, &stages)
}

on_each!(
    a_run_that_waits_at_a_gate_has_worked_and_its_gates_are_no_handlers,
    |dialect: Dialect| {
        let theatre = scheduled(dialect, "");
        theatre.ok(&["schedules", "fire", "play"]);
        let run = theatre.newest();
        theatre.comes_to(&["runs", "resume", &run], 4);
        let ledger = "SELECT handler || ' ' || outcome AS text FROM effects \
            WHERE last_success IS NOT NULL";
        assert_eq!(theatre.texts(ledger, "text"), ["probe.plays done"]);
        theatre.comes_to(&["gates", "approve", &run], 0);
        assert_eq!(theatre.texts(ledger, "text"), ["probe.plays done"]);
    }
);

on_each!(
    a_schedule_that_stops_at_a_gate_is_named,
    |dialect: Dialect| {
        let theatre = scheduled(dialect, "");
        let stops = "starts no run while one waits at gate `ask`";
        let listed = theatre.ok(&["schedules", "list"]);
        assert!(listed.contains(stops), "{listed}");
        assert_eq!(theatre.json(&["schedules", "list"])[0]["stops_at"], "ask");
        let doctor = theatre.run(&["doctor"]);
        assert!(doctor.stdout.contains(stops), "{doctor}");
        theatre.ok(&["schedules", "fire", "play"]);
        let run = theatre.newest();
        theatre.comes_to(&["runs", "resume", &run], 4);
        theatre.refuses(&["schedules", "fire", "play"], 1, "has not ended");
    }
);

on_each!(
    a_schedule_that_allows_overlaps_goes_on_behind_a_gate,
    |dialect: Dialect| {
        let theatre = scheduled(dialect, "overlap = \"allow\"");
        for gated in 1..=2 {
            theatre.ok(&["schedules", "fire", "play"]);
            let run = theatre.newest();
            theatre.comes_to(&["runs", "resume", &run], 4);
            assert_eq!(theatre.count("open_runs WHERE status = 'gated'"), gated);
        }
        let listed = theatre.ok(&["schedules", "list"]);
        assert!(!listed.contains("starts no run"), "{listed}");
    }
);
