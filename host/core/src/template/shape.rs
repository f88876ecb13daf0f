//! What a value has, as far as samples of it say.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

/// What a value has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueShape {
    /// Not known.
    Any,
    /// A text, a number, a yes or no: it has no parts.
    Plain,
    List(Arc<ValueShape>),
    Parts(Arc<BTreeMap<String, ValueShape>>),
}

impl ValueShape {
    /// What all samples of a value have together.
    pub fn of(samples: impl IntoIterator<Item = Json>) -> Self {
        let shapes = samples.into_iter().map(Self::one);
        shapes.fold(Self::Any, Self::with)
    }

    fn one(sample: Json) -> Self {
        match sample {
            Json::Null => Self::Any,
            Json::Array(items) => Self::List(Arc::new(Self::of(items))),
            Json::Object(parts) => {
                let parts = parts
                    .into_iter()
                    .map(|(key, value)| (key, Self::one(value)));
                Self::Parts(Arc::new(parts.collect()))
            }
            _ => Self::Plain,
        }
    }

    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Any, other) | (other, Self::Any) => other,
            (Self::List(own), Self::List(other)) => {
                Self::List(Arc::new((*own).clone().with((*other).clone())))
            }
            (Self::Parts(own), Self::Parts(other)) => {
                let mut all = (*own).clone();
                for (key, shape) in other.iter() {
                    let known = all.remove(key).unwrap_or(Self::Any);
                    all.insert(key.clone(), known.with(shape.clone()));
                }
                Self::Parts(Arc::new(all))
            }
            (own, other) => own.or_other(&other),
        }
    }

    /// What is known of one of two.
    pub(super) fn or_other(self, other: &Self) -> Self {
        if self == *other { self } else { Self::Any }
    }

    /// What a list has of.
    pub(super) fn element(&self) -> Self {
        match self {
            Self::List(element) => (**element).clone(),
            _ => Self::Any,
        }
    }
}
