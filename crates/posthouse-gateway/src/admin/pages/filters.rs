//! The filters of a list: a form, those in force as chips, what is wrong with one at its field, and the way to the next page.

use http::{StatusCode as HttpStatus, Uri};
use jiff::Timestamp;
use posthouse_api::{PageOf, ProblemDetails};
use posthouse_core::{
    actor::Actor,
    moment::{self, Moment},
};

use super::{ask::query, words};

/// What of a page's query is no filter.
const NO_FILTERS: [&str; 3] = ["frame", "done", "counted"];

/// A filter that a list takes.
pub(super) struct FilterSpec {
    /// Its name in the query.
    pub name: &'static str,
    pub label: &'static str,
    /// How a value looks.
    pub hint: &'static str,
    /// The values that there are; none: any text.
    pub choices: fn() -> Vec<&'static str>,
    /// What a value is called.
    pub called: fn(&'static str) -> &'static str,
    /// Choices that the API takes as parameters of their own (`failed=true`), and what each is called.
    pub flags: &'static [(&'static str, &'static str)],
}

impl FilterSpec {
    /// One that takes any text.
    pub const fn text(name: &'static str, label: &'static str, hint: &'static str) -> Self {
        Self { name, label, hint, choices: Vec::new, called: as_it_is, flags: &[] }
    }

    /// One that takes one of these.
    pub const fn one_of(name: &'static str, label: &'static str, choices: fn() -> Vec<&'static str>) -> Self {
        Self { name, label, hint: "", choices, called: as_it_is, flags: &[] }
    }

    /// The same, of which these can be chosen, too.
    pub const fn with_flags(self, flags: &'static [(&'static str, &'static str)]) -> Self {
        Self { flags, ..self }
    }

    /// The same, whose values have names.
    pub const fn with_names(self, called: fn(&'static str) -> &'static str) -> Self {
        Self { called, ..self }
    }

    fn is_flag(&self, text: &str) -> bool {
        self.flags.iter().any(|(flag, _)| *flag == text)
    }

    /// What of the query is about it, as it is chosen.
    fn chosen<'p>(&self, (name, value): &'p (String, String)) -> Option<&'p str> {
        match name.as_str() {
            name if name == self.name => Some(value),
            name if self.is_flag(name) => Some(name),
            _ => None,
        }
    }

    /// What can be chosen: each value, and what it is called.
    fn all(&self) -> Vec<(&'static str, &'static str)> {
        let values = (self.choices)().into_iter().map(|value| (value, (self.called)(value)));
        self.flags.iter().copied().chain(values).collect()
    }
}

const fn as_it_is(value: &'static str) -> &'static str {
    value
}

/// A field of the form.
pub(super) struct FilterField {
    pub name: &'static str,
    pub label: &'static str,
    pub hint: &'static str,
    pub value: String,
    /// What can be chosen: each value, and what it is called.
    pub choices: Vec<(&'static str, &'static str)>,
    /// What is wrong with it.
    pub fault: Option<String>,
}

/// A filter that is in force, and the same page without it.
pub(super) struct FilterChip {
    pub label: &'static str,
    pub value: String,
    pub without: String,
}

/// A time that is often asked for, and the same page with it.
pub(super) struct TimeChoice {
    pub name: &'static str,
    pub href: String,
    pub is_chosen: bool,
}

/// The filters of a list as a page shows them.
pub(super) struct FilterForm {
    /// The page.
    pub action: &'static str,
    pub fields: Vec<FilterField>,
    pub chips: Vec<FilterChip>,
    /// Usual times, where the list has any.
    pub times: Vec<TimeChoice>,
    /// What is wrong with the query, where no field has it.
    pub faults: Vec<String>,
    pairs: Vec<(String, String)>,
}

impl FilterForm {
    /// What the query of a page asks for.
    pub fn of(action: &'static str, specs: &[FilterSpec], uri: &Uri, now: Timestamp) -> Self {
        let given = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned();
        let is_filter = |(name, value): &(String, String)| {
            !NO_FILTERS.contains(&name.as_str()) && !value.trim().is_empty()
        };
        let pairs: Vec<_> = given.filter(is_filter).filter_map(|pair| as_asked(specs, pair)).collect();
        let times = times(action, specs, &pairs);
        let pairs = at_times(pairs, now);
        let fields = specs.iter().map(|spec| FilterField {
            name: spec.name,
            label: spec.label,
            hint: spec.hint,
            value: pairs.iter().find_map(|pair| spec.chosen(pair)).unwrap_or_default().to_owned(),
            choices: spec.all(),
            fault: None,
        });
        let chips = specs.iter().flat_map(|spec| {
            let chosen = pairs.iter().enumerate().filter_map(|(at, pair)| Some((at, spec.chosen(pair)?)));
            chosen.map(|(at, value)| chip(action, spec, &pairs, at, value))
        });
        let (fields, chips) = (fields.collect(), chips.collect());
        Self { action, fields, chips, times, faults: Vec::new(), pairs }
    }

    /// The same for whoever sees one account alone, of which there is nothing to choose.
    pub fn of_own(mut self, by: &Actor) -> Self {
        if by.account().is_some() {
            self.fields.retain(|field| field.name != "account" || !field.value.is_empty());
        }
        self
    }

    /// The same list at a path of the API.
    pub fn api(&self, path: &str) -> String {
        at(path, &query(self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
    }

    /// The filters without the place in the list: names and values.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let filters = self.pairs.iter().filter(|(name, _)| name != "cursor");
        filters.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether any is in force.
    pub fn is_empty(&self) -> bool {
        self.pairs().next().is_none()
    }

    /// The page after this one.
    pub fn next(&self, cursor: Option<String>) -> Option<String> {
        let cursor = cursor?;
        let pairs = self.pairs().chain([("cursor", cursor.as_str())]);
        Some(at(self.action, &query(pairs)))
    }

    /// Puts what is wrong with a filter at its field.
    pub fn refuse(&mut self, problem: &ProblemDetails) {
        for error in &problem.errors {
            let told = match &error.remedy {
                Some(remedy) => format!("{}; {remedy}", error.detail),
                None => error.detail.to_string(),
            };
            let name = error.parameter.as_deref().unwrap_or_default();
            match self.fields.iter_mut().find(|field| field.name == name) {
                Some(field) => field.fault = Some(told),
                None => self.faults.push(format!("{name}: {told}")),
            }
        }
        if problem.errors.is_empty() {
            self.faults.push(problem.to_string());
        }
    }

    /// The items to show and the way to more, or nothing with what is wrong with a filter, and the page's status.
    ///
    /// # Errors
    /// What has nothing to do with the filters.
    pub fn listed<T>(
        &mut self,
        found: Result<PageOf<T>, ProblemDetails>,
    ) -> Result<(HttpStatus, Vec<T>, Option<String>), ProblemDetails> {
        match found {
            Ok(page) => Ok((HttpStatus::OK, page.items, self.next(page.next))),
            Err(problem) if problem.status == 400 => {
                self.refuse(&problem);
                Ok((HttpStatus::BAD_REQUEST, Vec::new(), None))
            }
            Err(problem) => Err(problem),
        }
    }

    /// What stands where there is nothing.
    pub fn nothing(&self) -> &'static str {
        match self.faults.is_empty() && self.fields.iter().all(|field| field.fault.is_none()) {
            false => words::FILTERS_ARE_WRONG,
            true if self.is_empty() => words::none_of(self.action),
            true => words::NOTHING_MATCHES,
        }
    }
}

/// A part of the query as the API takes it; `None` where it asks for nothing.
fn as_asked(specs: &[FilterSpec], (name, value): (String, String)) -> Option<(String, String)> {
    if specs.iter().any(|spec| spec.name == name && spec.is_flag(&value)) {
        return Some((value, "true".to_owned()));
    }
    let is_off = value == "false" && specs.iter().any(|spec| spec.is_flag(&name));
    (!is_off).then_some((name, value))
}

/// The same with the points in time for which `1h` and `2:00` stand now: what is done to all that match, and the next page, are about
/// the same window as this one. What is no time stays, and the API says so.
fn at_times(mut pairs: Vec<(String, String)>, now: Timestamp) -> Vec<(String, String)> {
    let read = |name: &str| {
        let (_, value) = pairs.iter().find(|(known, _)| known == name)?;
        Moment::parse(value)
    };
    let Ok((since, until)) = moment::window(read("since"), read("until"), now) else { return pairs };
    for (name, time) in [("since", since), ("until", until)] {
        let pair = pairs.iter_mut().find(|(known, _)| known == name);
        if let (Some((_, value)), Some(time)) = (pair, time) {
            *value = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        }
    }
    pairs
}

/// The usual times, each with the other filters, where the list is one of a time.
fn times(action: &str, specs: &[FilterSpec], pairs: &[(String, String)]) -> Vec<TimeChoice> {
    if !specs.iter().any(|spec| spec.name == "since") {
        return Vec::new();
    }
    let is = |name: &str, value: &str| pairs.iter().any(|(known, other)| known == name && other == value);
    let is_open = !pairs.iter().any(|(name, _)| name == "until");
    let choice = |(since, name): &(&'static str, &'static str)| {
        let left = pairs.iter().filter(|(name, _)| !["since", "until", "cursor"].contains(&name.as_str()));
        let left = left.map(|(name, value)| (name.as_str(), value.as_str()));
        let href = at(action, &query(left.chain([("since", *since)])));
        TimeChoice { name, href, is_chosen: is_open && is("since", since) }
    };
    words::USUAL_TIMES.iter().map(choice).collect()
}

/// The filter at this place of the query, and the page without it.
fn chip(
    action: &str,
    spec: &FilterSpec,
    pairs: &[(String, String)],
    place: usize,
    value: &str,
) -> FilterChip {
    let left = pairs.iter().enumerate().filter(|(at, (name, _))| *at != place && name != "cursor");
    let left = left.map(|(_, (name, value))| (name.as_str(), value.as_str()));
    FilterChip { label: spec.label, value: value.to_owned(), without: at(action, &query(left)) }
}

fn at(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use posthouse_api::{ProblemCode, ProblemError};

    use super::*;

    const SPECS: &[FilterSpec] =
        &[FilterSpec::text("account", "Account", "acme"), FilterSpec::text("code", "Code", "2513")];
    const NOW: &str = "2026-11-29T11:30:00Z";

    fn at_page(action: &'static str, specs: &[FilterSpec], query: &str) -> FilterForm {
        FilterForm::of(action, specs, &format!("{action}?{query}").parse().unwrap(), NOW.parse().unwrap())
    }

    fn of(query: &str) -> FilterForm {
        at_page("/refusals", SPECS, query)
    }

    #[test]
    fn a_filter_can_be_taken_away_and_the_next_page_keeps_the_others() {
        let form = of("account=acme&code=&done=yes&cursor=7&code=2513");
        assert_eq!(form.api("/x"), "/x?account=acme&cursor=7&code=2513");
        assert_eq!(
            form.next(Some("3&4".to_owned())).unwrap(),
            "/refusals?account=acme&code=2513&cursor=3%264"
        );
        assert_eq!(form.next(None), None);
        let chips: Vec<_> = form.chips.iter().map(|chip| (chip.label, chip.without.as_str())).collect();
        assert_eq!(chips, [("Account", "/refusals?code=2513"), ("Code", "/refusals?account=acme")]);
        assert!(of("cursor=7").is_empty() && !form.is_empty());
    }

    #[test]
    fn what_is_wrong_stands_at_its_field_and_what_has_none_is_told_all_the_same() {
        let mut form = of("code=12");
        let invalid = ProblemDetails::new(ProblemCode::InvalidParameter).with_errors(vec![
            ProblemError::in_parameter("code", "there is no code 12"),
            ProblemError::in_parameter("odd", "there is no such parameter here").with_remedy("leave it out"),
        ]);
        let (status, items, next) = form.listed::<u8>(Err(invalid)).unwrap();
        assert_eq!((status.as_u16(), items.len(), next), (400, 0, None));
        assert_eq!(form.fields[1].fault.as_deref(), Some("there is no code 12"));
        assert_eq!(form.faults, ["odd: there is no such parameter here; leave it out"]);
        assert_eq!(form.nothing(), "Correct the filters that are marked.");
    }

    #[test]
    fn all_that_failed_is_a_choice_among_the_states() {
        let messages = |query: &str| at_page("/messages", words::OF_MESSAGES, query);
        let shown = |form: &FilterForm| {
            let chips =
                form.chips.iter().map(|chip| format!("{}: {} {}", chip.label, chip.value, chip.without));
            (form.api("/x"), form.fields[0].value.clone(), chips.collect::<Vec<_>>())
        };
        let chip = "State: failed /messages?carrier=31003".to_owned();
        let carrier = "Carrier: 31003 /messages?failed=true".to_owned();
        for query in ["state=failed&carrier=31003", "failed=true&carrier=31003"] {
            assert_eq!(
                shown(&messages(query)),
                (
                    "/x?failed=true&carrier=31003".to_owned(),
                    "failed".to_owned(),
                    vec![chip.clone(), carrier.clone()]
                )
            );
        }
        assert!(messages("failed=false").is_empty());
        let two = messages("state=Parked&state=Expired");
        assert_eq!(
            shown(&two).2,
            ["State: Parked /messages?state=Expired", "State: Expired /messages?state=Parked"]
        );
    }

    #[test]
    fn usual_times_are_links_and_times_are_written_as_people_do() {
        let messages = |query: &str| at_page("/messages", words::OF_MESSAGES, query);
        let form = messages("carrier=31003&since=1h&cursor=7");
        assert_eq!(form.api("/x"), "/x?carrier=31003&since=2026-11-29T10%3A30%3A00Z&cursor=7");
        let times: Vec<_> =
            form.times.iter().map(|one| (one.name, one.href.as_str(), one.is_chosen)).collect();
        assert_eq!(
            times,
            [
                ("last hour", "/messages?carrier=31003&since=1h", true),
                ("today", "/messages?carrier=31003&since=0%3A00", false),
                ("last 7 days", "/messages?carrier=31003&since=7d", false),
            ]
        );
        for (query, asked) in [
            ("since=0:00", "/x?since=2026-11-29T00%3A00%3A00Z"),
            ("since=7d", "/x?since=2026-11-22T11%3A30%3A00Z"),
            ("since=2:00&until=2:20", "/x?since=2026-11-29T02%3A00%3A00Z&until=2026-11-29T02%3A20%3A00Z"),
            ("since=2026-11-29T02:00Z", "/x?since=2026-11-29T02%3A00%3A00Z"),
            ("since=whenever", "/x?since=whenever"),
        ] {
            assert_eq!(messages(query).api("/x"), asked);
        }
        assert!(of("").times.is_empty(), "the list is of no time");
    }
}
