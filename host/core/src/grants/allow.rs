//! What to write for something to be allowed. It can be done in a file that has the table already: a
//! table that is there twice is none.

use super::GrantLines;

/// What allows something, on both sides, in words that hold whatever stands in the two files.
pub fn allow(plugin: &str, lines: &GrantLines) -> String {
    let (owner, line) = match lines {
        GrantLines::Flag(name) => ("", format!("write `{name} = true`")),
        GrantLines::Setting(key) => (".settings", format!("add \"{key}\" to `keys`")),
        GrantLines::Role(role) => (".model", format!("add \"{role}\" to `roles`")),
        GrantLines::Element(lines) => {
            let [granted, asked] =
                [&format!("grants.{plugin}"), "ask"].map(|owner| lines.replace("OWNER", owner));
            return format!(
                "to allow it, write in callboard.toml\n{granted}\nand in its plugin.toml\n{asked}"
            );
        }
    };
    format!(
        "to allow it, {line} under [grants.{plugin}{owner}] in callboard.toml, and under [ask{owner}] in its \
         plugin.toml; add the table where it is not there"
    )
}
