//! A page in words, for a terminal of 100 columns.

use mm7::StatusCode;
use posthouse_core::{
    codes::{Difference, PAGES, Page, STATUS_PAGES, StatusPage},
    counted::counted,
};

use crate::commands::layout::hanging;

const LABEL: &str = "              ";

/// All codes and statuses, each in a line.
pub fn list() -> String {
    let (codes, statuses) = (PAGES, STATUS_PAGES);
    let mut text = String::new();
    for page in codes {
        text.push_str(&format!("{:<15}{}\n", page.code.code(), page.code.text()));
    }
    text.push('\n');
    for page in statuses {
        text.push_str(&hanging(&format!("{:<15}", page.status.as_str()), page.status.description()));
    }
    text
}

/// All there is to say of a code.
pub fn code(page: &Page) -> String {
    let mut text = format!("{}\n", page.code);
    text.push_str(&hanging("", page.meaning));
    if let Some(details) = page.code.details() {
        text.push('\n');
        text.push_str(&labelled(
            "On the wire",
            &format!("StatusText {:?}, Details {details:?}", page.code.text()),
        ));
    }
    for (dialect, code) in page.mapped() {
        text.push_str(&labelled("", &format!("The dialect {} answers {code} in its place.", dialect.name)));
    }
    text.push('\n');
    text.push_str(&raised_by(page));
    text.push('\n');
    text.push_str(&advice(page.developer, page.operator, page.retry.words()));
    text.push('\n');
    text.push_str(&example(page));
    text
}

/// All there is to say of a delivery status.
pub fn status(page: &StatusPage) -> String {
    let mut text = format!("{}\n", page.status);
    text.push_str(&hanging("", page.meaning));
    text.push('\n');
    let end = if page.status.is_terminal() { "the message has ended" } else { "another report follows" };
    let wire = format!("MMStatus {:?}, StatusText {:?}; {end}", page.status.as_str(), page.status.text());
    text.push_str(&labelled("On the wire", &wire));
    text.push('\n');
    for (count, origin) in page.origins().iter().enumerate() {
        text.push_str(&labelled(if count == 0 { "Comes when" } else { "" }, origin));
    }
    text.push('\n');
    text.push_str(&advice(page.developer, page.operator, page.retry.words()));
    text.push('\n');
    text.push_str(&labelled(
        "Try it",
        &format!("`posthouse simulate` ends so for a recipient like {}.", page.number),
    ));
    text
}

fn labelled(label: &str, text: &str) -> String {
    hanging(&format!("{label:<14}"), text)
}

fn advice(developer: &str, operator: &str, retry: &str) -> String {
    let mut text = labelled("Developer", developer);
    text.push_str(&labelled("Operator", operator));
    text.push_str(&labelled("Retry", retry));
    text
}

fn raised_by(page: &Page) -> String {
    let mut lines: Vec<String> = Vec::new();
    if page.code == StatusCode::Success {
        lines.push("No check refuses the request.".to_owned());
    }
    for group in page.groups() {
        match group.meanings.as_slice() {
            [only] => lines.push(format!("{}: {only}", group.title())),
            several => {
                lines.push(format!("{}:", group.title()));
                lines.extend(several.iter().map(|meaning| format!("  {meaning}")));
            }
        }
    }
    lines.extend(by_carriers(page));
    let mut text = String::new();
    for (count, line) in lines.iter().enumerate() {
        let indent = if line.starts_with(' ') { "  " } else { "" };
        let label = if count == 0 { "Raised by" } else { "" };
        text.push_str(&hanging(&format!("{label:<14}{indent}"), line.trim_start()));
    }
    text
}

/// What carriers answer that means the code, and what becomes of the message.
pub fn by_carriers(page: &Page) -> Option<String> {
    let answers = page.carrier_answers();
    (!answers.is_empty())
        .then(|| format!("A carrier says {}. {}", answers.join(", "), page.consequences().join(" ")))
}

fn example(page: &Page) -> String {
    let mut text = labelled("Example", &format!("{}.", introduction(page)));
    for Difference { before, after } in page.example.differences() {
        for (sign, lines) in [('-', before), ('+', after)] {
            for line in lines {
                text.push_str(&format!("{LABEL}{sign} {}\n", line.trim()));
            }
        }
    }
    let command = format!("posthouse codes {} --example", page.code.code());
    text.push_str(&hanging(LABEL, &format!("`{command}` prints all of it.")));
    text
}

/// What the example is, and what it takes.
pub fn introduction(page: &Page) -> String {
    let edits = page.example.edits.len();
    let request = match edits {
        0 => "The request of `posthouse codes 1000 --example`".to_owned(),
        _ => format!("The request of `posthouse codes 1000 --example` with {}", counted(edits, "change")),
    };
    match page.example.setup.words {
        "" => request,
        words => format!("{request}. It takes {words}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_fit_a_terminal_of_100_columns() {
        let (codes, statuses) = (PAGES, STATUS_PAGES);
        let texts = codes.iter().map(code).chain(statuses.iter().map(status)).chain([list()]);
        for text in texts {
            // Lines of an example stand as they are, so that they can be copied.
            let is_example = |line: &str| line.trim_start().starts_with(['+', '-']);
            let long = text.lines().find(|line| line.chars().count() > 100 && !is_example(line));
            assert_eq!(long, None);
        }
    }
}
