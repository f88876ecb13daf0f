//! How templates write text into HTML: what could end an element or an attribute becomes an
//! entity, and nothing else does, so that links stay legible in the source of a page.

use minijinja::{AutoEscape, Error, Output, State, Value, escape_formatter};

use crate::template;

/// A formatter for [`minijinja::Environment::set_formatter`].
pub fn formatter(output: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    template::counted(state, value)?;
    match value.as_str() {
        Some(text) if !value.is_safe() && *state.auto_escape() == AutoEscape::Html => {
            output.write_str(&escaped(text)).map_err(Error::from)
        }
        _ => escape_formatter(output, state, value),
    }
}

/// Text that is safe between tags and in quoted attributes.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(escaped("a/b \"><'&"), "a/b &quot;&gt;&lt;&#39;&amp;");
    }

    #[test]
    fn html_that_is_declared_safe_stays() {
        let mut environment = crate::template::environment();
        environment.set_formatter(formatter);
        let template = environment.template_from_named_str("a.html", "{{ a }} {{ b }}");
        let context =
            minijinja::context! { a => "<i>", b => Value::from_safe_string("<b>".into()) };
        let text = template.and_then(|template| template.render(context));
        assert_eq!(text.expect("text"), "&lt;i&gt; <b>");
    }
}
