//! Which pipelines depend on a reference: by who makes it.

use std::collections::BTreeMap;

use super::{Misses, Reference, Referrer, handler_of};
use crate::grants::Grants;
use crate::handler::Contract;
use crate::pipeline::{Pipeline, Stage};
use crate::policy;
use crate::registry::Registry;

/// What one pipeline depends on.
pub(crate) struct Concern<'a> {
    pub(crate) pipeline: &'a Pipeline,
    pub(crate) registry: &'a Registry,
    /// What plugins are granted.
    pub(crate) grants: BTreeMap<&'a str, &'a Grants>,
}

impl<'a> Concern<'a> {
    /// The misses that the pipeline depends on; of those that follow from another, that other.
    pub(crate) fn roots<'m>(&self, misses: &Misses<'m>) -> Vec<&'m Reference> {
        let all = misses.all.iter();
        let concern = all.filter(|miss| self.is_of(&miss.referrer));
        let mut roots: Vec<&Reference> = Vec::new();
        for root in concern.map(|miss| misses.root(miss)) {
            if !roots.iter().any(|known| std::ptr::eq(*known, root)) {
                roots.push(root);
            }
        }
        roots
    }

    fn is_of(&self, referrer: &Referrer) -> bool {
        let (pipeline, name) = (self.pipeline, self.pipeline.name());
        let calls = |who: &str| pipeline.handlers().any(|handler| handler == who);
        match referrer {
            Referrer::Pipeline(who) => who == name,
            Referrer::Stage { pipeline, .. } => pipeline == name,
            Referrer::Policy(who) => policy::of_pipeline(name) == Some(who),
            Referrer::Handler(who) => calls(who),
            Referrer::NativeFile(file) => calls(&handler_of(file)),
            Referrer::Plugin(who) => pipeline.handlers().any(|handler| self.gives(who, handler)),
            Referrer::Prompt(prompt) => {
                let contracts = self.contracts();
                let mut needs = contracts.flat_map(|(_, contract)| &contract.needs.prompts);
                needs.any(|need| need.name == *prompt)
            }
            Referrer::Value(key) | Referrer::Declaration(key) => self.reads(key),
            Referrer::Role(role) => self.asks(role),
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

    fn contracts(&self) -> impl Iterator<Item = (&'a Stage, &'a Contract)> {
        self.pipeline.stages.iter().filter_map(|stage| {
            let handler = stage.handler.as_ref()?.get_ref();
            Some((stage, &self.registry.get(handler)?.contract))
        })
    }

    /// Whether a handler of the pipeline reads a setting, puts it on the wire, or asks a role
    /// that resolves to it.
    fn reads(&self, key: &str) -> bool {
        let role = key.strip_prefix("roles.");
        let role = role.and_then(|rest| rest.rsplit_once('.'));
        if role.is_some_and(|(role, _)| self.asks(role)) {
            return true;
        }
        let mut contracts = self.contracts();
        let named = contracts.any(|(_, contract)| {
            let mut settings = contract.needs.settings.iter();
            settings.any(|setting| setting == key)
        });
        named || {
            let mut plugins = self.grants.iter();
            plugins.any(|(plugin, grants)| {
                let mut handlers = self.pipeline.handlers();
                grants.settings.covers(key) && handlers.any(|handler| self.gives(plugin, handler))
            })
        }
    }

    fn asks(&self, role: &str) -> bool {
        self.contracts().any(|(stage, contract)| {
            let roles = contract.roles(stage.config.get_ref());
            roles.iter().any(|asked| asked == role)
        })
    }
}
