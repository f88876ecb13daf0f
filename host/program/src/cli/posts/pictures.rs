//! `posts unused-pictures`: pictures that nothing shows.

use callboard_core::app::App;
use callboard_core::span::Span;
use callboard_factory::operations::pictures;

use crate::cli::output::Answered;
use crate::cli::{Context, Failure};

pub(super) async fn unused(
    context: &Context,
    app: &App,
    age: Span,
    remove: bool,
) -> Result<Answered, Failure> {
    let unused = pictures::unused(app, age, remove).await?;
    let output = context.output;
    for picture in &unused.pictures {
        let day = picture.since.strftime("%Y-%m-%d");
        output.say(format_args!(
            "{} {} bytes, since {day}",
            picture.name, picture.bytes
        ));
    }
    let (many, bytes) = (unused.pictures.len(), unused.bytes);
    if remove {
        output.say(format_args!("{many} pictures removed, {bytes} bytes"));
    } else {
        output.say(format_args!(
            "{many} pictures, {bytes} bytes, are referred to by nothing; nothing was removed"
        ));
        if many > 0 {
            output.next(format_args!(
                "posts unused-pictures --older-than {age} --yes"
            ));
        }
    }
    Ok(output.json(&unused))
}
