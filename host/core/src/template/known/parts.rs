//! Names and what they lead to: each is something that the template is given, or gives itself.

use std::collections::BTreeMap;

use minijinja::machinery::ast::{CallArg, Expr};

use super::super::counted;
use super::super::shape::ValueShape;
use super::words::Word;
use super::{Stranger, Walk, asked};
use crate::near_name::nearest;

impl<'w> Walk<'w> {
    /// What a name gives. One that is only asked for may be of any page, or be given by any template.
    pub(super) fn variable(&mut self, name: &str, start: u32, is_asked: bool) -> ValueShape {
        let mut scopes = self.scopes.iter().rev();
        if let Some(shape) = scopes.find_map(|scope| scope.get(name)) {
            return shape.clone();
        }
        let given = if is_asked {
            &self.given.may_have
        } else {
            &self.given.has
        };
        let ValueShape::Parts(parts) = given.clone() else {
            return ValueShape::Any;
        };
        if let Some(shape) = parts.get(name) {
            return shape.clone();
        }
        let is_known = self.is_there(name)
            || self.is_of_another(name)
            || self.functions.contains_key(name)
            || is_asked && self.assigned.contains(name);
        // What stands before a slice is not among the names that the parser counts.
        let is_undeclared = self.source.undeclared.contains(name) || !self.assigned.contains(name);
        if is_undeclared && !is_known && !self.is_open {
            self.stranger(name, start as usize, (String::new(), name, &parts));
        }
        ValueShape::Any
    }

    /// Whether a condition around this has said that something is there.
    fn is_there(&self, path: &str) -> bool {
        let mut guards = self.guards.iter().flatten();
        guards.any(|guard| guard == path)
    }

    /// Whether a page that shares its templates has a name, and a condition stands around it: which page that
    /// means, it may say by any other name.
    fn is_of_another(&self, name: &str) -> bool {
        let has =
            matches!(&self.given.may_have, ValueShape::Parts(parts) if parts.contains_key(name));
        has && !self.guards.is_empty()
    }

    /// Whether what is looked at is so for one of several callers, and a condition stands around it: it may be
    /// there for another.
    fn is_for_another(&self) -> bool {
        self.calls + self.included > 0 && !self.guards.is_empty()
    }

    /// An expression of which is asked only whether it is there. What is looked at for several callers may
    /// be there for another.
    pub(super) fn ask(&mut self, expression: &'w Expr<'w>) -> ValueShape {
        let (owner, name) = match expression {
            Expr::Var(it) => return self.variable(it.id, it.span().start_offset, true),
            Expr::GetAttr(it) if self.calls + self.included > 0 => (&it.expr, it.name),
            _ => return self.look(expression),
        };
        match self.look(owner) {
            ValueShape::Parts(parts) => parts.get(name).cloned().unwrap_or(ValueShape::Any),
            _ => ValueShape::Any,
        }
    }

    /// What stands where a condition holds, or does not.
    pub(super) fn guarded<T>(
        &mut self,
        (condition, holds): (&Expr<'_>, bool),
        work: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.guards.push(asked::there(condition, holds));
        let done = work(self);
        self.guards.pop();
        done
    }

    pub(super) fn item(
        &mut self,
        owner: ValueShape,
        asked: &Expr<'_>,
        whole: &Expr<'_>,
    ) -> ValueShape {
        let name = match asked {
            Expr::Const(it) => it.value.as_str().map(str::to_owned),
            _ => None,
        };
        let start = counted::first(whole) as usize;
        match (name, owner) {
            (Some(name), owner) => self.part(owner, &name, (whole, start)),
            // A letter of a text.
            (None, ValueShape::Plain) => ValueShape::Plain,
            (None, owner) => owner.element(),
        }
    }

    /// What a name leads to in what an expression before it gives.
    pub(super) fn part(
        &mut self,
        owner: ValueShape,
        name: &str,
        (whole, at): (&Expr<'_>, usize),
    ) -> ValueShape {
        if asked::path(whole).is_some_and(|path| self.is_there(&path)) {
            return match owner {
                ValueShape::Parts(parts) => parts.get(name).cloned().unwrap_or(ValueShape::Any),
                _ => ValueShape::Any,
            };
        }
        let written = self.written(whole);
        let before = written.strip_suffix(&format!(".{name}"));
        let before = before
            .or_else(|| Some(written.rsplit_once('[')?.0))
            .unwrap_or("it");
        let is_for_another = self.is_for_another();
        match &owner {
            ValueShape::Any => return ValueShape::Any,
            ValueShape::Parts(parts) if is_for_another && !parts.contains_key(name) => {
                // A slip of one that is there is one for each caller.
                let known = parts.keys().map(String::as_str);
                if nearest(name, known).is_some() {
                    self.stranger(&written, at, (format!("{before}."), name, parts));
                }
            }
            ValueShape::Plain | ValueShape::List(_) if is_for_another => {}
            ValueShape::Parts(parts) => {
                if let Some(shape) = parts.get(name) {
                    return shape.clone();
                }
                self.stranger(&written, at, (format!("{before}."), name, parts));
            }
            ValueShape::Plain => {
                let problem = format!(
                    "`{written}`: `{before}` is a text, a number or a yes or no, and has no parts"
                );
                self.found(at, problem, format!("write `{before}`"));
            }
            ValueShape::List(_) => {
                let problem = format!("`{written}`: `{before}` is a list");
                let mend = format!("go through it, `{{% for one in {before} %}} … {{% endfor %}}`");
                self.found(at, problem, mend);
            }
        }
        ValueShape::Any
    }

    /// The text of an expression.
    pub(super) fn written(&self, expression: &Expr<'_>) -> String {
        let from = counted::first(expression) as usize;
        let to = expression.span().end_offset as usize;
        self.source.text.get(from..to).unwrap_or("it").to_owned()
    }

    /// What a filter does, with the names that are its arguments.
    pub(super) fn attributes(
        &mut self,
        filter: &str,
        given: &ValueShape,
        arguments: &'w [CallArg<'w>],
    ) {
        for (at, argument) in arguments.iter().enumerate() {
            let (key, value) = match argument {
                CallArg::Pos(it) => (None, it),
                CallArg::Kwarg(name, it) => (Some(*name), it),
                _ => continue,
            };
            let Expr::Const(it) = value else { continue };
            let Some(word) = it.value.as_str() else {
                continue;
            };
            let start = it.span().start_offset as usize;
            match (filter, at, key) {
                ("map", 0, None) => self.word(Word::Filter, word, start),
                ("select" | "reject", 0, None) | ("selectattr" | "rejectattr", 1, None) => {
                    self.word(Word::Test, word, start);
                }
                ("selectattr" | "rejectattr" | "groupby", 0, None) | (_, _, Some("attribute")) => {
                    self.attribute(&given.element(), word, start);
                }
                _ => {}
            }
        }
    }

    /// A part of the elements of a list, by its name.
    fn attribute(&mut self, element: &ValueShape, name: &str, start: usize) {
        if let ValueShape::Parts(parts) = element
            && !name.contains('.')
            && !parts.contains_key(name)
        {
            self.stranger(name, start, (String::new(), name, parts));
        }
    }

    /// A word that the language has to have.
    pub(super) fn word(&mut self, word: Word, name: &str, start: usize) {
        if word.is_known(self.environment, name) {
            return;
        }
        let kind = word.kind();
        let all = word.all(self.environment);
        let mend = one_of(name, all.into_iter(), |known| format!("`{known}`"));
        self.found(start, format!("there is no {kind} `{name}`"), mend);
    }

    pub(super) fn stranger(
        &mut self,
        written: &str,
        at: usize,
        (before, name, parts): (String, &str, &BTreeMap<String, ValueShape>),
    ) {
        let problem = format!("`{written}` is nothing that {} has", self.given.owner);
        let known = parts.keys().map(String::as_str);
        let mend = one_of(name, known, |known| format!("`{before}{known}`"));
        self.found(at, problem, mend);
    }

    pub(super) fn found(&mut self, at: usize, problem: String, mend: String) {
        let before = self.source.text.get(..at).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        self.found.insert(Stranger {
            template: self.source.name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
            problem,
            mend,
        });
    }
}

/// What to write instead of a name: the nearest, or one of all that there are.
pub(super) fn one_of<'n>(
    name: &str,
    known: impl Iterator<Item = &'n str> + Clone,
    shown: impl Fn(&str) -> String,
) -> String {
    if let Some(near) = nearest(name, known.clone()) {
        return format!("write {}", shown(near));
    }
    let all: Vec<String> = known.map(shown).collect();
    if all.is_empty() {
        return "remove it".to_owned();
    }
    format!("write one of {}", all.join(", "))
}
