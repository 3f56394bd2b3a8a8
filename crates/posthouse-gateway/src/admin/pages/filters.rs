//! The filters of a list: a form, those in force as chips, what is wrong with one at its field, and the way to the next page.

use http::{StatusCode as HttpStatus, Uri};
use posthouse_api::{PageOf, ProblemDetails};

use super::ask::query;

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
}

impl FilterSpec {
    /// One that takes any text.
    pub const fn text(name: &'static str, label: &'static str, hint: &'static str) -> Self {
        Self { name, label, hint, choices: Vec::new }
    }

    /// One that takes one of these.
    pub const fn one_of(name: &'static str, label: &'static str, choices: fn() -> Vec<&'static str>) -> Self {
        Self { name, label, hint: "", choices }
    }
}

/// A field of the form.
pub(super) struct FilterField {
    pub name: &'static str,
    pub label: &'static str,
    pub hint: &'static str,
    pub value: String,
    pub choices: Vec<&'static str>,
    /// What is wrong with it.
    pub fault: Option<String>,
}

/// A filter that is in force, and the same page without it.
pub(super) struct FilterChip {
    pub label: &'static str,
    pub value: String,
    pub without: String,
}

/// The filters of a list as a page shows them.
pub(super) struct FilterForm {
    /// The page.
    pub action: &'static str,
    pub fields: Vec<FilterField>,
    pub chips: Vec<FilterChip>,
    /// What is wrong with the query, where no field has it.
    pub faults: Vec<String>,
    pairs: Vec<(String, String)>,
}

impl FilterForm {
    /// What the query of a page asks for.
    pub fn of(action: &'static str, specs: &[FilterSpec], uri: &Uri) -> Self {
        let given = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned();
        let is_filter = |(name, value): &(String, String)| {
            !NO_FILTERS.contains(&name.as_str()) && !value.trim().is_empty()
        };
        let pairs: Vec<_> = given.filter(is_filter).collect();
        let value =
            |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let fields = specs.iter().map(|spec| FilterField {
            name: spec.name,
            label: spec.label,
            hint: spec.hint,
            value: value(spec.name).unwrap_or_default(),
            choices: (spec.choices)(),
            fault: None,
        });
        let chips = specs.iter().filter_map(|spec| {
            let without = at(action, &without(&pairs, &[spec.name, "cursor"]));
            Some(FilterChip { label: spec.label, value: value(spec.name)?, without })
        });
        Self { action, fields: fields.collect(), chips: chips.collect(), faults: Vec::new(), pairs }
    }

    /// The same list at a path of the API.
    pub fn api(&self, path: &str) -> String {
        at(path, &without(&self.pairs, &[]))
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

    /// What stands where there is nothing; `none` where there is nothing at all.
    pub fn nothing(&self, none: &str) -> String {
        match self.faults.is_empty() && self.fields.iter().all(|field| field.fault.is_none()) {
            false => "Put the filters right that are marked.".to_owned(),
            true if self.is_empty() => none.to_owned(),
            true => "Nothing matches all of these filters.".to_owned(),
        }
    }
}

fn without(pairs: &[(String, String)], names: &[&str]) -> String {
    let left = pairs.iter().filter(|(name, _)| !names.contains(&name.as_str()));
    query(left.map(|(name, value)| (name.as_str(), value.as_str())))
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

    fn of(query: &str) -> FilterForm {
        FilterForm::of("/refusals", SPECS, &format!("/refusals?{query}").parse().unwrap())
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
        assert_eq!(form.nothing("none"), "Put the filters right that are marked.");
    }
}
