//! Runs the cases of one row of contract 4.1, each in every dialect.

use std::collections::BTreeMap;

use super::table::{DIALECTS, Look, difference};
use posthouse_testing::{
    answer::RawAnswer,
    request::RawRequest,
    schema::assert_valid,
    town::{Town, TownPlan},
};

/// What everybody in the tests of rows can send to, besides the usual carriers: one carrier for each thing that may be wrong
/// with one.
const CARRIERS: &str = "\
[[carrier]]\nid = \"unconnected\"\n\
[[range]]\nprefix = \"1700\"\ncarrier = \"unconnected\"\n\
[[carrier]]\nid = \"audio-only\"\ncontent_types = [\"audio/*\"]\n\
[[carrier.connection]]\nname = \"nowhere\"\nurl = \"http://127.0.0.1:9/mm7\"\n\
[[range]]\nprefix = \"1701\"\ncarrier = \"audio-only\"\n\
[[carrier]]\nid = \"tiny\"\nmax_message_bytes = 10\n\
[[carrier.connection]]\nname = \"nowhere\"\nurl = \"http://127.0.0.1:9/mm7\"\n\
[[range]]\nprefix = \"1702\"\ncarrier = \"tiny\"\n\
[[blacklist]]\nnumber = \"16175550199\"\n";

/// One thing that is wrong, or right, with a request, and what each dialect answers.
pub struct Case {
    what: &'static str,
    codes: [u32; 5],
    spoil: Box<dyn Fn(&mut RawRequest)>,
    account: &'static str,
    service: &'static str,
    reading: Reading,
    answered_in: Option<(&'static str, &'static str)>,
    is_challenged: bool,
}

/// How much of a request the gateway gets to read before it refuses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Nothing: the default dialect answers, without a TransactionID.
    Nothing,
    /// The TransactionID, but not who it is: the default dialect answers.
    Anonymous,
    /// All that matters.
    Account,
    /// Who it is, but not the TransactionID.
    NoTransaction,
    /// That it is something, but neither whose nor the TransactionID.
    Namespace,
}

impl Case {
    /// A case that every dialect refuses with this code, or accepts where that is 1000.
    pub fn new(what: &'static str, code: u32, spoil: impl Fn(&mut RawRequest) + 'static) -> Self {
        Self::by_dialect(what, [code; 4], spoil)
    }

    /// A case in which the dialects differ: their codes in the order of [`DIALECTS`], of which the last one, cmcc, reads as the
    /// first.
    pub fn by_dialect(
        what: &'static str,
        codes: [u32; 4],
        spoil: impl Fn(&mut RawRequest) + 'static,
    ) -> Self {
        let spoil = Box::new(spoil);
        let [posthouse, skycore, sinch, three_gpp] = codes;
        let codes = [posthouse, skycore, sinch, three_gpp, posthouse];
        Self {
            what,
            codes,
            spoil,
            account: "",
            service: "",
            reading: Reading::Account,
            answered_in: None,
            is_challenged: false,
        }
    }

    /// The dialect cmcc answers this.
    pub fn in_cmcc(mut self, code: u32) -> Self {
        self.codes[4] = code;
        self
    }

    /// Where the dialect asks for credentials that are missing, it does so by HTTP 401.
    pub fn challenged(self) -> Self {
        Self { is_challenged: true, ..self }
    }

    /// Sent by an account with these lines.
    pub fn account(self, account: &'static str) -> Self {
        Self { account, ..self }
    }

    /// Sent by a service with these lines.
    pub fn service(self, service: &'static str) -> Self {
        Self { service, ..self }
    }

    /// Nothing of the request can be read.
    pub fn unread(self) -> Self {
        Self { reading: Reading::Nothing, ..self }
    }

    /// It cannot be read whose request it is, or that does not count yet.
    pub fn anonymous(self) -> Self {
        Self { reading: Reading::Anonymous, ..self }
    }

    /// There is no TransactionID to be given back.
    pub fn without_transaction(self) -> Self {
        Self { reading: Reading::NoTransaction, ..self }
    }

    /// Neither the TransactionID nor whose request it is can be read.
    pub fn anonymous_without_transaction(self) -> Self {
        Self { reading: Reading::Namespace, ..self }
    }

    /// The answer is in another namespace and version than the request.
    pub fn answered_in(self, namespace: &'static str, version: &'static str) -> Self {
        Self { answered_in: Some((namespace, version)), ..self }
    }

    fn expected(&self, row: u8, dialect: usize, request: &RawRequest) -> Look {
        let code = self.codes[dialect];
        let name = DIALECTS[dialect];
        let mut expected = match self.reading {
            _ if code == 1000 => Look::success(request),
            Reading::Nothing => Look::blind(row, code),
            Reading::Anonymous => Look::refusal("posthouse", row, code, request),
            Reading::Namespace => {
                Look { transaction_id: None, ..Look::refusal("posthouse", row, code, request) }
            }
            Reading::Account => Look::refusal(name, row, code, request),
            Reading::NoTransaction => {
                Look { transaction_id: None, ..Look::refusal(name, row, code, request) }
            }
        };
        if self.is_challenged && name == "posthouse" {
            expected.form.0 = 401;
        }
        if let Some((namespace, version)) = self.answered_in {
            expected.namespace = namespace.to_owned();
            expected.version = version.to_owned();
        }
        expected
    }
}

/// Runs cases in every dialect and compares each answer with what it has to be.
pub async fn run(row: u8, cases: Vec<Case>) {
    let town = Town::planned(TownPlan::default()).await;
    run_in(&town, row, cases).await;
    town.close().await;
}

/// The same in a town that is there already.
pub async fn run_in(town: &Town, row: u8, cases: Vec<Case>) {
    let accounts = provision(town, &cases).await;
    let (mut answers, mut wrong) = (Vec::new(), Vec::new());
    for case in &cases {
        for (index, dialect) in DIALECTS.iter().enumerate() {
            let mut request = RawRequest::to("16175550100");
            request.vaspid = Some(format!("{}-key", accounts[&(*dialect, case.account, case.service)]));
            (case.spoil)(&mut request);
            let answer = town.post(&request).await;
            let what = format!("row {row}, {dialect}: {}", case.what);
            if let Some(difference) = difference(&answer, &case.expected(row, index, &request)) {
                wrong.push(format!("{what}\n{difference}"));
            }
            answers.push((what, answer));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    validate(answers);
}

/// An account for each dialect and each setting that a case asks for; gives back their names.
async fn provision(
    town: &Town,
    cases: &[Case],
) -> BTreeMap<(&'static str, &'static str, &'static str), String> {
    let mut accounts = BTreeMap::new();
    let mut toml = town.usual_carriers() + CARRIERS;
    for case in cases {
        for dialect in DIALECTS {
            let number = accounts.len();
            accounts.entry((dialect, case.account, case.service)).or_insert_with(|| {
                let name = format!("{dialect}-{number}");
                let settings = format!("dialect = {dialect:?}\n{}", case.account);
                toml += &town.account_with(&name, &settings, "", case.service);
                name
            });
        }
    }
    town.provision(&toml).await;
    accounts
}

/// Validates answers, but for refusing SubmitRsp, which lack the MessageID that the schema asks for.
pub fn validate(answers: Vec<(String, RawAnswer)>) {
    let is_valid = |answer: &RawAnswer| answer.fault().is_some() || answer.message_id().is_some();
    let is_known = |answer: &RawAnswer| {
        answer
            .decoded
            .as_ref()
            .is_some_and(|decoded| matches!(decoded.namespace, mm7::SeenNamespace::Known(_)))
    };
    let envelopes = answers.into_iter().filter(|(_, answer)| is_valid(answer) && is_known(answer));
    assert_valid(&envelopes.map(|(what, answer)| (what, answer.body)).collect::<Vec<_>>());
}
