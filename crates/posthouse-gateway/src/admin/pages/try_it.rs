//! Try it: from a form to the exact request, to what is wrong with it, and to a message whose life can be watched.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Request, State},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{StatusCode as HttpStatus, Uri};
use posthouse_api::{
    AccountView, PageOf, ProblemDetails, ServiceView, SubmissionPart, SubmissionRequest, SubmissionView,
};

use super::{
    PageState,
    ask::{query, segment},
    forms::SentForm,
    frame::{Frame, html, ok},
    see_other,
    sessions::SignedIn,
    sign_in::field,
    words,
};

/// The longest file that is kept in the page from one look to the next, in bytes.
const KEPT: usize = 512 << 10;
/// A number that is nobody's, for those who try the sandbox.
const NUMBER: &str = "16175550100";

#[derive(Template)]
#[template(path = "try.html")]
struct TryPage {
    frame: Frame,
    /// Whether whoever looks belongs to one account.
    is_own: bool,
    /// For which account; `None`: that is to be chosen.
    account: Option<String>,
    /// Whether what is sent reaches nobody.
    is_sandbox: bool,
    /// The accounts to choose from.
    choices: Vec<(String, String)>,
    services: Vec<ServiceView>,
    asked: SubmissionRequest,
    kept: Option<KeptFile>,
    view: Option<SubmissionView>,
    fault: Option<String>,
}

/// A file that was chosen before: a page cannot fill in a file anew, so that it holds it itself.
struct KeptFile {
    name: String,
    content_type: String,
    data: String,
    bytes: usize,
}

impl TryPage {
    fn text<'t>(&self, value: &'t Option<String>) -> &'t str {
        value.as_deref().unwrap_or_default()
    }

    fn to(&self) -> String {
        self.asked.to.join(", ")
    }

    /// Which answer is chosen to a question that may be left open.
    fn is(&self, value: &Option<bool>, answer: &str) -> bool {
        value.map(|value| if value { "true" } else { "false" }).unwrap_or_default() == answer
    }

    fn is_priority(&self, priority: &str) -> bool {
        self.text(&self.asked.priority) == priority
    }
}

pub(super) async fn form(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let asked = field(uri.query().unwrap_or_default().as_bytes(), "account");
    let mut page = page(&by, asked);
    let found = match page.account.clone() {
        None => choose(&pages, &by, &mut page).await,
        Some(account) => provisioned(&pages, &by, &account, &mut page).await.map(|()| fill_in(&mut page)),
    };
    match found {
        Ok(()) => ok(&page),
        Err(problem) => page.frame.trouble(&problem),
    }
}

fn page(by: &SignedIn, account: Option<String>) -> TryPage {
    let own = by.actor.account().map(|own| own.0.clone());
    TryPage {
        frame: Frame::of(&by.visitor, "/try"),
        is_own: own.is_some(),
        account: own.or_else(|| account.filter(|account| !account.is_empty())),
        is_sandbox: false,
        choices: Vec::new(),
        services: Vec::new(),
        asked: SubmissionRequest::default(),
        kept: None,
        view: None,
        fault: None,
    }
}

async fn choose(pages: &PageState, by: &SignedIn, page: &mut TryPage) -> Result<(), ProblemDetails> {
    let accounts = pages.api.get::<PageOf<AccountView>>(&by.actor, "/accounts?limit=200").await?;
    page.choices = accounts.items.into_iter().map(|account| (account.name, account.status)).collect();
    Ok(())
}

/// What may be chosen from, by what is provisioned of the account.
async fn provisioned(
    pages: &PageState,
    by: &SignedIn,
    account: &str,
    page: &mut TryPage,
) -> Result<(), ProblemDetails> {
    let account = pages.api.get::<AccountView>(&by.actor, &format!("/accounts/{}", segment(account))).await?;
    page.is_sandbox = account.status == "sandbox";
    page.services = account.services;
    Ok(())
}

/// What a form begins with: what is right, as far as that can be told.
fn fill_in(page: &mut TryPage) {
    let service = page.services.iter().find(|service| service.default).or(page.services.first());
    let [subject, text] = words::TRIED;
    page.asked = SubmissionRequest {
        vasid: service.map(|service| service.vasid.clone()),
        from: service.and_then(|service| service.senders.first().cloned()),
        to: if page.is_sandbox { vec![NUMBER.to_owned()] } else { Vec::new() },
        subject: Some(subject.to_owned()),
        text: Some(text.to_owned()),
        sample: true,
        delivery_report: Some(true),
        ..SubmissionRequest::default()
    };
}

/// Shows the request, and sends it where that is asked for.
pub(super) async fn submit(State(pages): State<Arc<PageState>>, by: SignedIn, request: Request) -> Response {
    let form = match SentForm::read(request).await {
        Ok(form) => form,
        Err(problem) => return Frame::of(&by.visitor, "/try").trouble(&problem),
    };
    let mut page = page(&by, form.filled("account"));
    let Some(account) = page.account.clone() else { return see_other("/try") };
    if let Err(problem) = provisioned(&pages, &by, &account, &mut page).await {
        return page.frame.trouble(&problem);
    }
    page.kept = kept(&form);
    page.asked = asked(&form, account, page.kept.as_ref());
    match pages.api.post::<SubmissionView>(&by.actor, "/submissions", &page.asked).await {
        Ok(view) => {
            if let Some(id) = view.answer.as_ref().and_then(|answer| answer.message_id.as_deref()) {
                return see_other(&format!("/messages/{}?{}", segment(id), query([("done", "submit")])));
            }
            // The same TransactionID with the same content is one request, however often it is sent.
            page.asked.transaction_id = Some(view.transaction_id.clone());
            page.view = Some(view);
            ok(&page)
        }
        Err(problem) if matches!(problem.status, 400 | 422) => {
            let errors = problem.errors.iter().map(|error| {
                let remedy = error.remedy.as_deref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
                let place = error.pointer.as_deref().unwrap_or_default().trim_start_matches('/');
                format!("{}: {}{remedy}.", place.replace('_', " "), error.detail)
            });
            let errors: Vec<_> = errors.collect();
            page.fault = Some(if errors.is_empty() { problem.to_string() } else { errors.join(" ") });
            html(HttpStatus::BAD_REQUEST, &page)
        }
        Err(problem) => page.frame.trouble(&problem),
    }
}

/// The file that was chosen just now, or before.
fn kept(form: &SentForm) -> Option<KeptFile> {
    if let Some(file) = form.file("file") {
        let named = |text: &Option<String>, other: &str| text.clone().unwrap_or_else(|| other.to_owned());
        return Some(KeptFile {
            name: named(&file.file_name, "file"),
            content_type: named(&file.content_type, "application/octet-stream"),
            data: BASE64_STANDARD.encode(&file.bytes),
            bytes: file.bytes.len(),
        });
    }
    let data = form.filled("kept").filter(|_| form.text("drop").is_empty())?;
    let bytes = BASE64_STANDARD.decode(&data).ok()?.len();
    Some(KeptFile { name: form.text("kept_name"), content_type: form.text("kept_type"), data, bytes })
}

fn asked(form: &SentForm, account: String, kept: Option<&KeptFile>) -> SubmissionRequest {
    let choice = |name: &str| match form.text(name).as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    let part = |file: &KeptFile| SubmissionPart {
        name: Some(file.name.clone()),
        content_type: Some(file.content_type.clone()),
        data: file.data.clone(),
    };
    SubmissionRequest {
        account: Some(account),
        vasid: form.filled("vasid"),
        from: form.filled("from"),
        to: form
            .text("to")
            .split([',', '\n'])
            .map(|to| to.trim().to_owned())
            .filter(|to| !to.is_empty())
            .collect(),
        subject: form.filled("subject"),
        // A textarea's lines end as MIME's do.
        text: Some(form.text("text")).filter(|text| !text.is_empty()),
        parts: kept.map(part).into_iter().collect(),
        sample: !form.text("sample").is_empty(),
        service_code: form.filled("service_code"),
        priority: form.filled("priority"),
        delivery_report: choice("delivery_report"),
        read_reply: choice("read_reply"),
        expiry: form.filled("expiry"),
        carrier_id: form.filled("carrier_id"),
        transaction_id: form.filled("transaction_id"),
        send: form.text("do") == "send",
    }
}
