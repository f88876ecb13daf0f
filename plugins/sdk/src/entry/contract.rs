//! What a handler says about itself, as the host stores it.

use schemars::generate::SchemaSettings;

use super::wit;
use crate::Handler;

/// What the host has to know about a handler before it runs.
pub fn contract<H: Handler>() -> wit::Contract {
    let needs = H::needs();
    let accepted = SchemaSettings::draft2020_12().for_deserialize();
    let given = SchemaSettings::draft2020_12().for_serialize();
    wit::Contract {
        name: H::NAME.to_owned(),
        summary: H::SUMMARY.to_owned(),
        config_schema: accepted
            .clone()
            .into_generator()
            .into_root_schema_for::<H::Config>()
            .as_value()
            .to_string(),
        reads_schema: accepted
            .into_generator()
            .into_root_schema_for::<H::Reads>()
            .as_value()
            .to_string(),
        writes_schema: given
            .into_generator()
            .into_root_schema_for::<H::Writes>()
            .as_value()
            .to_string(),
        settings: needs.settings,
        roles: needs.roles,
        role_keys: needs.role_keys,
        tables: needs.tables.into_iter().map(Into::into).collect(),
        always_gives_a_verdict: H::ALWAYS_GIVES_A_VERDICT,
    }
}
