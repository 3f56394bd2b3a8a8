//! One test for each row of contract 4.1, over real HTTP and in every dialect.

use super::refusals::{Case, run};
use posthouse_testing::request::{DeclaredLength, RawPart, RawRequest};

const BASE: &str = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/";
const REL_6_1_4: &str = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";

fn content_type(value: &'static str) -> impl Fn(&mut RawRequest) {
    move |request| request.content_type = Some(value.to_owned())
}

fn content_length(value: &'static str) -> impl Fn(&mut RawRequest) {
    move |request| request.content_length = DeclaredLength::Says(value.to_owned())
}

/// A request that is nothing but an envelope, without Content.
fn bare(content_type: &'static str) -> impl Fn(&mut RawRequest) {
    move |request| {
        request.without("Content");
        request.content_type = Some(content_type.to_owned());
        request.body = Some(request.envelope().into_bytes());
    }
}

#[tokio::test]
async fn row_1_content_type_and_content_length() {
    let mut cases = vec![
        Case::new("no Content-Type", 2500, |request| request.content_type = None),
        Case::new("no Content-Length", 2500, |request| {
            request.content_length = DeclaredLength::Missing;
            request.body = Some(Vec::new());
        }),
        // Readers may go by either (RFC 9112 clause 6.3).
        Case::new("a length, and chunks", 2500, |request| request.chunked = true),
        Case::new("compressed chunks", 2500, |request| {
            request.content_length = DeclaredLength::Missing;
            request.header("Transfer-Encoding", "gzip, chunked");
        }),
        Case::new("an encoded body", 2500, |request| {
            request.header("Content-Encoding", "gzip");
        }),
        Case::new("two lengths", 2500, |request| {
            request.header("Content-Length", "1");
        }),
    ];
    for wrong in [
        "text/plain",
        "application/xop+xml",
        "multipart/mixed; boundary=x",
        "multipart/form-data; boundary=x",
        "multipart/related",
        "multipart/related; boundary=\"\"",
        "multipart",
        "",
        "application/octet-stream",
        "text/xml, text/xml",
    ] {
        cases.push(Case::new(wrong, 2500, content_type(wrong)));
    }
    for wrong in ["abc", "-1", "1.5", "0x10", "", "99999999999999999999", "1 2"] {
        cases.push(Case::new(wrong, 2500, content_length(wrong)));
    }
    run(1, cases.into_iter().map(Case::unread).collect()).await;
}

#[tokio::test]
async fn row_1_chunks_are_taken_where_the_dialect_is_lenient() {
    let chunked = |request: &mut RawRequest| {
        request.content_length = DeclaredLength::Missing;
        request.chunked = true;
    };
    run(
        1,
        vec![
            Case::by_dialect("chunks", [1000, 2500, 2500, 2500], chunked),
            // Told in the order of the rows, once it is known whose request it is.
            Case::by_dialect("chunks, and a ChargedPartyID", [3002, 2500, 2500, 2500], move |request| {
                chunked(request);
                request.element("ChargedPartyID", "1");
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_1_bare_envelopes_are_read() {
    let cases =
        ["text/xml", "application/xml; charset=utf-8", "application/soap+xml", "TEXT/XML;charset=\"utf-8\""];
    run(21, cases.into_iter().map(|wrong| Case::new(wrong, 2506, bare(wrong))).collect()).await;
}

#[tokio::test]
async fn row_2_longer_than_the_gateway_takes() {
    let over = 5 * 1024 * 1024 + 1;
    run(
        2,
        vec![
            Case::new("a length over the limit, of which nothing comes", 2560, move |request| {
                request.content_length = DeclaredLength::Says(over.to_string());
                request.body = Some(Vec::new());
            })
            .unread(),
            Case::new("a length over the limit, and all of it", 2560, move |request| {
                request.body = Some(vec![b' '; over]);
            })
            .unread(),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_3_content_type_of_the_root_part() {
    let root = |head: &'static str| {
        move |request: &mut RawRequest| request.root_head = format!("{head}Content-ID: <mm7>\r\n")
    };
    run(
        3,
        vec![
            Case::new("none", 2515, root("")).anonymous(),
            Case::new("text", 2515, root("Content-Type: text/plain\r\n")).anonymous(),
            Case::new("an image", 2515, root("Content-Type: image/jpeg\r\n")).anonymous(),
            Case::new("malformed", 2515, root("Content-Type: xml\r\n")).anonymous(),
            Case::new("empty", 2515, root("Content-Type:\r\n")).anonymous(),
            Case::new("no part at all", 2515, |request| request.body = Some(b"--=_outer--\r\n".to_vec()))
                .unread(),
            Case::new("an empty body", 2515, |request| request.body = Some(Vec::new())).unread(),
            Case::new("another boundary", 2515, content_type("multipart/related; boundary=other")).unread(),
            Case::new("what MTOM stacks write", 1000, |request| {
                request.content_type = Some(
                    "multipart/related; type=\"application/xop+xml\"; start=\"<mm7>\"; \
                     start-info=\"text/xml\"; boundary=\"=_outer\""
                        .to_owned(),
                );
                request.root_head = "Content-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\n\
                                     Content-ID: <mm7>\r\n"
                    .to_owned();
            }),
            Case::new("any other XML", 1000, root("Content-Type: Application/Vnd.Example+XML\r\n")),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_4_the_envelope_is_xml_within_limits() {
    let envelope = |change: fn(String) -> String| {
        move |request: &mut RawRequest| {
            let whole = request.body();
            let old = request.envelope();
            let at = whole.windows(old.len()).position(|window| window == old.as_bytes()).unwrap();
            let new = change(old.clone());
            request.body = Some([&whole[..at], new.as_bytes(), &whole[at + old.len()..]].concat());
        }
    };
    let subject = |subject: &'static str| {
        move |request: &mut RawRequest| {
            request.element("Subject", subject);
        }
    };
    let nested = |levels: usize| "<a>".repeat(levels) + &"</a>".repeat(levels);
    let cases = vec![
        Case::new("an open ampersand", 2007, subject("Tom & Jerry")),
        Case::new("an entity that is not known", 2007, subject("Tom &und; Jerry")),
        Case::new("a tag that is not closed", 2007, subject("<b>")),
        Case::new("a NUL", 2007, subject("\0")),
        Case::new("a character reference to a NUL", 2007, subject("&#0;")),
        Case::new("half of it", 2007, envelope(|xml| xml[..xml.len() / 2].to_owned())),
        Case::new("something behind it", 2007, envelope(|xml| xml + "<more/>")),
        Case::new("65 levels", 2007, move |request| {
            request.element("Subject", &nested(65 - 4));
        }),
        Case::new("129 attributes", 2007, |request| {
            let attributes: String = (0..129).map(|n| format!(" a{n}=\"\"")).collect();
            request.raw_element("Subject", &format!("<Subject{attributes}>Hello</Subject>"));
        }),
        Case::new("a text of 64 KiB and one", 2007, |request| {
            request.element("Subject", &"x".repeat(64 * 1024 + 1));
        }),
        Case::new("another namespace", 2007, |request| {
            request.written_in(&format!("{BASE}REL-5-MM7-1-2"), "5.6.0").element("Subject", "&");
        })
        .answered_in("http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-5-MM7-1-2", "5.3.0"),
        Case::new("more than 1 MiB", 2007, |request| {
            request.element("Subject", &"<a/>".repeat(256 * 1024));
        })
        .account("max_message_bytes = 5000000\n"),
    ];
    let unread = vec![
        Case::new("nothing", 2007, envelope(|_| String::new())),
        Case::new("text", 2007, envelope(|_| "Hello".to_owned())),
        Case::new("a DOCTYPE", 2007, envelope(|xml| xml.replace("?>", "?><!DOCTYPE e>"))),
        Case::new("bytes of no known encoding", 2007, |request| {
            request.root_head = request.root_head.replace("utf-8", "EBCDIC-7");
            request.element("Subject", "Caf@");
            request.body =
                Some(request.body().into_iter().map(|byte| if byte == b'@' { 0xe9 } else { byte }).collect());
        }),
        Case::new("a fault in the TransactionID", 2007, |request| {
            request.transaction_id("t & 1");
        }),
        Case::new("more than 1 MiB before the Header", 2007, |request| {
            request.prolog += &format!("<!--{}-->", "x".repeat(1024 * 1024));
        })
        .account("max_message_bytes = 5000000\n"),
    ];
    // What stands before the fault is read, but does not say whose it is.
    let read = cases.into_iter().map(Case::anonymous);
    run(4, read.chain(unread.into_iter().map(Case::unread)).collect()).await;
}

#[tokio::test]
async fn row_4_the_limits_themselves_are_taken() {
    run(
        4,
        vec![
            Case::new("a text of 64 KiB", 1000, |request| {
                request.element("Subject", &"x".repeat(64 * 1024));
            }),
            Case::new("a label that is not known on UTF-8", 1000, |request| {
                request.root_head = request.root_head.replace("utf-8", "EBCDIC-7");
            }),
            Case::by_dialect("64 levels", [1000, 1000, 1000, 2007], |request| {
                let more = "<a>".repeat(64 - 3) + &"</a>".repeat(64 - 3);
                request.raw_element("Subject", &format!("<Subject/>{more}"));
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_5_the_soap_header() {
    let header =
        |header: &'static str| move |request: &mut RawRequest| request.soap_header = Some(header.to_owned());
    let beside = |entry: &'static str| {
        move |request: &mut RawRequest| {
            request.soap_header = request.soap_header.take().map(|header| header + entry);
        }
    };
    run(
        5,
        vec![
            Case::new("no Header", 2510, |request| request.soap_header = None).without_transaction(),
            Case::new("an empty Header", 2510, header("")).without_transaction(),
            Case::new("an empty TransactionID", 2510, |request| {
                request.transaction_id("");
            })
            .without_transaction(),
            Case::new("a blank TransactionID", 2510, |request| {
                request.transaction_id(" \n ");
            })
            .without_transaction(),
            Case::new("a TransactionID of 513 bytes", 2510, |request| {
                request.transaction_id(&"t".repeat(513));
            })
            .without_transaction(),
            Case::new(
                "another entry that must be understood",
                2510,
                beside("<a soap:mustUnderstand=\"1\"/>"),
            ),
            Case::by_dialect("another entry", [1000, 2510, 2510, 1000], beside("<a/>")),
            Case::new("not a SOAP envelope", 2510, |request| {
                let envelope = request.envelope().replace("soap:Envelope", "soap:Letter");
                request.content_type = Some("text/xml".to_owned());
                request.body = Some(envelope.into_bytes());
            })
            .anonymous_without_transaction(),
            Case::by_dialect("an envelope of SOAP 1.2", [2513, 2510, 2510, 2510], |request| {
                let soap_1_2 = "http://www.w3.org/2003/05/soap-envelope";
                let envelope =
                    request.envelope().replace("http://schemas.xmlsoap.org/soap/envelope/", soap_1_2);
                request.content_type = Some("text/xml".to_owned());
                request.body = Some(envelope.into_bytes());
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_6_the_soap_body() {
    run(
        6,
        vec![
            Case::new("no Body", 2511, |request| {
                let header = request.soap_header.clone().unwrap();
                request.content_type = Some("text/xml".to_owned());
                let soap = "http://schemas.xmlsoap.org/soap/envelope/";
                let envelope = format!(
                    "<soap:Envelope xmlns:soap=\"{soap}\"><soap:Header>{header}</soap:Header></soap:Envelope>"
                );
                request.body = Some(envelope.into_bytes());
            })
            .anonymous(),
            Case::new("an empty Body", 2511, |request| request.operation = String::new()).anonymous(),
            Case::new("a blank Body", 2511, |request| {
                request.operation = String::new();
                request.behind_operation = " \n ".to_owned();
            })
            .anonymous(),
            Case::new("two operations", 2511, |request| {
                request.behind_operation = "<SubmitReq/>".to_owned();
            }),
            Case::new("something behind the operation", 2511, |request| {
                request.behind_operation = "<more/>".to_owned();
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_7_namespaces() {
    let written_in = |namespace: String, version: &'static str| {
        move |request: &mut RawRequest| {
            request.written_in(&namespace, version);
        }
    };
    let in_known = |name: &str, version| written_in(format!("{BASE}{name}"), version);
    run(
        7,
        vec![
            Case::new("a foreign one", 2507, written_in("urn:example".to_owned(), "6.8.0"))
                .answered_in(REL_6_1_4, "6.8.0"),
            Case::new("nearly one of MM7's", 2507, in_known("REL-4-MM7-1-0", "6.8.0"))
                .answered_in(REL_6_1_4, "6.8.0"),
            Case::by_dialect(
                "one that never existed",
                [1000, 2507, 2507, 2507],
                in_known("REL-6-MM7-6-7", "6.8.0"),
            ),
            Case::by_dialect("none", [1000, 2507, 2507, 2507], |request| {
                request.written_in("", "6.8.0");
            })
            .answered_in(REL_6_1_4, "6.8.0"),
            Case::new("REL-5-MM7-1-0", 1000, in_known("REL-5-MM7-1-0", "5.3.0")),
            Case::new("REL-5-MM7-1-5", 1000, in_known("REL-5-MM7-1-5", "5.8.0")),
            Case::new("REL-6-MM7-1-0", 1000, in_known("REL-6-MM7-1-0", "6.5.0")),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_8_operations() {
    let operations = [
        "CancelReq",
        "ReplaceReq",
        "extendedCancelReq",
        "DeliverReq",
        "DeliveryReportReq",
        "SubmitRsp",
        "Hello",
        "Fault",
    ];
    let case = |name: &'static str| Case::new(name, 2512, move |request| request.operation = name.to_owned());
    run(8, operations.map(case).into()).await;
}

#[tokio::test]
async fn row_9_the_version() {
    let version =
        |version: &'static str| move |request: &mut RawRequest| request.version = Some(version.to_owned());
    let refused = |text: &'static str| Case::new(text, 2505, version(text)).answered_in(REL_6_1_4, "6.8.0");
    run(
        9,
        vec![
            Case::new("none", 2505, |request| request.version = None).answered_in(REL_6_1_4, "6.8.0"),
            refused(""),
            refused("6.8"),
            refused("6.8.0.1"),
            refused("six"),
            refused("6,8,0"),
            refused("4.0.0"),
            refused("5.1.0"),
            refused("6.11.0"),
            refused("7.0.0"),
            Case::by_dialect("5.2.0", [1000, 2505, 2505, 2505], version("5.2.0"))
                .answered_in(REL_6_1_4, "6.8.0"),
            Case::by_dialect("6.10.0", [1000, 2505, 2505, 1000], version("6.10.0")),
            Case::by_dialect("6.9.0", [1000, 2505, 2505, 1000], version("6.9.0")),
            Case::by_dialect("6.8.0 in a Release 5 namespace", [1000, 1000, 1000, 2505], |request| {
                request.written_in(&format!("{BASE}REL-5-MM7-1-0"), "6.8.0");
            })
            .answered_in(
                "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-5-MM7-1-0",
                "5.3.0",
            ),
            Case::by_dialect("a padded one", [1000, 1000, 1000, 2007], version(" 6.8.0 "))
                .answered_in(REL_6_1_4, "6.8.0"),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_9_what_the_schema_forbids() {
    let element = |name: &'static str, content: &'static str| {
        move |request: &mut RawRequest| {
            request.element(name, content);
        }
    };
    let by_schema =
        |what, spoil: Box<dyn Fn(&mut RawRequest)>| Case::by_dialect(what, [1000, 1000, 1000, 2007], spoil);
    run(
        9,
        vec![
            by_schema(
                "another order",
                Box::new(|request| {
                    request.element("Subject", "Hello");
                    request.elements.reverse();
                }),
            ),
            by_schema(
                "an element that is not known",
                Box::new(|request| {
                    request.raw_element("Subject", "<Subject/><Object/>");
                }),
            ),
            by_schema(
                "an element twice",
                Box::new(|request| {
                    request.raw_element("Subject", "<Subject>Hello</Subject><Subject>Hello</Subject>");
                }),
            ),
            by_schema(
                "a child in no namespace",
                Box::new(|request| {
                    request.raw_element("Subject", "<Subject xmlns=\"\">Hello</Subject>");
                }),
            ),
            by_schema("a value that is not of its type", Box::new(element("Priority", "Urgent"))),
            by_schema("a boolean in another case", Box::new(element("DeliveryReport", "True"))),
            by_schema("a boolean in words", Box::new(element("DeliveryReport", "no"))),
            by_schema(
                "values that are said to be none",
                Box::new(|request| {
                    let nil = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"";
                    request
                        .raw_element("ReplyCharging", &format!("<ReplyCharging {nil}/>"))
                        .raw_element("ChargedParty", &format!("<ChargedParty {nil}></ChargedParty>"))
                        .raw_element("Subject", &format!("<Subject {nil}/>"));
                }),
            ),
            by_schema(
                "a Content with an Include of XOP",
                Box::new(|request| {
                    let include =
                        "<i:Include xmlns:i=\"http://www.w3.org/2004/08/xop/include\" href=\"cid:payload\"/>";
                    request.raw_element("Content", &format!("<Content>{include}</Content>"));
                }),
            ),
            by_schema(
                "an address without its element",
                Box::new(|request| {
                    request.element("Recipients", "<To>16175550100</To>");
                }),
            ),
            by_schema("a date that is none", Box::new(element("TimeStamp", "yesterday"))),
            by_schema("a padded value", Box::new(element("Priority", " High "))),
            by_schema("an element in a text", Box::new(element("Subject", "High <b>tide</b>"))),
            by_schema(
                "an attribute that is not known",
                Box::new(|request| {
                    request.raw_element("Subject", "<Subject lang=\"en\">Hello</Subject>");
                }),
            ),
            by_schema(
                "an attribute in a namespace",
                Box::new(|request| {
                    let attribute = format!("xmlns:m=\"{}\" m:href=\"cid:payload\"", request.namespace);
                    request.raw_element("Content", &format!("<Content {attribute}/>"));
                }),
            ),
            by_schema(
                "a Content without href",
                Box::new(|request| {
                    request.raw_element("Content", "<Content/>");
                }),
            ),
            by_schema(
                "an id that is no name",
                Box::new(|request| {
                    let number = "<To><Number id=\"1\">16175550100</Number></To>";
                    request.element("Recipients", number);
                }),
            ),
            by_schema(
                "text between elements",
                Box::new(|request| {
                    request.element("Recipients", "to <To><Number>16175550100</Number></To>");
                }),
            ),
            by_schema(
                "blanks where nothing may stand",
                Box::new(|request| {
                    request.raw_element("Content", "<Content href=\"cid:payload\"> </Content>");
                }),
            ),
            by_schema(
                "an attribute of the TransactionID",
                Box::new(|request| {
                    let header = request.soap_header.take();
                    request.soap_header = header.map(|xml| xml.replace(" soap:", " a=\"\" soap:"));
                }),
            ),
            by_schema(
                "a second Header",
                Box::new(|request| {
                    let header = request.soap_header.take();
                    let again = "</soap:Header><soap:Header>";
                    request.soap_header = header.map(|xml| format!("{xml}{again}"));
                }),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_10_sender_identification() {
    run(
        10,
        vec![
            Case::new("none", 2561, |request| request.sender_identification = false),
            Case::new("no VASPID", 2561, |request| request.vaspid = None),
            Case::new("an empty VASPID", 2561, |request| request.vaspid = Some(String::new())),
            Case::new("a blank VASPID", 2561, |request| request.vaspid = Some(" ".to_owned())),
        ]
        .into_iter()
        .map(Case::anonymous)
        .collect(),
    )
    .await;
}

#[tokio::test]
async fn row_11_the_vaspid() {
    run(
        11,
        vec![
            Case::new("unknown", 2564, |request| request.vaspid = Some("nobody".to_owned())).anonymous(),
            Case::new("in another case", 2564, |request| {
                request.vaspid = request.vaspid.as_ref().map(|vaspid| vaspid.to_uppercase());
            })
            .anonymous(),
            Case::new("the account's name", 2564, |request| {
                request.vaspid = request.vaspid.as_ref().map(|vaspid| vaspid.replace("-key", ""));
            })
            .anonymous(),
            Case::new("padded", 1000, |request| {
                request.vaspid = request.vaspid.as_ref().map(|vaspid| format!(" {vaspid}\n"));
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_12_address_and_protocol() {
    run(
        12,
        vec![
            Case::new("another address", 2000, |_| {}).account("allowed_ips = [\"192.0.2.0/24\"]\n"),
            Case::new("HTTP where HTTPS is asked for", 2000, |_| {}).account("require_tls = true\n"),
            Case::new("the word of a proxy that is not ours", 2000, |request| {
                request.header("X-Forwarded-For", "192.0.2.7").header("X-Forwarded-Proto", "https");
            })
            .account("allowed_ips = [\"192.0.2.0/24\"]\nrequire_tls = true\n"),
            Case::new("an allowed address", 1000, |_| {})
                .account("allowed_ips = [\"192.0.2.0/24\", \"127.0.0.1\"]\n"),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_13_credentials() {
    // acme:s3cret
    const RIGHT: &str = "Basic YWNtZTpzM2NyZXQ=";
    let shows = |value: &'static str| {
        move |request: &mut RawRequest| {
            request.header("Authorization", value);
        }
    };
    let mut cases =
        vec![Case::new("none", 2568, |_| {}).challenged(), Case::new("the right ones", 1000, shows(RIGHT))];
    for wrong in [
        "",
        "Basic",
        "Basic YWNtZTp3cm9uZw==",
        "Basic b3RoZXI6czNjcmV0",
        "Basic YWNtZQ==",
        "Basic not/base64!",
        "Bearer YWNtZTpzM2NyZXQ=",
        "YWNtZTpzM2NyZXQ=",
    ] {
        cases.push(Case::new(wrong, 2568, shows(wrong)));
    }
    cases.push(Case::new("twice, and the first wrong", 2568, |request| {
        request.header("Authorization", "Basic YWNtZTp3cm9uZw==").header("Authorization", RIGHT);
    }));
    let auth = "basic_auth = { username = \"acme\", password = \"s3cret\" }\n";
    let mut cases: Vec<_> = cases.into_iter().map(|case| case.account(auth)).collect();
    cases.push(Case::new("some where none are asked for", 1000, shows("Basic b3RoZXI6czNjcmV0")));
    run(13, cases).await;
}

#[tokio::test]
async fn row_14_the_account() {
    run(
        14,
        vec![
            Case::new("disabled", 2550, |_| {}).account("status = \"disabled\"\n"),
            Case::new("not for MM7", 2551, |_| {}).account("mm7 = false\n"),
            Case::new("neither", 2550, |_| {}).account("mm7 = false\nstatus = \"disabled\"\n"),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_16_the_vasid() {
    let vasid = |vasid: Option<&'static str>| {
        move |request: &mut RawRequest| request.vasid = vasid.map(str::to_owned)
    };
    run(
        16,
        vec![
            Case::new("unknown", 2562, vasid(Some("61296"))),
            Case::new("missing", 2562, vasid(None)),
            Case::new("empty", 2562, vasid(Some(""))),
            Case::new("unknown where there is a default", 2562, vasid(Some("61296")))
                .service("default = true\n"),
            Case::new("missing where there is a default", 1000, vasid(None)).service("default = true\n"),
            Case::new("padded", 1000, vasid(Some(" 61295 "))),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_17_the_sender() {
    let sender =
        |sender: &'static str| move |request: &mut RawRequest| request.sender = Some(sender.to_owned());
    let decorated =
        |what: &'static str, xml: &'static str| Case::by_dialect(what, [1000, 1000, 1000, 2563], sender(xml));
    run(
        17,
        vec![
            Case::new("missing", 2504, |request| request.sender = None),
            Case::new("not the service's", 2563, sender("<ShortCode>111123</ShortCode>")),
            Case::new("a number that is not the service's", 2563, sender("<Number>16175550123</Number>")),
            Case::new(
                "a mail address that is not the service's",
                2563,
                sender("<RFC2822Address>a@b.example</RFC2822Address>"),
            ),
            Case::new("as a number", 1000, sender("<Number>111122</Number>")),
            decorated("/TYPE=PLMN", "<ShortCode>111122/TYPE=PLMN</ShortCode>"),
            decorated("a plus and another type", "<Number>+111122/type=IPv4</Number>"),
            decorated("as a mail address", "<RFC2822Address>111122/TYPE=PLMN</RFC2822Address>"),
            Case::new("without what it was provisioned with", 1000, |request| {
                request.vasid = Some("61296".to_owned());
                request.sender = Some("<ShortCode>111123</ShortCode>".to_owned());
            })
            .service("[[account.service]]\nvasid = \"61296\"\nsenders = [\"+111123/TYPE=PLMN\"]\n"),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_18_the_recipient() {
    let recipients = |xml: &'static str| {
        move |request: &mut RawRequest| {
            request.element("Recipients", xml);
        }
    };
    let number = |what: &'static str, code, number: &'static str| {
        Case::new(what, code, move |request| {
            request.element("Recipients", &format!("<To><Number>{number}</Number></To>"));
        })
    };
    run(
        18,
        vec![
            Case::new("no Recipients", 2502, |request| {
                request.without("Recipients");
            }),
            Case::new("empty Recipients", 2502, recipients("")),
            Case::new("an empty To", 2502, recipients("<To/>")),
            Case::new(
                "two in a To",
                2503,
                recipients("<To><Number>16175550100</Number><Number>16175550101</Number></To>"),
            ),
            Case::new(
                "one in To, one in Cc",
                2503,
                recipients("<To><Number>16175550100</Number></To><Cc><Number>16175550101</Number></Cc>"),
            ),
            Case::new("one in Cc", 1000, recipients("<Cc><Number>16175550100</Number></Cc>")),
            Case::new("one in Bcc", 1000, recipients("<Bcc><Number>16175550100</Number></Bcc>")),
            number("six digits", 2002, "123456"),
            number("sixteen digits", 2002, "1617555010012345"),
            number("a leading zero", 2002, "06175550100"),
            number("letters", 2002, "1617555O1OO"),
            number("nothing", 2502, ""),
            number("dashes", 2002, "1-617-555-0100"),
            Case::new(
                "a mail address",
                2002,
                recipients("<To><RFC2822Address>a@b.example</RFC2822Address></To>"),
            ),
            Case::by_dialect(
                "a plus",
                [1000, 1000, 1000, 2002],
                recipients("<To><Number>+16175550100</Number></To>"),
            ),
            Case::by_dialect(
                "/TYPE=PLMN",
                [1000, 1000, 1000, 2002],
                recipients("<To><Number>+16175550100/TYPE=PLMN</Number></To>"),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_19_reply_charging() {
    let xml = |xml: &'static str| {
        move |request: &mut RawRequest| {
            request.raw_element("ReplyCharging", xml);
        }
    };
    run(
        19,
        vec![
            Case::new("bare", 2565, xml("<ReplyCharging/>")),
            Case::new(
                "with attributes",
                2565,
                xml("<ReplyCharging replyChargingSize=\"10000\" replyDeadline=\"P2D\"/>"),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_20_charged_party() {
    let element = |name: &'static str, content: &'static str| {
        move |request: &mut RawRequest| {
            request.element(name, content);
        }
    };
    run(
        20,
        vec![
            Case::new("ChargedParty", 3002, element("ChargedParty", "Sender")),
            Case::new("ChargedParty Neither", 3002, element("ChargedParty", "Neither")),
            Case::new("ChargedPartyID", 3002, element("ChargedPartyID", "someone")),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_21_content() {
    run(
        21,
        vec![
            Case::new("missing", 2506, |request| {
                request.without("Content");
            })
            .in_cmcc(1000),
            Case::new("missing, and there is no part that could be meant", 2506, |request| {
                request.without("Content").attachments.clear();
            }),
            Case::new("missing, and there are two parts that could be meant", 2506, |request| {
                request.without("Content");
                with_another_part(request);
            }),
        ],
    )
    .await;
}

/// A part beside the payload, so that there is no only other part.
fn with_another_part(request: &mut RawRequest) {
    let mut body = request.body();
    body.truncate(body.len() - "--=_outer--\r\n".len());
    body.extend_from_slice(b"--=_outer\r\nContent-Type: text/plain\r\n\r\nmore\r\n--=_outer--\r\n");
    request.body = Some(body);
}

#[tokio::test]
async fn row_22_longer_than_the_account_may_send() {
    let padded = |bytes: usize| {
        move |request: &mut RawRequest| {
            request.attachments[1].body.clear();
            let missing = 100_000 - request.body().len();
            request.attachments[1].body = vec![b'x'; bytes + missing];
        }
    };
    run(
        22,
        vec![
            Case::new("a byte over", 2560, padded(1)).account("max_message_bytes = 100000\n"),
            Case::new("as many as allowed", 1000, padded(0)).account("max_message_bytes = 100000\n"),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_23_content_types_of_attachments() {
    let head = |head: &'static str| {
        move |request: &mut RawRequest| request.attachments[1].head = format!("{head}Content-ID: <text>\r\n")
    };
    run(
        23,
        vec![
            Case::new("none", 2514, head("")),
            Case::new("empty", 2514, head("Content-Type: \r\n")),
            Case::new("no subtype", 2514, head("Content-Type: text\r\n")),
            Case::new("no type", 2514, head("Content-Type: /plain\r\n")),
            Case::new("of a part that nothing names", 2514, |request| {
                request.attachments.push(RawPart { head: String::new(), body: b"more".to_vec() });
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_24_attachments() {
    let encoded = |encoding: &'static str, body: &'static str| {
        move |request: &mut RawRequest| {
            request.attachments[1].head += &format!("Content-Transfer-Encoding: {encoding}\r\n");
            request.attachments[1].body = body.into();
        }
    };
    let href = |href: &'static str| {
        move |request: &mut RawRequest| {
            request.raw_element("Content", &format!("<Content href=\"{href}\"/>"));
        }
    };
    let smil = |smil: &'static str| move |request: &mut RawRequest| request.attachments[0].body = smil.into();
    let many = |parts: usize| {
        move |request: &mut RawRequest| {
            // The root, the payload and the SMIL are parts too.
            request.attachments.truncate(1);
            request.attachments[0].body = b"<smil/>".to_vec();
            request.attachments.resize(parts - 2, RawPart::new("text/plain", "t", "x"));
        }
    };
    run(
        24,
        vec![
            Case::new("an encoding that is not known", 2513, encoded("x-uuencode", "Hello")),
            Case::new("base64 that is none", 2513, encoded("base64", "SGVsbG8*!")),
            Case::new("base64 that is", 1000, encoded("base64", "SGVsbG8=")),
            Case::new("an href that finds nothing", 2513, move |request| {
                href("cid:nothing")(request);
                with_another_part(request);
            }),
            Case::by_dialect(
                "an href that finds nothing, and one other part",
                [1000, 1000, 1000, 2513],
                href("cid:nothing"),
            ),
            Case::new("an href that finds nothing, and no part", 2513, |request| request.attachments.clear()),
            Case::new(
                "a SMIL that names a part that is not there",
                2513,
                smil("<smil><body><img src=\"cid:photo\"/></body></smil>"),
            ),
            Case::new("a SMIL that is no XML", 2513, smil("<smil><body>")),
            Case::by_dialect("no SMIL", [1000, 1000, 2513, 1000], |request| {
                request.attachments.remove(0);
            }),
            Case::new("no end of the inner multipart", 2513, |request| {
                let body = String::from_utf8(request.body()).unwrap();
                request.body = Some(body.replace("--=_inner--\r\n", "").into_bytes());
            }),
            Case::new("no end of the outer multipart", 2513, |request| {
                let body = String::from_utf8(request.body()).unwrap();
                request.body = Some(body.replace("--=_outer--\r\n", "").into_bytes());
            }),
            Case::new("256 parts", 1000, many(256)),
            Case::new("257 parts", 2513, many(257)),
            Case::new("8 levels", 1000, |request| nest(request, 8)),
            Case::new("9 levels", 2513, |request| nest(request, 9)),
        ],
    )
    .await;
}

/// Puts the text of a request so deep into multiparts, of which the request and its payload are the first two.
fn nest(request: &mut RawRequest, levels: usize) {
    let mut part = request.attachments.remove(1);
    for level in 2..levels {
        let body = [
            format!("--b{level}\r\n{}\r\n", part.head).into_bytes(),
            part.body,
            format!("\r\n--b{level}--\r\n").into_bytes(),
        ];
        let head = format!("Content-Type: multipart/mixed; boundary=b{level}\r\n");
        part = RawPart { head, body: body.concat() };
    }
    request.attachments.push(part);
}

fn recipient(number: &'static str) -> impl Fn(&mut RawRequest) {
    move |request| {
        request.element("Recipients", &format!("<To><Number>{number}</Number></To>"));
    }
}

#[tokio::test]
async fn row_25_the_blacklist() {
    run(
        25,
        vec![
            Case::new("for everybody", 3001, recipient("16175550199")),
            Case::new("another number", 1000, recipient("16175550198")),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_26_the_carrier_id() {
    let header = |name: &'static str, value: &'static str| {
        move |request: &mut RawRequest| {
            request.header(name, value);
        }
    };
    let required = "require_carrier_id = true\n";
    run(
        26,
        vec![
            Case::new("missing where required", 2567, |_| {}).account(required),
            Case::new("there where required", 1000, header("X-Posthouse-Carrier-Id", "31002"))
                .account(required),
            Case::new("unknown", 2566, header("X-Posthouse-Carrier-Id", "031003")),
            Case::new("empty", 2566, header("X-Posthouse-Carrier-Id", "")),
            Case::by_dialect(
                "missing where required, but for Skycore",
                [2567, 1000, 2567, 2567],
                header("X-Skycore-Carrier-Id", "31002"),
            )
            .account(required),
            Case::by_dialect(
                "missing where required, but for Sinch",
                [2567, 2567, 1000, 2567],
                header("X-Mblox-Carrier-Id", "31002"),
            )
            .account(required),
            Case::by_dialect(
                "unknown to Skycore",
                [1000, 2566, 1000, 1000],
                header("X-Skycore-Carrier-Id", "nobody"),
            ),
            Case::by_dialect(
                "unknown to Sinch",
                [1000, 1000, 2566, 1000],
                header("X-Mblox-Carrier-Id", "nobody"),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_27_a_number_of_no_carrier() {
    run(27, vec![Case::new("no range", 2570, recipient("4915155550100"))]).await;
}

#[tokio::test]
async fn row_28_a_carrier_out_of_reach() {
    let only = "carriers = [\"31002\"]\n";
    run(
        28,
        vec![
            Case::new("by range", 2570, |_| {}).service(only),
            Case::new("by name", 2570, |request| {
                recipient("15085550100")(request);
                request.header("X-Posthouse-Carrier-Id", "31003");
            })
            .service(only),
            Case::new("in reach", 1000, recipient("15085550100")).service(only),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_29_a_carrier_without_connection() {
    run(29, vec![Case::new("none configured", 3520, recipient("17005550100"))]).await;
}

#[tokio::test]
async fn row_30_what_the_carrier_takes() {
    run(
        30,
        vec![
            Case::new("other types", 2004, recipient("17015550100")),
            Case::new("less bytes", 2004, recipient("17025550100")),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_31_content_by_url() {
    let href = |href: &'static str| {
        move |request: &mut RawRequest| {
            request.raw_element("Content", &format!("<Content href=\"{href}\"/>"));
        }
    };
    run(31, vec![
        Case::new("a scheme that is refused", 3003, href("ftp://127.0.0.1/photo.jpg")),
        Case::new("a file", 3003, href("file:///etc/hostname")),
        Case::new("an address that is refused", 3003, href("http://127.0.0.1:9/photo.jpg")),
        Case::new("in the SMIL", 3003, |request| {
            let smil = "<smil><body><img src=\"http://127.0.0.1:9/a.jpg\"/><text src=\"cid:text\"/></body></smil>";
            request.attachments[0].body = smil.into();
        }),
    ])
    .await;
}
