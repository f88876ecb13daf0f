//! The newest of something, of which there may be more than was asked for: one way to know it for all lists.

/// The newest of something.
#[derive(Debug, Clone)]
pub struct Newest<T> {
    /// As many as were asked for, at most.
    pub rows: Vec<T>,
    /// Whether there are more.
    pub more: bool,
}

impl<T> Newest<T> {
    /// How many to ask the store for, to know whether there are more than `limit`.
    pub fn asked(limit: u32) -> u32 {
        limit.saturating_add(1)
    }

    /// Of `rows` that were [`asked`](Self::asked) for.
    pub fn of(mut rows: Vec<T>, limit: u32) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        Self { rows, more }
    }

    /// The same, each as it is shown.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Newest<U> {
        Newest {
            rows: self.rows.into_iter().map(view).collect(),
            more: self.more,
        }
    }
}
