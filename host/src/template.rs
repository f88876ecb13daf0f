//! Templates: every environment that compiles or renders one is made here, so that none is without
//! a bound on what a rendering may do.

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

/// What one rendering may use up: an instruction or 64 bytes of data each. A page of ten posts
/// takes a few thousand; all of it is less than a second and less than 128 MB.
const FUEL: u64 = 2_000_000;

/// An environment that is strict about names and bounded in time and memory.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that makes environments"
)]
pub fn environment<'source>() -> Environment<'source> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment
}

/// What is wrong with a template, without its name and line.
pub fn reason(error: &Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => format!(
            "a rendering takes more than {FUEL} steps; loop over less, or write less in a loop"
        ),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendering_ends_however_long_its_loops_are() {
        let loops =
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
        let doubled = format!("{{% set x = 'xx' %}}{}", "{% set x = x ~ x %}".repeat(40));
        for text in [loops, &doubled, "{{ 'x' * 9999999999 }}"] {
            let rendered = environment().render_str(text, ());
            let error = rendered.expect_err("an error");
            assert_eq!(error.kind(), ErrorKind::OutOfFuel, "{text:.40}: {error}");
            assert!(reason(&error).contains("loop over less"), "{error}");
        }
    }
}
