//! What to write for something to be allowed. It can be done in a file that has the table already: a
//! table that is there twice is none.

use super::Lines;

/// What allows something, on both sides, in words that hold whatever stands in the two files.
pub fn allow(plugin: &str, lines: &Lines) -> String {
    let (owner, line) = match lines {
        Lines::Flag(name) => ("", format!("write `{name} = true`")),
        Lines::Setting(key) => (".settings", format!("add \"{key}\" to `keys`")),
        Lines::Role(role) => (".model", format!("add \"{role}\" to `roles`")),
        Lines::Element(lines) => {
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
