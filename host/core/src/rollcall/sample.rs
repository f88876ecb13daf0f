//! What stands for a variable whose value only a handler knows: it has every attribute and every
//! method, and is a text and a list at once. A template that fails on it names a filter, a test
//! or a function that does not exist; what depends on the value is not held against it.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};

use crate::template;

/// Lists in lists, so deep.
const DEPTH: u8 = 4;

#[derive(Debug)]
struct Sample {
    depth: u8,
}

fn sample(depth: u8) -> Value {
    Value::from_object(Sample { depth })
}

impl Object for Sample {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn get_value(self: &Arc<Self>, _key: &Value) -> Option<Value> {
        Some(sample(self.depth))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let inner = self.depth.checked_sub(1).map(sample);
        Enumerator::Values(inner.into_iter().collect())
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        _method: &str,
        _arguments: &[Value],
    ) -> Result<Value, Error> {
        Ok(sample(self.depth))
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sample")
    }
}

/// What a template names that does not exist, if rendering it on samples of its variables finds it.
pub(super) fn fault((name, text): (&str, &str), variables: &[String]) -> Option<Error> {
    let samples = variables.iter().map(|name| (name.clone(), sample(DEPTH)));
    let context: BTreeMap<String, Value> = samples.collect();
    let error = template::environment()
        .render_named_str(name, text, context)
        .err()?;
    let told = matches!(
        error.kind(),
        ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownFunction
            | ErrorKind::TemplateNotFound
            | ErrorKind::UndefinedError
            | ErrorKind::MissingArgument
            | ErrorKind::TooManyArguments
            | ErrorKind::OutOfFuel
    );
    told.then_some(error)
}
