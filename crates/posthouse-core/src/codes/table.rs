//! What there is to say of each status code and delivery status: one row for each. What raises them is not here: it
//! follows from the checks, from what carriers' answers mean, and from the state machine.

use mm7::{MmStatus, StatusCode};

use super::{Example, Page, Retry, Setup, StatusPage};

/// The provisioning that examples are sent to, beside docs/examples/first.toml.
const NOTHING: Setup = Setup { words: "", edits: &[] };

/// A line of the account's.
macro_rules! account {
    ($line:literal) => {
        Setup {
            words: concat!("`", $line, "` in [[account]]"),
            edits: &[("vaspid = \"acme-api-key\"\n", concat!("vaspid = \"acme-api-key\"\n", $line, "\n"))],
        }
    };
}

/// Simulated carriers do what the last four digits of the number say; in relay mode the VASP is answered so.
const RELAYED: Setup = Setup {
    words: "`submit_mode = \"relay\"` in [[account]], and `posthouse simulate` as the carrier",
    edits: &[("vaspid = \"acme-api-key\"\n", "vaspid = \"acme-api-key\"\nsubmit_mode = \"relay\"\n")],
};

macro_rules! number {
    ($number:literal) => {
        &[("<Number>16175550100</Number>", concat!("<Number>", $number, "</Number>"))]
    };
}

/// Of a code: what it means, what the VASP's developer does, what the operator does, whether to retry, and a request
/// that raises it.
macro_rules! pages {
    ($($code:ident {
        $meaning:literal
        developer $developer:literal
        operator $operator:literal
        retry $retry:ident
        example $edits:expr, $setup:expr;
    })*) => {
        /// Every code of the table, in ascending order.
        pub static PAGES: &[Page] = &[$(Page {
            code: StatusCode::$code,
            meaning: $meaning,
            developer: $developer,
            operator: $operator,
            retry: Retry::$retry,
            example: Example { edits: $edits, setup: $setup },
        },)*];
    };
}

pages! {
    Success {
        "The request passed every check, and the message is on disk. From here on it ends in exactly one delivery status, whatever crashes."
        developer "Keep the MessageID: every report names it. Repeating the same request under the same TransactionID within 24 hours gets the same MessageID and sends nothing twice."
        operator "Nothing."
        retry Unneeded
        example &[], NOTHING;
    }
    ClientError {
        "The request came from an address that the account does not allow, or without HTTPS where the account asks for it."
        developer "Send from the addresses that you agreed on with the operator, and to the https URL. Behind NAT it is the outer address that counts."
        operator "Compare `allowed_ips` and `require_tls` of the account with where the request came from; behind a proxy, `trusted_proxies` must name the proxy or its address is the one that is seen."
        retry Provisioned
        example &[], account!("allowed_ips = [\"192.0.2.0/24\"]");
    }
    AddressError {
        "The recipient is not an international number. In relay mode and on reports: the carrier says that it does not know the address."
        developer "Write country code and number as 7 to 15 digits that do not begin with 0: 16175550100. Leave out blanks, dashes, 00 and trunk zeros; + and /TYPE=PLMN are taken by lenient dialects only."
        operator "If numbers that look right are refused by a carrier, ask it in which form it wants them."
        retry Changed
        example number!("617555"), NOTHING;
    }
    MultimediaRefused {
        "The recipient's carrier does not take the media: too large, or of a type that it does not accept."
        developer "Send smaller media, or JPEG, GIF, plain text and SMIL, which nearly every carrier takes. Most take up to 1 MB."
        operator "`max_message_bytes` and `content_types` of the carrier decide; where the carrier itself refused, the timeline has its words."
        retry Changed
        example &[], Setup {
            words: "`content_types = [\"image/*\"]` in [[carrier]]",
            edits: &[("name = \"Simulated carrier\"\n", "name = \"Simulated carrier\"\ncontent_types = [\"image/*\"]\n")],
        };
    }
    UnableToParse {
        "The SOAP envelope cannot be read: not well-formed XML, of no known encoding, with a DOCTYPE, or beyond a limit (64 levels, 128 attributes, 64 KB a text, 1 MB in all). A strict dialect also refuses with it what the schema forbids."
        developer "Run `posthouse lint` on the request: it names line and column. Let an XML library write the envelope; string templates break at the first & in a subject."
        operator "Nothing, unless a strict dialect is more than this VASP can do: `dialect = \"posthouse\"` reads what can be understood."
        retry Changed
        example &[("<Subject>Hello</Subject>", "<Subject>Fish & chips</Subject>")], NOTHING;
    }
    InvalidHttpHeader {
        "The HTTP head does not say what the body is or how long it is. Nothing of the body was looked at."
        developer "Send Content-Type: multipart/related with its boundary (or text/xml for an envelope alone) and a Content-Length in bytes, and no Content-Encoding: the body goes as it is. Chunked bodies are taken in the default dialect alone: elsewhere turn chunking off in your HTTP client. `posthouse lint` names the line of an HTTP head that cannot be read."
        operator "If a proxy stands in between, see whether it drops Content-Length, sends chunks, or compresses. The gateway's log says which of these it was."
        retry Changed
        example &[("multipart/related", "multipart/form-data")], NOTHING;
    }
    MissingDestination {
        "There is no recipient: Recipients is missing, or has no address in it."
        developer "Put the number into Recipients/To/Number, in the namespace of the SubmitReq. An address marked displayOnly does not count."
        operator "Nothing."
        retry Changed
        example &[("      <Recipients><To><Number>16175550100</Number></To></Recipients>\n", "")], NOTHING;
    }
    MultipleDestinations {
        "There is more than one recipient. A request is for one handset."
        developer "Send a request of its own to each recipient, each with a TransactionID of its own. To, Cc and Bcc count alike."
        operator "Nothing."
        retry Changed
        example &[("</Number></To>", "</Number><Number>16175550101</Number></To>")], NOTHING;
    }
    MissingSource {
        "There is no sender: SenderAddress is missing or empty."
        developer "Put your short code or number into SenderIdentification/SenderAddress, as a ShortCode, Number or RFC2822Address."
        operator "Nothing."
        retry Changed
        example &[("        <SenderAddress><ShortCode>111122</ShortCode></SenderAddress>\n", "")], NOTHING;
    }
    UnsupportedVersion {
        "MM7Version is missing, not of the form x.y.z, or not one that the account's dialect takes."
        developer "Write the version of TS 23.140 that you follow as the first element of SubmitReq: 6.8.0 with REL-6-MM7-1-4, 5.3.0 with REL-5-MM7-1-0. From 5.2.0 to 6.10.0 everything is taken by the default dialect, 5.3.0 to 6.8.0 by skycore and sinch."
        operator "If the VASP cannot write another version, a dialect that takes it."
        retry Changed
        example &[("<MM7Version>6.8.0</MM7Version>", "<MM7Version>6.8</MM7Version>")], NOTHING;
    }
    MissingContent {
        "The SubmitReq has no Content element, so that nothing says what the message is, even where parts came along."
        developer "End the SubmitReq with <Content href=\"cid:…\"/>, with the Content-ID of the part that is the content."
        operator "Nothing; `dialect = \"cmcc\"` takes the only part that came along."
        retry Changed
        example &[("      <Content href=\"cid:hello\"/>\n", "")], NOTHING;
    }
    UnsupportedNamespace {
        "An MM7 element is in a namespace that is not MM7's. Lenient dialects forgive names of the right form that never existed, and none at all."
        developer "Declare http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4 (or REL-5-MM7-1-0 to REL-6-MM7-1-4) on SubmitReq and on TransactionID, letter for letter."
        operator "Nothing, or a more lenient dialect."
        retry Changed
        example &[("<SubmitReq xmlns=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\">", "<SubmitReq xmlns=\"http://example.com/mm7\">")], NOTHING;
    }
    InvalidSoapHeader {
        "The body is no SOAP envelope, or its Header has no usable TransactionID, or has an entry that must be understood and is not."
        developer "Send a SOAP 1.1 Envelope whose Header holds one TransactionID, with a text of yours of at most 512 bytes, and nothing else that is marked mustUnderstand. Drop WS-Security and addressing headers."
        operator "Nothing, or a dialect that takes other header entries beside TransactionID."
        retry Changed
        example &[("    <TransactionID xmlns=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\" soapenv:mustUnderstand=\"1\">t-1</TransactionID>\n", "")], NOTHING;
    }
    InvalidSoapBody {
        "The envelope has no Body, an empty one, or more than one operation in it."
        developer "Put exactly one SubmitReq into the Body. Send several messages as several requests."
        operator "Nothing."
        retry Changed
        example &[("    </SubmitReq>\n", "    </SubmitReq>\n    <CancelReq/>\n")], NOTHING;
    }
    UnsupportedOperation {
        "The operation is not SubmitReq: CancelReq, ReplaceReq and the rest of MM7 are not taken from VASPs, nor is anything that MM7 does not know."
        developer "Send SubmitReq; the name is case-sensitive. A message that was accepted cannot be taken back."
        operator "If reports arrive here, the carrier posts to the VASPs' door: its URL is /carriers/ID/mm7 on the carriers' port."
        retry Changed
        example &[("<SubmitReq ", "<SubmitRequest "), ("</SubmitReq>", "</SubmitRequest>")], NOTHING;
    }
    UnparsableAttachment {
        "The content cannot be read: a boundary is wrong or the last one missing, base64 is broken, Content/@href or the SMIL names a part that is not there, or there are more than 256 parts or 8 levels."
        developer "Run `posthouse lint`: it names the byte. The usual causes: the body was cut off (check the closing --boundary--), text was base64-labelled without being it, or the Content-ID and the cid: differ by a character."
        operator "If it happens to every VASP behind one proxy, the proxy changes bodies. A dialect that requires SMIL (sinch) refuses with it what has none."
        retry Changed
        example &[("Content-ID: <hello>\n", "Content-ID: <hello>\nContent-Transfer-Encoding: base64\n")], NOTHING;
    }
    InvalidAttachmentContentType {
        "An attachment has no Content-Type, or one that is not of the form type/subtype."
        developer "Label every part: image/jpeg, image/png, text/plain; charset=utf-8, application/smil."
        operator "Nothing."
        retry Changed
        example &[("Content-Type: text/plain; charset=utf-8\n", "Content-Type: text\n")], NOTHING;
    }
    InvalidSoapPartContentType {
        "The part with the SOAP envelope is not labelled as XML, so that it is not taken for one. `start` of the Content-Type may also name the wrong part."
        developer "Give the first part Content-Type: text/xml; charset=utf-8, and let `start` name its Content-ID, or leave `start` out."
        operator "Nothing."
        retry Changed
        example &[("Content-Type: text/xml; charset=utf-8\n", "Content-Type: text/html\n")], NOTHING;
    }
    AccountDisabled {
        "The account is disabled: nothing is taken from it."
        developer "Ask the operator. Nothing in the request is wrong."
        operator "`status = \"active\"` in the account, then `posthouse apply`."
        retry Provisioned
        example &[], account!("status = \"disabled\"");
    }
    AccountNotProvisionedForMm7 {
        "The account exists, but MM7 is not switched on for it."
        developer "Ask the operator for MM7, or use the interface that you have."
        operator "`mm7 = true` in the account, then `posthouse apply`."
        retry Provisioned
        example &[], account!("mm7 = false");
    }
    ContentLengthExceeded {
        "The request is longer than the gateway takes at all, or than this account may send. It was refused without being read to its end."
        developer "Send smaller media. A base64 part is a third larger than its content; send parts as binary."
        operator "`max_request_bytes` in posthouse.toml is for everybody (5 MiB if it is not set), `max_message_bytes` for an account (1 MiB)."
        retry Changed
        example &[("Content-Length: {length}", "Content-Length: 99999999")], NOTHING;
    }
    InvalidSenderIdentification {
        "SenderIdentification is missing, or has no VASPID: nobody can tell whose request it is."
        developer "Put your VASPID (the API key) first in SenderIdentification, in the namespace of SubmitReq."
        operator "Nothing."
        retry Changed
        example &[("        <VASPID>acme-api-key</VASPID>\n", "")], NOTHING;
    }
    InvalidVasId {
        "The VASID is none of the account's services; or it is missing, and the account has no default service."
        developer "Write the VASID of your service as the operator gave it to you, without blanks."
        operator "Compare with [[account.service]]; `default = true` names the service for requests without VASID."
        retry Changed
        example &[("<VASID>61295</VASID>", "<VASID>99999</VASID>")], NOTHING;
    }
    InvalidSource {
        "The sender is not one that the service may use."
        developer "Send from a short code or number of this service; a short code of another service of yours does not count."
        operator "Add it to `senders` of the service, if it is the VASP's."
        retry Changed
        example &[("<ShortCode>111122</ShortCode>", "<ShortCode>333344</ShortCode>")], NOTHING;
    }
    InvalidVaspId {
        "No account has this VASPID."
        developer "Check the API key: whole, without blanks, of this environment and not of the test system."
        operator "Keys are kept as hashes, with a prefix to recognise them by. `posthouse apply` of another key takes effect within a second."
        retry Changed
        example &[("<VASPID>acme-api-key</VASPID>", "<VASPID>not-an-api-key</VASPID>")], NOTHING;
    }
    ReplyChargingNotSupported {
        "ReplyCharging is in the request. Paying for the reply is not offered."
        developer "Leave ReplyCharging out, with its attributes."
        operator "Nothing."
        retry Changed
        example &[("      <Subject>Hello</Subject>", "      <ReplyCharging/>\n      <Subject>Hello</Subject>")], NOTHING;
    }
    InvalidCarrier {
        "The header that names the carrier has an id that is not known."
        developer "Write the id as the operator lists it: leading zeros count. Without the header the gateway finds the carrier by the number."
        operator "Compare with `id` and `aliases` of [[carrier]]."
        retry Changed
        example &[("SOAPAction: \"\"\n", "SOAPAction: \"\"\nX-Posthouse-Carrier-Id: 99999\n")], NOTHING;
    }
    MissingCarrierId {
        "The account must name the carrier of each recipient, and this request does not."
        developer "Send the header X-Posthouse-Carrier-Id (or the one that your operator configured) with the carrier's id."
        operator "`require_carrier_id` of the account asks for it; `carrier_id_header` in posthouse.toml is its name."
        retry Changed
        example &[], account!("require_carrier_id = true");
    }
    UnableToAuthenticate {
        "User name or password are wrong, or missing where the account asks for them; or there were too many wrong tries from this address, and even the right ones are refused for a minute."
        developer "Send Authorization: Basic with base64 of user:password in UTF-8, with each request. Where there is no Authorization at all, the dialect posthouse answers HTTP 401 with WWW-Authenticate beside the Fault, so that stacks log in that wait to be asked. Stop retrying until the password is right."
        operator "`basic_auth` of the account. Passwords are kept as hashes: set a new one if nobody knows it."
        retry Changed
        example &[], account!("basic_auth = { username = \"acme\", password = \"s3cret\" }");
    }
    LookupDown {
        "The service that knows which carrier has a number did not answer in time, and the number was not in the cache."
        developer "Retry after a minute. A request that names its carrier in the header needs no lookup."
        operator "[lookup] has the URL and the timeout; see whether the service answers. Numbers that were looked up within `cache` are not asked for."
        retry Later
        example &[], Setup {
            words: "[lookup] with `provider = \"http\"` and a `url` where nothing listens",
            edits: &[("[[range]]\n", "[lookup]\nprovider = \"http\"\nurl = \"http://127.0.0.1:9/lookup/{msisdn}\"\ntimeout = \"500ms\"\n[[range]]\n")],
        };
    }
    CarrierNotProvisioned {
        "The number belongs to no carrier of this gateway, or to one that the service does not reach."
        developer "Check the country code. If it is right, ask the operator whether your service reaches that network."
        operator "See which carrier the number has ([[range]] or the lookup), and `carriers` of the service."
        retry Provisioned
        example number!("447700900100"), NOTHING;
    }
    SystemError {
        "Something of the gateway's own broke: its store, its disk, a bug. The message was not accepted."
        developer "Retry after a minute with the same TransactionID: if the first try got through after all, you get its answer and nothing is sent twice."
        operator "The log has the cause at level ERROR. A full disk is answered 3510, not this."
        retry Later
        example &[("t-1</TransactionID>", "broken-1</TransactionID>")], Setup {
            words: "a store that fails: no request raises it by itself",
            edits: &[],
        };
    }
    NumberBlacklisted {
        "The recipient is on the blacklist, for this account or for all: it wants no messages."
        developer "Take the number off your lists. Do not retry, and do not try another sender."
        operator "[[blacklist]] in provisioning; `account` limits an entry to one VASP."
        retry Never
        example number!("16175550199"), NOTHING;
    }
    ChargedPartyNotSupported {
        "ChargedParty or ChargedPartyID is in the request. Who pays is fixed by contract and not by request."
        developer "Leave both elements out, whatever their value."
        operator "Nothing."
        retry Changed
        example &[("      <Content href", "      <ChargedParty>Sender</ChargedParty>\n      <Content href")], NOTHING;
    }
    MultimediaDownloadFailed {
        "Content that the request names by URL could not be fetched: the scheme or address is not allowed, the server answered an error, or it was too large or too slow."
        developer "Serve the content at a public http or https URL that answers 200 within seconds, or send it along as a part."
        operator "The log says which URL's host and why (the VASP is never told). [fetch] has time, size and the private networks that are allowed."
        retry Later
        example &[("href=\"cid:hello\"", "href=\"http://127.0.0.1:9/hello.jpg\"")], NOTHING;
    }
    Timeout {
        "Relay mode: the carrier did not answer in time, or no connection to it could be made. It may have the message all the same."
        developer "The handset may get the message. Retry only if a second copy does no harm."
        operator "`relay_timeout` of the account and `timeout` of the connection; the timeline says which attempts were made."
        retry Perhaps
        example number!("16175553500"), Setup {
            words: "`submit_mode = \"relay\"` in [[account]], and `posthouse simulate` as the carrier",
            edits: &[("vaspid = \"acme-api-key\"\n", "vaspid = \"acme-api-key\"\nsubmit_mode = \"relay\"\nrelay_timeout = \"500ms\"\n")],
        };
    }
    ThroughputExceeded {
        "The account sends more than was agreed, or the gateway has more to do than it can, or no room left. HTTP Retry-After says how many seconds to wait."
        developer "Wait as long as Retry-After says, then send on, slower. Spread peaks instead of sending in bursts."
        operator "`throughput` of the account. If no account is over its throughput, the gateway is short of memory, disk or time: see the log and the metrics."
        retry Later
        example &[], Setup {
            words: "`throughput = { per_second = 1, burst = 1 }` in [[account]], and the request sent twice at once",
            edits: &[("vaspid = \"acme-api-key\"\n", "vaspid = \"acme-api-key\"\nthroughput = { per_second = 1, burst = 1 }\n")],
        };
    }
    ProvisioningIssue {
        "The recipient's carrier cannot be used: no connection is provisioned, or the carrier refuses the gateway's own credentials, address or URL."
        developer "Tell your account manager. Nothing in the request is wrong."
        operator "See [[carrier.connection]]: url, basic_auth, vaspid. A carrier that answers 401, 403, 404, 2001, 2008 or 4001 puts its connection aside; a change of it is tried at once."
        retry Provisioned
        example &[], Setup {
            words: "a [[carrier]] without [[carrier.connection]]",
            edits: &[("[[carrier.connection]]\nname = \"sim-1\"\nurl = \"http://127.0.0.1:9101/mm7\"\nvaspid = \"posthouse\"\nvasid = \"gw\"\n", "")],
        };
    }
    GeneralServiceError {
        "The carrier refused the message for a reason that none of the other codes tells."
        developer "Do not repeat it as it is. If all messages to one carrier fail so, tell the operator."
        operator "The timeline has the carrier's own code and words; what they mean, only the carrier knows."
        retry Never
        example number!("16175554000"), RELAYED;
    }
    UnsupportedMm7Version {
        "The carrier does not take the MM7Version that the gateway writes to it."
        developer "Tell the operator: the version to the carrier is not the one in your request."
        operator "`dialect` of the connection, and the version that the carrier asks for."
        retry Provisioned
        example number!("16175554002"), RELAYED;
    }
    CarrierUnsupportedOperation {
        "The carrier does not support the operation, or the form in which it came."
        developer "Tell the operator. Plain messages (one picture, one text, a SMIL) are the ones that carriers always take."
        operator "See the timeline for the carrier's words, and `dialect` of the connection."
        retry Never
        example number!("16175554003"), RELAYED;
    }
    ValidationError {
        "The carrier found the message invalid by its own rules."
        developer "Look for what is unusual: characters in the subject, media types, a SMIL written by hand. Then try a plain message."
        operator "The timeline has the carrier's Details, which often name the element."
        retry Changed
        example number!("16175554004"), RELAYED;
    }
    ServiceUnavailable {
        "The carrier is busy or down. In queue mode the gateway tries again by itself till ExpiryDate; this code is an answer in relay mode only."
        developer "Retry after a minute, then less and less often."
        operator "The metrics by carrier show since when. What waits for a carrier goes out as soon as it is back."
        retry Later
        example number!("16175554006"), RELAYED;
    }
    ServiceDenied {
        "The carrier denies service to this recipient: no MMS subscription, barred, or opted out."
        developer "Take the number off your lists, or reach it by SMS."
        operator "Nothing, unless all numbers of a carrier are denied: then the carrier has not opened the short code."
        retry Never
        example number!("16175554007"), RELAYED;
    }
}

/// Of a delivery status: what it means, what the developer and the operator do, and a number that a simulated carrier
/// ends so for.
macro_rules! statuses {
    ($($status:ident {
        $meaning:literal
        developer $developer:literal
        operator $operator:literal
        retry $retry:ident
        number $number:literal
    })*) => {
        /// Every delivery status of the table.
        pub static STATUS_PAGES: &[StatusPage] = &[$(StatusPage {
            status: MmStatus::$status,
            meaning: $meaning,
            developer: $developer,
            operator: $operator,
            retry: Retry::$retry,
            number: $number,
        },)*];
    };
}

statuses! {
    Deferred {
        "The handset knows that there is a message and has not fetched it yet: switched off, roaming, or set to ask first. Another report follows."
        developer "Wait. Count nothing yet."
        operator "Nothing."
        retry Unneeded
        number "16175559004"
    }
    Expired {
        "The message was not fetched, or no carrier took it, before its ExpiryDate. It is over."
        developer "Send it again only if it still matters; a longer ExpiryDate gives handsets that are off more time."
        operator "Where it expired here and not at the carrier, the timeline shows the attempts: see whether the carrier was down."
        retry Perhaps
        number "16175559002"
    }
    Forwarded {
        "The carrier took the message. Another report follows when it knows more, unless the carrier sends none."
        developer "Wait for the last report. If none comes within `report_timeout`, Indeterminate follows."
        operator "Nothing."
        retry Unneeded
        number "16175550100"
    }
    Indeterminate {
        "Nobody knows what became of the message: the carrier says so, sent a status that is not known, or sent none in time."
        developer "Treat it as neither delivered nor failed. A second copy may reach a handset that has the first."
        operator "If a carrier never sends reports, shorten its `report_timeout`; if it sends a status that is not known, the timeline has its spelling."
        retry Perhaps
        number "16175559005"
    }
    NotSupported {
        "The carrier does not support the request: its version, or an operation or form of it."
        developer "Tell the operator: the next one will fare no better."
        operator "`dialect` of the carrier's connection; X-Posthouse-Reason and the timeline have the code."
        retry Provisioned
        number "16175554003"
    }
    Rejected {
        "The carrier, or the gateway for it, refused the message for good. The HTTP header X-Posthouse-Reason says which code."
        developer "Read X-Posthouse-Reason: `posthouse codes CODE` says what to do."
        operator "The timeline has the carrier's own words."
        retry Changed
        number "16175554007"
    }
    Retrieved {
        "The handset has the message and has acknowledged it. StatusText is Success."
        developer "Count it as delivered. Whether a person looked at it is another matter."
        operator "Nothing."
        retry Unneeded
        number "16175559001"
    }
    Unreachable {
        "The network or the subscriber cannot be reached: the carrier says so, or no connection to the carrier could be made till ExpiryDate."
        developer "Try later, or another channel."
        operator "Where it ended here, the carrier was down for as long as the message lived: see its connections."
        retry Later
        number "16175559007"
    }
    Unrecognized {
        "The handset does not understand the content, or cannot do MMS."
        developer "Send simpler media: one JPEG, plain text. Or send an SMS with a link."
        operator "Nothing."
        retry Changed
        number "16175559006"
    }
}
