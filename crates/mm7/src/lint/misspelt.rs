//! Names that are nearly others.

/// Whether a name is most likely meant to be another: the same in another case, with more behind it, or two letters off.
pub(super) fn is_misspelt(name: &str, known: &str) -> bool {
    if name == known || name.len() > 64 {
        return false;
    }
    let is_near = || name.starts_with(known) || distance(name.as_bytes(), known.as_bytes()) <= 2;
    name.eq_ignore_ascii_case(known) || (known.len() > 4 && is_near())
}

/// How many letters have to be changed, put in or left out (Levenshtein).
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = replaced.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspellings() {
        for (name, known, expected) in [
            ("submitReq", "SubmitReq", true),
            ("SubmitRequest", "SubmitReq", true),
            ("RFC822Address", "RFC2822Address", true),
            ("Subjekt", "Subject", true),
            ("number", "Number", true),
            ("Numb", "Number", true),
            ("To", "Cc", false),
            ("Subject", "Subject", false),
        ] {
            assert_eq!(is_misspelt(name, known), expected, "{name}");
        }
    }
}
