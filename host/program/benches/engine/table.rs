//! What was measured, as a table.

/// One row of the table.
struct Row {
    name: String,
    figures: Vec<f64>,
}

/// The rows, in the order they were first measured.
#[derive(Default)]
pub(super) struct Table(Vec<Row>);

impl Table {
    pub(super) fn add(&mut self, name: &str, figure: f64) {
        match self.0.iter_mut().find(|row| row.name == name) {
            Some(row) => row.figures.push(figure),
            None => self.0.push(Row {
                name: name.to_owned(),
                figures: vec![figure],
            }),
        }
    }

    /// As Markdown: the median, and the least and most.
    pub(super) fn titled(&self, unit: &str) -> String {
        let mut text = format!("| what | {unit} (median) | least – most |\n|---|---:|---:|\n");
        for row in &self.0 {
            let mut figures = row.figures.clone();
            figures.sort_by(f64::total_cmp);
            let (least, most) = (figures[0], figures[figures.len() - 1]);
            let median = figures[figures.len() / 2];
            let slots = usize::from(median < 100.0);
            text += &format!(
                "| {} | {median:.slots$} | {least:.slots$} – {most:.slots$} |\n",
                row.name
            );
        }
        text
    }
}
