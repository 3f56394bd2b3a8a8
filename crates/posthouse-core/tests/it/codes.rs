//! The pages of the codes are whole, and what they say of requests is so.

use mm7::{Dialect, MmStatus, StatusCode};
use posthouse_core::{
    codes::{MODEL, PAGES, Page, STATUS_PAGES, StatusPage},
    lint::{LintReport, NOT_JUDGED, Options},
    submit::CHECKS,
};

#[test]
fn every_code_has_one_page_with_everything_on_it() {
    let codes: Vec<_> = PAGES.iter().map(|page| page.code).collect();
    assert_eq!(codes, StatusCode::ALL);
    for page in PAGES {
        for text in [page.meaning, page.developer, page.operator] {
            assert!(text.ends_with('.') && text.len() > 7, "{}: {text:?}", page.code);
        }
        let has_cause = !page.causes().is_empty() || !page.carrier_answers().is_empty();
        assert!(has_cause, "{} is raised by nothing", page.code);
        assert_eq!(page.carrier_answers().is_empty(), page.consequences().is_empty(), "{}", page.code);
        assert_eq!(Page::of(page.code).map(|page| page.code), Some(page.code));
    }
}

#[test]
fn every_status_has_one_page_with_everything_on_it() {
    let statuses: Vec<_> = STATUS_PAGES.iter().map(|page| page.status).collect();
    assert_eq!(statuses, MmStatus::ALL);
    for page in STATUS_PAGES {
        for text in [page.meaning, page.developer, page.operator] {
            assert!(text.ends_with('.') && text.len() > 7, "{}: {text:?}", page.status);
        }
        assert!(!page.origins().is_empty(), "{}", page.status);
        assert_eq!(StatusPage::of(page.status).map(|page| page.status), Some(page.status));
    }
}

#[test]
fn every_check_is_on_the_page_of_its_codes() {
    for check in CHECKS {
        let named = |page: &&Page| page.causes().iter().any(|cause| cause.checks.contains(&check.name));
        assert!(PAGES.iter().any(|page| named(&page)), "{} is on no page", check.name);
    }
}

fn lint(page: &Page) -> LintReport {
    LintReport::read(page.request().into(), &Options::default())
}

/// What a request alone can raise, its example raises; the others are good requests, for which it takes what their
/// setup says. Those are sent to a gateway in the tests of the program.
#[test]
fn examples_raise_their_codes() {
    let is_judged = |page: &Page| {
        let by_request = |name: &str| NOT_JUDGED.iter().all(|(_, names)| !names.contains(&name));
        let causes = page.causes();
        causes.iter().any(|cause| cause.checks.first().is_some_and(|check| by_request(check)))
    };
    let mut alone = 0;
    for page in PAGES {
        let report = lint(page);
        let verdict = report.verdict(Dialect::POSTHOUSE);
        let answered = verdict.refused_with().map(|status| status.code);
        if is_judged(page) {
            alone += 1;
            assert_eq!(answered, Some(u32::from(page.code.code())), "{}", page.code);
            assert_eq!(page.example.setup.words, "", "{}", page.code);
        } else {
            assert_eq!(answered, None, "{}", page.code);
            let changes = !page.example.setup.words.is_empty() || !page.example.edits.is_empty();
            assert!(changes || page.code == StatusCode::Success, "{} is raised by the model", page.code);
        }
        let findings: Vec<_> = report.findings.iter().map(|finding| finding.reject.status()).collect();
        let of_others = findings.iter().filter(|code| **code != page.code).count();
        assert!(of_others <= 1, "{}: beside its own fault at most a missing SMIL: {findings:?}", page.code);
    }
    assert_eq!(alone, 19);
}

#[test]
fn every_edit_changes_the_model() {
    let first = include_str!("../../../../docs/examples/first.toml");
    for page in PAGES {
        for (from, _) in page.example.edits {
            assert!(MODEL.contains(from), "{}: {from}", page.code);
        }
        assert_eq!(page.example.differences().len(), page.example.edits.len(), "{}", page.code);
        for (from, _) in page.example.setup.edits {
            assert!(first.contains(from), "{}: {from}", page.code);
        }
    }
}

#[test]
fn a_difference_is_whole_lines() {
    let difference = Page::of(StatusCode::UnableToParse).unwrap().example.differences().pop().unwrap();
    assert_eq!(difference.before, ["      <Subject>Hello</Subject>"]);
    assert_eq!(difference.after, ["      <Subject>Fish & chips</Subject>"]);
    let added = Page::of(StatusCode::UnparsableAttachment).unwrap().example.differences().pop().unwrap();
    assert_eq!(added.before, [""; 0]);
    assert_eq!(added.after, ["Content-Transfer-Encoding: base64"]);
}
