//! What a template calls: macros, its own and imported ones, functions, and methods of values, of which
//! there are none.

use std::collections::BTreeMap;

use minijinja::machinery::ast::{Call, CallArg, Expr, GetAttr, Macro};

use super::super::shape::ValueShape;
use super::parts::one_of;
use super::source::{TemplateSource, named};
use super::words::Word;
use super::{Walk, variable};
use crate::near_name::nearest;

/// Macros in one another that are followed.
const CALLS: usize = 8;

/// A macro, and the template in which it stands.
#[derive(Clone, Copy)]
pub(super) struct KnownMacro<'w> {
    pub(super) declared: &'w Macro<'w>,
    pub(super) source: &'w TemplateSource<'w>,
}

/// What a call is given: a value by its place, or by a name; `""` for several at once.
type CallArguments<'w> = Vec<(Option<&'w str>, ValueShape)>;

impl<'w> Walk<'w> {
    pub(super) fn arguments(&mut self, arguments: &'w [CallArg<'w>]) -> CallArguments<'w> {
        let each = arguments.iter().map(|argument| match argument {
            CallArg::Pos(it) => (None, self.look(it)),
            CallArg::Kwarg(name, it) => (Some(*name), self.look(it)),
            CallArg::PosSplat(it) | CallArg::KwargSplat(it) => {
                self.look(it);
                (Some(""), ValueShape::Any)
            }
        });
        each.collect()
    }

    pub(super) fn call(&mut self, call: &'w Call<'w>) -> ValueShape {
        let given = self.arguments(&call.args);
        match &call.expr {
            Expr::Var(it) => self.function(it.id, it.span().start_offset, &given),
            Expr::GetAttr(it) => {
                let end = it.span().end_offset as usize;
                let at = end.saturating_sub(it.name.len());
                self.method((&**it, &call.expr), at, &given)
            }
            other => {
                self.look(other);
                ValueShape::Any
            }
        }
    }

    fn function(&mut self, name: &'w str, start: u32, given: &CallArguments<'w>) -> ValueShape {
        if let Some(known) = self.macros.get(name).copied() {
            self.follow(known, start, given);
            return ValueShape::Plain;
        }
        if name == "super" {
            self.overridden();
            return ValueShape::Plain;
        }
        let mut scopes = self.scopes.iter().rev();
        // A macro that stands further below in its block is there once that is called.
        if scopes.any(|scope| scope.contains_key(name)) || self.assigned.contains(name) {
            return ValueShape::Any;
        }
        if let Some(gives) = self.functions.get(name) {
            return gives.clone();
        }
        let is_given =
            matches!(&self.given.has, ValueShape::Parts(parts) if parts.contains_key(name));
        if is_given {
            let problem = format!("`{name}` is a value, and nothing that can be called");
            self.found(start as usize, problem, format!("write `{name}`"));
        } else if !self.is_open {
            let functions = self.functions.keys().copied();
            let known: Vec<&str> = functions.chain(self.macros.keys().copied()).collect();
            let mend = one_of(name, known.into_iter(), |known| format!("`{known}(…)`"));
            let problem = format!("there is no function and no macro `{name}`");
            self.found(start as usize, problem, mend);
        }
        ValueShape::Any
    }

    /// The last name of a path that is called.
    fn method(
        &mut self,
        (path, whole): (&'w GetAttr<'w>, &'w Expr<'w>),
        at: usize,
        given: &CallArguments<'w>,
    ) -> ValueShape {
        match (variable(&path.expr), path.name) {
            // A block, which is looked at where it stands.
            (Some("self"), _) => return ValueShape::Plain,
            (Some("loop"), "cycle" | "changed") => return ValueShape::Any,
            (Some(module), name) => {
                if let Some(source) = self.modules.get(module).copied() {
                    return self.imported((module, source), name, at, given);
                }
            }
            _ => {}
        }
        let owner = self.look(&path.expr);
        let is_round =
            matches!(&owner, ValueShape::Parts(parts) if parts.contains_key("revindex0"));
        if owner == ValueShape::Any || is_round && matches!(path.name, "cycle" | "changed") {
            return ValueShape::Any;
        }
        let (name, before) = (path.name, self.written(&path.expr));
        let has = matches!(&owner, ValueShape::Parts(parts) if parts.contains_key(name));
        let filters = Word::Filter.all(self.environment);
        let mend = if has {
            format!("write `{}`", self.written(whole))
        } else if let Some(near) = nearest(name, filters.into_iter()) {
            format!("write `{before} | {near}`")
        } else {
            format!("write `{before}`, or give it to a filter, such as `{before} | upper`")
        };
        let problem = format!("`{before}.{name}(…)`: a value has no methods");
        self.found(at, problem, mend);
        ValueShape::Any
    }

    /// A macro of a template that was imported as a whole.
    fn imported(
        &mut self,
        (module, source): (&str, &'w TemplateSource<'w>),
        name: &'w str,
        at: usize,
        given: &CallArguments<'w>,
    ) -> ValueShape {
        if let Some(declared) = source.macros().get(name).copied() {
            let start = u32::try_from(at).unwrap_or(u32::MAX);
            self.follow(KnownMacro { declared, source }, start, given);
            return ValueShape::Plain;
        }
        if !source.names().contains(name) {
            let before = format!("{module}.");
            self.no_macro(source, (&before, name), at);
        }
        ValueShape::Any
    }

    fn no_macro(&mut self, source: &TemplateSource<'w>, (before, name): (&str, &str), at: usize) {
        let known = source.macros();
        let shown = |known: &str| format!("`{before}{known}`");
        let mend = one_of(name, known.keys().copied(), shown);
        self.found(at, format!("{} has no macro `{name}`", source.name), mend);
    }

    /// Names of a template that are imported one by one.
    pub(super) fn import(&mut self, from: &Expr<'_>, names: &'w [(Expr<'w>, Option<Expr<'w>>)]) {
        let source = named(from).and_then(|name| self.sources.get(name));
        for (asked, alias) in names {
            self.bind(alias.as_ref().unwrap_or(asked), ValueShape::Any);
            let own = alias.as_ref().and_then(variable).or(variable(asked));
            let (Some(source), Some(name), Some(own)) = (source, variable(asked), own) else {
                continue;
            };
            if let Some(declared) = source.macros().get(name).copied() {
                self.macros.insert(own, KnownMacro { declared, source });
            } else if !source.names().contains(name) {
                let at = asked.span().start_offset as usize;
                self.no_macro(source, ("", name), at);
            }
        }
    }

    fn follow(&mut self, known: KnownMacro<'w>, start: u32, given: &CallArguments<'w>) {
        let is_plain = given.iter().all(|(name, _)| *name != Some(""));
        let unnamed = given.iter().filter(|(name, _)| name.is_none());
        let own = || known.declared.args.iter().filter_map(variable);
        if is_plain {
            self.fits(known.declared, start, given);
        }
        let by_place = own().zip(unnamed).map(|(name, (_, shape))| (name, shape));
        let by_name = given.iter().filter_map(|(name, it)| Some(((*name)?, it)));
        let all = by_place.chain(by_name).filter(|_| is_plain);
        let all = all.map(|(name, shape)| (name, shape.clone())).collect();
        self.called(known, &all);
    }

    /// Whether a macro takes what it is given.
    fn fits(&mut self, declared: &Macro<'w>, start: u32, given: &CallArguments<'w>) {
        let own: Vec<&str> = declared.args.iter().filter_map(variable).collect();
        let unnamed = given.iter().filter(|(name, _)| name.is_none()).count();
        let (name, at) = (declared.name, start as usize);
        if unnamed > own.len() {
            let problem = format!("macro `{name}` takes {}, and is given {unnamed}", own.len());
            let mend = format!("write `{name}({})`", own.join(", "));
            self.found(at, problem, mend);
        }
        let strange = given.iter().filter_map(|(name, _)| *name);
        for strange in strange.filter(|it| !own.contains(it) && *it != "caller") {
            let problem = format!("macro `{name}` has no argument `{strange}`");
            let mend = one_of(strange, own.iter().copied(), |known| format!("`{known}`"));
            self.found(at, problem, mend);
        }
    }

    /// The body of a macro, with what it is given as far as that is known.
    pub(super) fn called(&mut self, known: KnownMacro<'w>, given: &BTreeMap<&'w str, ValueShape>) {
        if self.calls == CALLS {
            return;
        }
        self.calls += 1;
        let before = self.macros.clone();
        for (name, declared) in known.source.macros() {
            let source = known.source;
            self.macros
                .entry(name)
                .or_insert(KnownMacro { declared, source });
        }
        self.within(known.source, |walk| {
            walk.scoped(|walk| {
                let own = known.declared.args.iter().filter_map(variable);
                for name in own.chain(["caller", "varargs", "kwargs"]) {
                    walk.name(name, given.get(name).cloned().unwrap_or(ValueShape::Any));
                }
                walk.statements(&known.declared.body);
            });
        });
        self.macros = before;
        self.calls -= 1;
    }
}
