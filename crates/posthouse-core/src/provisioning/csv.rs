//! Ranges and the blacklist as CSV (RFC 4180): a number in a line, read and written line by line.

use std::{borrow::Cow, collections::HashSet};

use super::{
    Blacklisted, Change, Prefix, Provisioning, Range, account::AccountName, carrier::CarrierId, words::words,
};
use crate::{address::Msisdn, mistake::Mistake};

/// How many mistakes are told.
const TOLD: usize = 100;

words! {
    /// What a list is of.
    pub enum NumberList {
        /// `number,account`: numbers that get nothing; without an account, from any.
        Blacklist = "blacklist",
        /// `prefix,carrier`: whose numbers are.
        Ranges = "ranges",
    }
}

/// A line that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineMistake {
    /// Which one, counted from 1.
    pub line: usize,
    /// What is wrong, and the remedy.
    pub what: Mistake,
}

/// One entry of either list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberEntry {
    /// Of the blacklist.
    Blacklisted(Blacklisted),
    /// Of the ranges.
    Range(Range),
}

impl NumberEntry {
    /// The change that adds it.
    pub fn put(self) -> Change {
        match self {
            Self::Blacklisted(entry) => Change::PutBlacklisted(entry),
            Self::Range(range) => Change::PutRange(range),
        }
    }
}

/// The entry of a line, as a list was written: what a list goes on behind.
///
/// # Errors
/// What is wrong with it.
pub fn cursor(list: NumberList, line: &str) -> Result<NumberEntry, Mistake> {
    let entry = list.line(line, false, None)?;
    entry.ok_or_else(|| ("there is nothing in it", "write a number in it, or leave the line out").into())
}

impl NumberList {
    /// What the first line of a list is.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Blacklist => "number,account",
            Self::Ranges => "prefix,carrier",
        }
    }

    /// Reads lines, the first of which has the number `first`: a heading and empty lines are passed over. Names have to be those of
    /// accounts or carriers that `known` has, where it is given.
    ///
    /// # Errors
    /// The lines that are wrong, at most a hundred of them.
    pub fn read(
        self,
        text: &str,
        first: usize,
        known: Option<&Provisioning>,
    ) -> Result<Vec<Change>, Vec<LineMistake>> {
        let names: Option<HashSet<&str>> = known.map(|known| match self {
            Self::Blacklist => known.accounts.iter().map(|account| account.name.0.as_str()).collect(),
            Self::Ranges => known.carriers.iter().map(|carrier| carrier.id.as_str()).collect(),
        });
        let (mut changes, mut mistakes) = (Vec::new(), Vec::new());
        for (line, text) in (first..).zip(text.lines()) {
            match self.line(text, line == 1, names.as_ref()) {
                Ok(entry) => changes.extend(entry.map(NumberEntry::put)),
                Err(what) if mistakes.len() < TOLD => mistakes.push(LineMistake { line, what }),
                Err(_) => break,
            }
        }
        if mistakes.is_empty() { Ok(changes) } else { Err(mistakes) }
    }

    /// One line; `None` for one that says nothing.
    fn line(
        self,
        text: &str,
        may_be_heading: bool,
        names: Option<&HashSet<&str>>,
    ) -> Result<Option<NumberEntry>, Mistake> {
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Ok(None);
        }
        let (first, rest) = field(text)?;
        let heading = self.heading().split(',').next().unwrap_or_default();
        if may_be_heading && first.eq_ignore_ascii_case(heading) {
            return Ok(None);
        }
        let second = match rest {
            Some(rest) => match field(rest)? {
                (second, None) => second,
                (_, Some(_)) => {
                    let remedy = format!("write {}", self.heading());
                    return Err(("there are more than two columns", remedy).into());
                }
            },
            None => Cow::Borrowed(""),
        };
        let known = |name: &str| names.is_none_or(|names| names.contains(name));
        match self {
            Self::Blacklist => {
                let number = Msisdn::parse(&first, true).ok_or((
                    "this is no international number",
                    "write 7 to 15 digits that do not begin with 0",
                ))?;
                if !second.is_empty() && !known(&second) {
                    return Err((
                        format!("no account {second} is provisioned"),
                        "leave it out, or provision it before",
                    )
                        .into());
                }
                let account = (!second.is_empty()).then(|| AccountName(second.into_owned()));
                Ok(Some(NumberEntry::Blacklisted(Blacklisted { number, account })))
            }
            Self::Ranges => {
                let prefix = Prefix::parse(&first)
                    .ok_or(("this is no prefix", "write 1 to 15 digits that do not begin with 0"))?;
                if second.is_empty() {
                    return Err(("the carrier is missing", "write prefix,carrier").into());
                }
                if !known(&second) {
                    return Err((format!("no carrier {second} is provisioned"), "provision it before").into());
                }
                Ok(Some(NumberEntry::Range(Range { prefix, carrier: CarrierId(second.into_owned()) })))
            }
        }
    }
}

/// The first field of a line, and what follows its comma.
fn field(text: &str) -> Result<(Cow<'_, str>, Option<&str>), Mistake> {
    let Some(quoted) = text.strip_prefix('"') else {
        return Ok(match text.split_once(',') {
            Some((first, rest)) => (Cow::Borrowed(first.trim()), Some(rest)),
            None => (Cow::Borrowed(text.trim()), None),
        });
    };
    let mut value = String::new();
    let mut left = quoted;
    loop {
        let (before, after) = left.split_once('"').ok_or(("a quote is not closed", "close it"))?;
        value.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                value.push('"');
                left = more;
            }
            None => {
                let after = after.trim_start();
                return match after.strip_prefix(',') {
                    Some(rest) => Ok((Cow::Owned(value), Some(rest))),
                    None if after.is_empty() => Ok((Cow::Owned(value), None)),
                    None => Err(("something stands behind a closing quote", "leave it out").into()),
                };
            }
        }
    }
}

/// An entry of the blacklist as a line.
pub fn blacklisted(entry: &Blacklisted) -> String {
    let account = entry.account.as_ref().map_or(Cow::Borrowed(""), |account| quoted(&account.0));
    format!("{},{account}\n", entry.number.as_str())
}

/// A range as a line.
pub fn range(range: &Range) -> String {
    format!("{},{}\n", range.prefix, quoted(range.carrier.as_str()))
}

fn quoted(text: &str) -> Cow<'_, str> {
    match text.contains(['"', ',']) || text.trim() != text {
        true => Cow::Owned(format!("\"{}\"", text.replace('"', "\"\""))),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: &str, account: Option<&str>) -> Blacklisted {
        let account = account.map(|name| AccountName(name.to_owned()));
        Blacklisted { number: Msisdn::parse(number, false).unwrap(), account }
    }

    #[test]
    fn lines_are_read_as_they_are_written() {
        let entries = [
            entry("16175550199", None),
            entry("16175550199", Some("acme")),
            entry("16175550198", Some("a \"b\", c")),
        ];
        let text: String = entries.iter().map(blacklisted).collect();
        assert_eq!(text, "16175550199,\n16175550199,acme\n16175550198,\"a \"\"b\"\", c\"\n");
        let expected = entries.map(Change::PutBlacklisted).to_vec();
        assert_eq!(NumberList::Blacklist.read(&text, 1, None), Ok(expected));
    }

    #[test]
    fn a_heading_empty_lines_and_spellings_are_taken() {
        let text = "\u{feff}number\r\n\r\n+16175550199\r\n \"16175550198\" \n";
        let expected = [entry("16175550199", None), entry("16175550198", None)].map(Change::PutBlacklisted);
        assert_eq!(NumberList::Blacklist.read(text, 1, None), Ok(expected.to_vec()));
        let range = Range { prefix: Prefix::parse("1617").unwrap(), carrier: CarrierId("31003".to_owned()) };
        assert_eq!(self::range(&range), "1617,31003\n");
        let read = NumberList::Ranges.read("Prefix,Carrier\n1617,31003\n", 1, None);
        assert_eq!(read, Ok(vec![Change::PutRange(range)]));
    }

    #[test]
    fn each_wrong_line_is_told_with_its_number() {
        let told = |list: NumberList, text: &str, first| {
            let known = Provisioning::default();
            let mistakes = list.read(text, first, Some(&known)).unwrap_err();
            mistakes.into_iter().map(|one| (one.line, one.what.to_string())).collect::<Vec<_>>()
        };
        let text = "16175550199\n555\n16175550199,nobody\n16175550199,,\n\"1\nnumber\n";
        let expected = [
            (8, "this is no international number; write 7 to 15 digits that do not begin with 0"),
            (9, "no account nobody is provisioned; leave it out, or provision it before"),
            (10, "there are more than two columns; write number,account"),
            (11, "a quote is not closed; close it"),
            (12, "this is no international number; write 7 to 15 digits that do not begin with 0"),
        ]
        .map(|(line, what)| (line, what.to_owned()));
        assert_eq!(told(NumberList::Blacklist, text, 7), expected);
        let expected = [
            (1, "this is no prefix; write 1 to 15 digits that do not begin with 0"),
            (2, "the carrier is missing; write prefix,carrier"),
            (3, "no carrier 99 is provisioned; provision it before"),
        ]
        .map(|(line, what)| (line, what.to_owned()));
        assert_eq!(told(NumberList::Ranges, "+1,31003\n1\n1,99\n", 1), expected);
        assert_eq!(told(NumberList::Ranges, &"x\n".repeat(1000), 1).len(), 100);
    }
}
