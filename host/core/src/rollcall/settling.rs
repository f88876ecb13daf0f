//! Who may settle a gate in a person's place: a stage that is there, alone and directly before the gate, so
//! that nothing comes between what it ruled on and what goes on, and whose handler decides.

use super::keys::properties;
use super::pipelines::Staged;
use super::{FirstMiss, Miss, Reference, ReferenceKind, Referrer, RollScope};
use crate::handler::{Contract, RULING};
use crate::pipeline::{Follow, Stage};

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let pipelines = scope.definitions.pipelines.values();
    let staged = pipelines.flat_map(Staged::all);
    staged
        .flat_map(|staged| {
            let idle = idle(scope, &staged);
            settled(scope, &staged).into_iter().chain(idle)
        })
        .collect()
}

/// A stage that decides, and that no gate names: it says yes or no to nobody.
fn idle(scope: &RollScope<'_>, staged: &Staged<'_>) -> Option<Reference> {
    let handler = staged.stage.handler.as_ref()?.get_ref();
    let contract = &scope.registry.get(handler)?.contract;
    let id = staged.stage.id();
    let mut stages = staged.defined.value.stages.iter();
    let names = |it: &Stage| it.settled_by.as_ref().is_some_and(|by| by.get_ref() == id);
    if !decides(contract) || stages.any(names) {
        return None;
    }
    let problem = "no gate names it in `settled_by`, so what it decides settles nothing";
    let mend = format!("write `settled_by = \"{id}\"` at the gate behind it, or remove the stage");
    let reference = staged.reference("handler", ReferenceKind::Verdict, handler);
    Some(reference.missed(Some(Miss::new(problem, mend).warning())))
}

fn settled(scope: &RollScope<'_>, gate: &Staged<'_>) -> Option<Reference> {
    let by = gate.stage.settled_by.as_ref()?.get_ref();
    let miss = super::conditions::no_gate(gate)
        .or_else(|| gate.no_stage(by))
        .or_else(|| apart(gate, by))
        .or_else(|| undecided(scope, gate, by));
    let reference = gate.reference("settled_by", ReferenceKind::Stage, by);
    Some(reference.missed(miss))
}

/// Something may come between the stage and the gate, or go on in another way behind it.
fn apart(gate: &Staged<'_>, by: &str) -> Option<Miss> {
    if gate.stage.follow("done") != Follow::Continue {
        let problem =
            "a gate that a stage may settle goes on with the stages behind it, and with no other";
        return Some(Miss::new(problem, "remove its `on.done`"));
    }
    (!gate.stage.needed().eq([by])).then(|| {
        let problem = format!(
            "`{by}` does not stand alone before the gate, so what it rules on may change until the gate opens"
        );
        let mend = format!(
            "write `needs = [\"{by}\"]`, and let stage `{by}` need all that the gate has to come after"
        );
        Miss::new(problem, mend).because(gate.broken_need())
    })
}

/// The handler of the stage does not decide.
fn undecided(scope: &RollScope<'_>, gate: &Staged<'_>, by: &str) -> Option<Miss> {
    let stage = gate.defined.value.stage(by)?;
    let Some(handler) = &stage.handler else {
        let problem = format!("`{by}` is a gate itself, and decides nothing");
        return Some(Miss::new(problem, "name a stage whose handler decides"));
    };
    let name = handler.get_ref();
    let deciding = || {
        let entries = scope.registry.iter().map(|entry| &entry.contract);
        let all: Vec<&str> = entries
            .filter(|it| decides(it))
            .map(|it| it.name.as_str())
            .collect();
        super::named(all)
    };
    let cause = || FirstMiss::new(Referrer::stage(gate.defined.value.name(), by), "handler");
    let known = scope.registry.get(name).map(|entry| &entry.contract);
    (!known.is_some_and(decides)).then(|| {
        let problem = format!("handler `{name}` of stage `{by}` does not decide");
        let mend = format!(
            "remove it, or name a stage of a handler that does: {}",
            deciding()
        );
        Miss::new(problem, mend).because(known.is_none().then(cause))
    })
}

/// Whether a handler says that it decides, and where.
fn decides(contract: &Contract) -> bool {
    contract.decides && properties(&contract.writes).contains_key(RULING)
}
