//! Items that taps have kept, as sources: documents of a folder as they are, and of a feed its own text where that
//! stands for the page, else the page.

use callboard_core::handler::Call;
use callboard_core::outcome::Stop;

use super::{Config, WantedPage, stands_for};
use crate::research::{MissedSource, ReadPage, host};
use crate::tables::items::{self, Item};

/// Those of some names, and which name no item.
pub(super) async fn items(
    call: &Call,
    names: &[String],
    config: &Config,
) -> Result<(Vec<WantedPage>, Vec<MissedSource>), Stop> {
    let (mut wanted, mut missed) = (Vec::new(), Vec::new());
    // More would be read for nothing.
    let most = config.most * 2;
    for name in names.iter().take(most) {
        let called: Vec<Item> = call.read_sound(items::called(name, config.items)).await?;
        if called.is_empty() {
            let why = "no item of this id, address, feed or folder is kept; see what taps keep in the table `items`";
            missed.push(MissedSource::new(name, why));
        }
        wanted.extend(called.into_iter().map(as_wanted));
    }
    let beyond = names.len().saturating_sub(most);
    if beyond > 0 {
        let why = format!(
            "{beyond} more were not looked up: `config.most` is {}",
            config.most
        );
        missed.push(MissedSource::new("items", why));
    }
    Ok((wanted, missed))
}

fn as_wanted(item: Item) -> WantedPage {
    if !item.url.is_empty() && !stands_for(&item.origin, &item.url, &item.text) {
        return WantedPage::Page(item.url);
    }
    let site = if item.url.is_empty() {
        item.origin
    } else {
        host(&item.url)
    };
    WantedPage::Whole(ReadPage {
        site,
        title: item.title,
        published: Some(item.published).filter(|it| !it.is_empty()),
        text: item.text,
        url: item.url,
    })
}
