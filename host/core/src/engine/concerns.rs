//! Whom a reference that does not answer concerns: the pipelines that depend on it, which wait
//! until it answers. What no pipeline depends on stops nothing.

use super::RunnableRevision;
use crate::handler::Contract;
use crate::pipeline::{Pipeline, Stage};
use crate::policy;
use crate::rollcall::{self, Reference, Referrer};

impl RunnableRevision {
    /// The references that a pipeline depends on and that do not answer; of those that follow
    /// from another, that other.
    pub fn misses_of(&self, pipeline: &Pipeline) -> Vec<&Reference> {
        let misses = rollcall::Misses::of(self.misses.iter());
        let all = misses.all.iter();
        let concern = all.filter(|miss| self.concerns(pipeline, &miss.referrer));
        let mut roots: Vec<&Reference> = Vec::new();
        for root in concern.map(|miss| misses.root(miss)) {
            if !roots.iter().any(|known| std::ptr::eq(*known, root)) {
                roots.push(root);
            }
        }
        roots
    }

    fn concerns(&self, pipeline: &Pipeline, referrer: &Referrer) -> bool {
        let name = pipeline.name();
        let calls = |who: &str| pipeline.handlers().any(|handler| handler == who);
        match referrer {
            Referrer::Pipeline(who) => who == name,
            Referrer::Stage { pipeline, .. } => pipeline == name,
            Referrer::Policy(who) => policy::of_pipeline(name) == Some(who),
            Referrer::Handler(who) => calls(who),
            Referrer::NativeFile(file) => calls(&rollcall::handler_of(file)),
            Referrer::Plugin(who) => pipeline.handlers().any(|handler| self.gives(who, handler)),
            Referrer::Prompt(prompt) => {
                let contracts = self.contracts(pipeline);
                let mut needs = contracts.flat_map(|(_, contract)| &contract.needs.prompts);
                needs.any(|need| need.name == *prompt)
            }
            Referrer::Value(key) | Referrer::Declaration(key) => self.reads(pipeline, key),
            Referrer::Role(role) => self.asks(pipeline, role),
            // A ceiling for a plugin that is not there and a file that is not read are no part of
            // the revision, and a test is no part of a run.
            Referrer::TestCase(_)
            | Referrer::Tenant(_)
            | Referrer::Ceiling(_)
            | Referrer::Unread(_) => false,
        }
    }

    fn gives(&self, plugin: &str, handler: &str) -> bool {
        let entry = self.registry.get(handler);
        entry.and_then(|entry| entry.origin.plugin()) == Some(plugin)
    }

    fn contracts<'a>(
        &'a self,
        pipeline: &'a Pipeline,
    ) -> impl Iterator<Item = (&'a Stage, &'a Contract)> {
        pipeline.stages.iter().filter_map(|stage| {
            let handler = stage.handler.as_ref()?.get_ref();
            Some((stage, &self.registry.get(handler)?.contract))
        })
    }

    /// Whether a handler of the pipeline reads a setting, puts it on the wire, or asks a role
    /// that resolves to it.
    fn reads(&self, pipeline: &Pipeline, key: &str) -> bool {
        let role = key.strip_prefix("roles.");
        let role = role.and_then(|rest| rest.rsplit_once('.'));
        if role.is_some_and(|(role, _)| self.asks(pipeline, role)) {
            return true;
        }
        let mut contracts = self.contracts(pipeline);
        let named = contracts.any(|(_, contract)| {
            let mut settings = contract.needs.settings.iter();
            settings.any(|setting| setting == key)
        });
        named || {
            let mut plugins = self.writers.iter();
            plugins.any(|(plugin, writer)| {
                writer.grants.settings.covers(key)
                    && pipeline
                        .handlers()
                        .any(|handler| self.gives(plugin, handler))
            })
        }
    }

    fn asks(&self, pipeline: &Pipeline, role: &str) -> bool {
        self.contracts(pipeline).any(|(stage, contract)| {
            let roles = contract.roles(stage.config.get_ref());
            roles.iter().any(|asked| asked == role)
        })
    }
}
