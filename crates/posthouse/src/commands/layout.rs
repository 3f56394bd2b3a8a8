//! Text for a terminal: lines of at most 100 columns.

/// How wide lines are, in characters.
const WIDTH: usize = 100;

/// Wraps a text behind a label, its further lines indented as far as the first. Lines break at blanks and between the tags
/// of markup; what is longer than a line all the same stands in one of its own, uncut, so that it can be copied.
pub fn hanging(label: &str, text: &str) -> String {
    let indent = " ".repeat(label.chars().count());
    let mut wrapped = String::new();
    for (count, paragraph) in text.lines().enumerate() {
        let begin = if count == 0 { label } else { &indent };
        wrapped.push_str(begin);
        wrap(paragraph, &indent, &mut wrapped);
        wrapped.truncate(wrapped.trim_end().len());
        wrapped.push('\n');
    }
    wrapped
}

fn wrap(paragraph: &str, indent: &str, wrapped: &mut String) {
    let room = WIDTH.saturating_sub(indent.chars().count()).max(20);
    let mut used = 0;
    for piece in pieces(paragraph) {
        let length = piece.trim_end().chars().count();
        if used > 0 && used + length > room {
            wrapped.truncate(wrapped.trim_end().len());
            wrapped.push('\n');
            wrapped.push_str(indent);
            used = 0;
        }
        wrapped.push_str(piece);
        used += piece.chars().count();
    }
}

/// What may stand in a line of its own: words with the blank behind them, and tags.
fn pieces(paragraph: &str) -> impl Iterator<Item = &str> {
    let mut rest = paragraph;
    std::iter::from_fn(move || {
        let blank = rest.find(' ').map(|at| at + 1);
        let tag = rest.find("><").map(|at| at + 1);
        let end = [blank, tag].into_iter().flatten().min().unwrap_or(rest.len());
        let (piece, after) = rest.split_at_checked(end)?;
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hang_from_their_label() {
        let words = "word ".repeat(30);
        let text = hanging("    label  ", words.trim());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("    label  word"));
        assert!(lines[1].starts_with("           word"));
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{text}");
        assert_eq!(hanging("a ", "b\nc\n"), "a b\n  c\n");
        let long = "x".repeat(150);
        assert_eq!(hanging("a ", &format!("b {long}")), format!("a b\n  {long}\n"));
        let tags = format!("<a>{long}</a><b/>");
        assert_eq!(hanging("a ", &tags), format!("a <a>{long}</a>\n  <b/>\n"));
    }
}
