//! The HTML pages, with one kind of links throughout.

use callboard_core::shown;
use callboard_core::template;
use minijinja::value::Serde;
use minijinja::{Value, context};

use super::links::SiteLinks;
use super::view::{Menu, PageHead, PostView};
use super::{Site, SiteError, in_template};
use crate::markdown::Places;
use crate::tables::posts::Post;

/// Renders pages of a site.
pub(super) struct Pages<'s> {
    site: &'s Site,
    links: SiteLinks,
}

impl<'s> Pages<'s> {
    pub(super) fn new(site: &'s Site, links: SiteLinks) -> Self {
        Self { site, links }
    }

    pub(super) fn index(&self, posts: &[Post]) -> Result<String, SiteError> {
        let info = &self.site.info;
        let head = PageHead {
            title: info.name.clone(),
            description: info.description.clone(),
            canonical: Some(self.site.absolute().home()),
            picture: None,
        };
        self.render("index.html", head, context! { posts => self.list(posts) })
    }

    pub(super) fn post(&self, post: &Post) -> Result<String, SiteError> {
        let head = PageHead {
            title: post.found_by().to_owned(),
            description: post.excerpt.clone(),
            canonical: Some(self.site.absolute().post(&post.slug)),
            picture: post
                .featured
                .as_ref()
                .map(|image| self.site.absolute().picture(&image.src)),
        };
        let media = self.links.media();
        let places = Places {
            base: None,
            media: Some(&media),
        };
        let html = self.site.bodies.of(post, places)?.to_string();
        let context = context! {
            post => Value::from(Serde(PostView::new(post, &self.links))),
            html => Value::from_safe_string(html),
        };
        self.render("post.html", head, context)
    }

    pub(super) fn archive(
        &self,
        posts: &[Post],
        page: u32,
        pages: u32,
    ) -> Result<String, SiteError> {
        let name = &self.site.info.name;
        let head = PageHead {
            title: if page > 1 {
                format!("Archive, page {page}")
            } else {
                "Archive".to_owned()
            },
            description: format!("Every post of {name}"),
            canonical: Some(self.site.absolute().archive(page)),
            picture: None,
        };
        let context = context! {
            posts => self.list(posts),
            number => page,
            pages,
            newer => (page > 1).then(|| self.links.archive(page - 1)),
            older => (page < pages).then(|| self.links.archive(page + 1)),
        };
        self.render("archive.html", head, context)
    }

    pub(super) fn tag(&self, name: &str, posts: &[Post]) -> Result<String, SiteError> {
        let head = PageHead {
            title: format!("Posts on {name}"),
            description: format!("Posts of {} on {name}", self.site.info.name),
            canonical: Some(self.site.absolute().tag(name)),
            picture: None,
        };
        let context = context! { tag => name, posts => self.list(posts) };
        self.render("tag.html", head, context)
    }

    /// A page without posts and without an address.
    pub(super) fn plain(&self, template: &str, title: &str) -> Result<String, SiteError> {
        let head = PageHead {
            title: title.to_owned(),
            description: self.site.info.description.clone(),
            canonical: None,
            picture: None,
        };
        self.render(template, head, context! {})
    }

    fn list(&self, posts: &[Post]) -> Value {
        let views = posts.iter().map(|post| PostView::new(post, &self.links));
        Value::from(Serde(views.collect::<Vec<_>>()))
    }

    fn render(&self, name: &str, head: PageHead, own: Value) -> Result<String, SiteError> {
        let template = self.site.templates.get_template(name);
        // One that is there names itself in what goes wrong later.
        let template = template.map_err(|_| SiteError::Missing {
            name: name.to_owned(),
        })?;
        let shared = self.shared(head);
        template::on_deep_stack(|| template.render(context! { ..own, ..shared }))
            .map(|page| shown::markup(&page))
            .map_err(|error| in_template(name, &error))
    }

    /// What every page has.
    pub(super) fn shared(&self, head: PageHead) -> Value {
        let info = &self.site.info;
        context! {
            site => context! { name => &*info.name, description => &*info.description },
            links => Value::from(Serde(Menu::new(&self.links, &self.site.style_digest))),
            page => Value::from(Serde(head)),
        }
    }

    /// What a template has that is rendered as a page: the names to choose from there.
    pub(super) fn names(&self, template: &str, posts: &[Post]) -> Value {
        let shared = self.shared(super::view::head());
        let post = || {
            posts
                .first()
                .map(|post| Value::from(Serde(PostView::new(post, &self.links))))
        };
        let own = match template {
            "index.html" => context! { posts => self.list(posts) },
            "post.html" => context! { post => post(), html => "" },
            "archive.html" => context! {
                posts => self.list(posts), number => 1, pages => 1, newer => "", older => "",
            },
            "tag.html" => context! { posts => self.list(posts), tag => "" },
            _ => context! {},
        };
        context! { ..own, ..shared }
    }
}
