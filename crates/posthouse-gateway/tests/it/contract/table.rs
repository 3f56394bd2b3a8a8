//! What answers look like, written down here a second time: the code table word for word, and how each dialect dresses a
//! refusal (contract sections 4.1 and 5).

use posthouse_testing::{answer::RawAnswer, request::RawRequest};

/// The dialects, in the order of every list of codes by dialect.
pub const DIALECTS: [&str; 5] = ["posthouse", "skycore", "sinch", "3gpp", "cmcc"];

/// StatusCode, StatusText and Details, which are empty where there are none.
pub const TABLE: [(u32, &str, &str); 44] = [
    (1000, "Success", "Successfully parsed and validated request."),
    (2000, "Client error", "Invalid IP Address or Protocol"),
    (2002, "Address Error", "Invalid Address"),
    (2004, "Multimedia refused", "Carrier refuses content"),
    (2007, "Unable to parse request", "Message format corrupt"),
    (
        2500,
        "Missing or Invalid HTTP header Content-Length or Content-Type",
        "Ensure the HTTP Content-Length and Content Type header are included and valid.",
    ),
    (
        2502,
        "Missing destination address",
        "Ensure the recipient is specified correctly for the MM7 version that is used.",
    ),
    (
        2503,
        "Multiple destination addresses not supported",
        "Multiple recipients not supported. Instead, create multiple messages",
    ),
    (
        2504,
        "Missing source address",
        "Ensure source address is specified correctly for the MM7 version that is used",
    ),
    (
        2505,
        "Missing or unsupported MM7 Version",
        "Ensure specified MM7 version is on the list of supported versions, and is in the format x.y.z",
    ),
    (2506, "Missing XML element – Content", "Ensure the Content element is included in the SubmitRequest."),
    (
        2507,
        "Unsupported namespace",
        "Ensure that all the namespaces specified are on the list of supported namespaces.",
    ),
    (
        2510,
        "Missing or Invalid SOAP header",
        "Ensure the SOAP envelope contains a SOAP header with only the TransactionID element",
    ),
    (
        2511,
        "Missing or Invalid SOAP body",
        "Ensure the SOAP envelope contains a SOAP body with the SubmitReq",
    ),
    (2512, "Unsupported operation", "SubmitReq is the only supported operation"),
    (2513, "Unable to parse attachment", "Ensure your attachment is specified, and encoded properly"),
    (
        2514,
        "Invalid SOAP attachment header Content-Type",
        "Ensure the Content-Type headers of all the attachments are formatted properly",
    ),
    (
        2515,
        "Invalid SOAP body part Content-Type",
        "Ensure the Content-Type header of the SOAP body part, aka the SOAP envelope part, is formatted properly",
    ),
    (2550, "Account disabled", "Your account is no longer provisioned for MMS"),
    (2551, "Account not Provisioned for MM7", "Your account is not provisioned for MM7 API"),
    (
        2560,
        "Content length exceeded maximum supported request size",
        "Reduce the size of the content you are sending.",
    ),
    (2561, "Invalid sender identification", "Sender identification invalid or missing."),
    (2562, "Invalid VASID", "The VASID is your ServiceID"),
    (2563, "Invalid source address", "The Shortcode may be incorrect or not provisioned"),
    (2564, "Invalid VASPID", "The VASPID is your API Key"),
    (
        2565,
        "Message rejected, reply charging not supported",
        "Message rejected, reply charging not supported",
    ),
    (2566, "Invalid carrier", "Invalid carrier ID."),
    (2567, "Missing carrier ID", "Carrier ID is required to be passed"),
    (
        2568,
        "Unable to authenticate",
        "Ensure the HTTP username and password you have specified are correct and formatted properly within the Authorization header.",
    ),
    (2569, "Carrier Lookup Service is down. Please retry.", ""),
    (2570, "Carrier Not Provisioned", ""),
    (3000, "System error", "Internal system/service error."),
    (3001, "Number blacklisted", "Phone number is blacklisted for receiving messages do not retry"),
    (3002, "Charged party not supported", "Charged Party not supported"),
    (
        3003,
        "Multimedia download failed",
        "Using URLs in the MM7 the fetch of content failed or took too long",
    ),
    (3500, "Timeout", "Carrier gateway timeout"),
    (3510, "Throughput exceeded", "Throughput exceeded please retry later"),
    (3520, "Provisioning issue", "Provisioning problem, please contact your account manager"),
    (4000, "General service error", "Carrier rejects the message due to a general service error"),
    (4002, "Unsupported MM7 version", "The carrier does not support this MM7 version"),
    (4003, "Unsupported operation", "Carrier rejects the message due to unsupported operation or format"),
    (4004, "Validation error", "Validation error"),
    (4006, "Service unavailable", "Carrier capacity reached. Retry later"),
    (4007, "Service denied", "Carrier denies service for the recipient address"),
];

/// StatusText and Details of a code.
pub fn texts(code: u32) -> (&'static str, Option<&'static str>) {
    let row = TABLE.iter().find(|(known, ..)| *known == code);
    let (_, text, details) = row.unwrap_or_else(|| panic!("{code} is not in the table"));
    (text, Some(*details).filter(|details| !details.is_empty()))
}

/// What an answer looks like, or has to.
#[derive(Clone, Debug)]
pub struct Look {
    /// HTTP status, and the element in the SOAP Body.
    pub form: (u16, String),
    pub code: u32,
    pub text: String,
    pub details: Option<String>,
    /// faultcode and faultstring.
    pub fault: Option<(String, String)>,
    pub transaction_id: Option<String>,
    pub namespace: String,
    pub version: String,
    pub content_type: String,
    /// Whether there is a MessageID.
    pub message_id: bool,
    /// Whether HTTP Retry-After says when to come again.
    pub retry_after: bool,
}

impl Look {
    /// What an answer looks like; `None` when there is no MM7 in it.
    pub fn of(answer: &RawAnswer) -> Option<Self> {
        let retry_after = answer.header("retry-after").map(|seconds| seconds.parse().unwrap());
        assert!(
            retry_after.is_none_or(|seconds: u32| (1..=60).contains(&seconds)),
            "{retry_after:?} seconds"
        );
        let fault = answer.fault().map(|fault| (fault.code.as_str().to_owned(), fault.string.clone()));
        Some(Self {
            form: (answer.http_status, answer.operation()?.to_owned()),
            code: answer.code()?,
            text: answer.text()?.to_owned(),
            details: answer.details().map(str::to_owned),
            fault,
            transaction_id: answer.transaction_id().map(str::to_owned),
            namespace: answer.namespace()?.to_owned(),
            version: answer.version()?,
            content_type: answer.header("content-type")?.to_owned(),
            message_id: answer.message_id().is_some(),
            retry_after: retry_after.is_some(),
        })
    }

    fn fields(&self) -> [(&'static str, String); 11] {
        let Self { form, code, text, details, fault, transaction_id, .. } = self;
        let Self { namespace, version, content_type, message_id, retry_after, .. } = self;
        [
            ("code", code.to_string()),
            ("form", format!("{form:?}")),
            ("StatusText", text.clone()),
            ("Details", format!("{details:?}")),
            ("Fault", format!("{fault:?}")),
            ("TransactionID", format!("{transaction_id:?}")),
            ("namespace", namespace.clone()),
            ("MM7Version", version.clone()),
            ("Content-Type", content_type.clone()),
            ("MessageID", message_id.to_string()),
            ("Retry-After", retry_after.to_string()),
        ]
    }

    /// 1000 for this request.
    pub fn success(request: &RawRequest) -> Self {
        let (text, details) = texts(1000);
        Self {
            form: (200, "SubmitRsp".to_owned()),
            code: 1000,
            text: text.to_owned(),
            details: details.map(str::to_owned),
            fault: None,
            transaction_id: transaction_id(request),
            namespace: request.namespace.clone(),
            version: request.version.clone().unwrap_or_default(),
            content_type: "text/xml; charset=utf-8".to_owned(),
            message_id: true,
            retry_after: false,
        }
    }

    /// A refusal by a row of contract 4.1, as a dialect dresses it.
    pub fn refusal(dialect: &str, row: u8, code: u32, request: &RawRequest) -> Self {
        let (number, text, details) = mapped(dialect, code);
        let faultcode = if number / 1000 == 2 { "Client" } else { "Server" };
        let faultstring = match dialect {
            "posthouse" => format!("{number} {text}"),
            _ => format!("{faultcode} error"),
        };
        let form = match dialect {
            "3gpp" if row >= 10 => (200, "SubmitRsp"),
            "3gpp" => (500, "Fault"),
            "cmcc" => (200, "SubmitRsp"),
            _ => (200, "Fault"),
        };
        Self {
            form: (form.0, form.1.to_owned()),
            code: number,
            text: text.to_owned(),
            details: details.map(str::to_owned),
            fault: (form.1 == "Fault").then(|| (faultcode.to_owned(), faultstring)),
            message_id: false,
            retry_after: code == 3510,
            ..Self::success(request)
        }
    }

    /// A refusal of which nothing of the request could be read: by the default dialect, in the last namespace.
    pub fn blind(row: u8, code: u32) -> Self {
        Self { transaction_id: None, ..Self::refusal("posthouse", row, code, &RawRequest::to("")) }
    }
}

/// What a dialect says for a code.
fn mapped(dialect: &str, code: u32) -> (u32, &'static str, Option<&'static str>) {
    let code = match (dialect, code) {
        ("3gpp", 3001) => 4007,
        ("3gpp", 3002) => return (2001, "Operation restricted", None),
        ("3gpp", 3003) => 2004,
        _ => code,
    };
    let (text, details) = texts(code);
    (code, text, details)
}

/// The TransactionID in a request's SOAP Header.
fn transaction_id(request: &RawRequest) -> Option<String> {
    let header = request.soap_header.as_ref()?;
    let (_, behind) = header.split_once("<TransactionID")?.1.split_once('>')?;
    Some(behind.split_once('<')?.0.trim().to_owned()).filter(|id| !id.is_empty())
}

/// How an answer differs from what it has to look like.
pub fn difference(answer: &RawAnswer, expected: &Look) -> Option<String> {
    let Some(seen) = Look::of(answer) else {
        let body = String::from_utf8_lossy(&answer.body);
        return Some(format!(
            "HTTP {} without MM7: {body:?} instead of {}",
            answer.http_status, expected.code
        ));
    };
    let told: Vec<_> = seen
        .fields()
        .into_iter()
        .zip(expected.fields())
        .filter(|(seen, expected)| seen != expected)
        .map(|((name, seen), (_, expected))| format!("{name}: {seen} instead of {expected}"))
        .collect();
    Some(told.join("\n")).filter(|told| !told.is_empty())
}
