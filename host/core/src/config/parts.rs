//! Keys of `callboard.toml` that are none of the host's: a program or a tenant reads its own. Each is a
//! type that says its keys; all of them are read from the one table, so that a mistake has its
//! place in the file whether the host, a program or a tenant reads the key.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor, value};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use toml::Spanned;
use toml::de::{DeTable, Deserializer as Toml, Error};

use super::Config;

type KeyNames = &'static [&'static str];
type PartValue = Arc<dyn Any + Send + Sync>;

/// What a program or a tenant reads from `callboard.toml`.
#[derive(Debug, Clone, Copy)]
pub struct ConfigPart {
    keys: fn() -> KeyNames,
    read: fn(Spanned<DeTable<'_>>) -> Result<PartValue, Error>,
}

impl ConfigPart {
    /// The part that a struct says, with its fields as keys at the top of the file.
    pub const fn of<T: DeserializeOwned + Any + Send + Sync>() -> Self {
        Self {
            keys: keys::<T>,
            read: |table| Ok(Arc::new(T::deserialize(Toml::from(table))?)),
        }
    }
}

/// The parts of a program or of a tenant.
pub struct ConfigParts(pub &'static [ConfigPart]);

inventory::collect!(ConfigParts);

fn parts() -> impl Iterator<Item = &'static ConfigPart> {
    inventory::iter::<ConfigParts>().flat_map(|parts| parts.0)
}

/// What the parts say.
#[derive(Clone, Default)]
pub(super) struct Above(Vec<PartValue>);

impl fmt::Debug for Above {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} parts", self.0.len())
    }
}

impl Config {
    /// What a table says.
    pub(crate) fn of(table: Spanned<DeTable<'_>>) -> Result<Self, Error> {
        KnownKeys::deserialize(Toml::from(table.clone()))?;
        let mut config = Self::deserialize(Toml::from(table.clone()))?;
        let above = parts().map(|part| (part.read)(table.clone()));
        config.above = Above(above.collect::<Result<_, _>>()?);
        Ok(config)
    }

    /// What a part says, by its type.
    ///
    /// # Panics
    ///
    /// If the type is no [`Part`] of this program.
    pub fn part<T: Any>(&self) -> &T {
        let mut parts = self.above.0.iter();
        let part = parts.find_map(|part| part.downcast_ref());
        part.expect("whoever asks for a part has named it in `Parts`")
    }
}

/// Every key that the host or a part reads.
static KEYS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let others = parts().flat_map(|part| (part.keys)());
    let keys: BTreeSet<_> = keys::<Config>().iter().chain(others).copied().collect();
    keys.into_iter().collect()
});

/// Whether the host or a part reads a key at the top of the file.
pub fn is_key(key: &str) -> bool {
    KEYS.contains(&key)
}

/// A table in which the host or a part reads each key.
struct KnownKeys;

impl<'de> Deserialize<'de> for KnownKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for KnownKeys {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<KnownKey, IgnoredAny>()?.is_some() {}
        Ok(self)
    }
}

struct KnownKey;

impl<'de> Deserialize<'de> for KnownKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        if is_key(&key) {
            return Ok(Self);
        }
        Err(serde::de::Error::unknown_field(&key, &KEYS))
    }
}

/// The keys of a struct, as it says them to its deserializer.
fn keys<T: DeserializeOwned>() -> KeyNames {
    let mut asked = KeyProbe(&[]);
    // It is told nothing, and only asked what it wants to know.
    T::deserialize(&mut asked).ok();
    asked.0
}

struct KeyProbe(KeyNames);

impl<'de> Deserializer<'de> for &mut KeyProbe {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: KeyNames,
        visitor: V,
    ) -> Result<V::Value, value::Error> {
        self.0 = fields;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
