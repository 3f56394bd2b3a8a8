//! The writing transactions that there are, by name: what each may do is said here, and metrics count them.

/// Declares the transactions, each with its name in metrics: the operation's.
macro_rules! transactions {
    ($($transaction:ident $name:literal,)+) => {
        /// A kind of writing transaction.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Transaction {
            $($transaction,)+
        }

        impl Transaction {
            /// All of them, in the order of their [numbers](Self::number).
            pub(crate) const ALL: [Self; [$($name),+].len()] = [$(Self::$transaction),+];

            /// Its name in metrics.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$transaction => $name,)+
                }
            }
        }
    };
}

transactions! {
    Accept "accept",
    AcceptMo "accept_mo",
    Begin "begin",
    Settle "settle",
    Release "release",
    LeaseSends "lease_sends",
    PutOff "put_off",
    LeaseTimers "lease_timers",
    LeaseCallbacks "lease_callbacks",
    SettleCallback "settle_callback",
    ReleaseCallbacks "release_callbacks",
    RecordReport "record_report",
    RecordReadReply "record_read_reply",
    KeepUnreadable "keep_unreadable",
    KeepForNobody "keep_for_nobody",
    ResendMos "resend_mos",
    PlanOperation "plan_operation",
    StartOperation "start_operation",
    CancelOperation "cancel_operation",
    LeaseOperation "lease_operation",
    RunOperation "run_operation",
    ReleaseOperation "release_operation",
    Resubmit "resubmit",
    KeepRefusals "keep_refusals",
    Intervene "intervene",
    Resend "resend",
    RetryCallbacks "retry_callbacks",
    PauseEndpoint "pause_endpoint",
    ResumeEndpoint "resume_endpoint",
    NoteRecovered "note_recovered",
    Change "change",
    Sweep "sweep",
    ForgetErased "forget_erased",
    NoteSeen "note_seen",
    ConfirmClock "confirm_clock",
    Check "check",
    Join "join",
    Heartbeat "heartbeat",
    Leave "leave",
    Divide "divide",
    RecordAudit "record_audit",
    SweepAudit "sweep_audit",
    AddToken "add_token",
    RevokeToken "revoke_token",
    NoteTokenUsed "note_token_used",
    PutOverride "put_override",
    LiftOverride "lift_override",
    MarkMoved "mark_moved",
    NoteKeysUsed "note_keys_used",
    AddUser "add_user",
    ChangeUser "change_user",
    RemoveUser "remove_user",
    SetPassword "set_password",
    BeginSession "begin_session",
    NoteSessionUsed "note_session_used",
    EndSession "end_session",
    RecordsWritten "records_written",
    ClaimKey "claim_key",
    KeepAnswer "keep_answer",
    ReleaseKey "release_key",
    ForgetKeys "forget_keys",
}

/// Whether an operation may wait for room in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    /// New work is shed when the queue is full.
    Shed,
    /// What lets work drain waits: it gets the next room before any new work does.
    Wait,
}

impl Transaction {
    /// Its place in [`Transaction::ALL`].
    pub(crate) const fn number(self) -> usize {
        self as usize
    }

    /// What it does when the queue is full.
    pub(crate) const fn when_full(self) -> WhenFull {
        match self {
            Self::Accept
            | Self::AcceptMo
            | Self::KeepUnreadable
            | Self::KeepForNobody
            | Self::KeepRefusals => WhenFull::Shed,
            _ => WhenFull::Wait,
        }
    }

    /// Whether a visitor may do it, beside a gateway that runs.
    pub(crate) const fn is_for_visitors(self) -> bool {
        matches!(
            self,
            Self::Intervene
                | Self::Resend
                | Self::RetryCallbacks
                | Self::ResendMos
                | Self::PlanOperation
                | Self::StartOperation
                | Self::CancelOperation
                | Self::PauseEndpoint
                | Self::ResumeEndpoint
                | Self::Change
                | Self::ConfirmClock
                | Self::RecordAudit
                | Self::AddToken
                | Self::RevokeToken
                | Self::NoteTokenUsed
                | Self::Join
                | Self::Heartbeat
                | Self::Leave
                | Self::PutOverride
                | Self::LiftOverride
                | Self::AddUser
                | Self::ChangeUser
                | Self::RemoveUser
                | Self::SetPassword
                | Self::BeginSession
                | Self::NoteSessionUsed
                | Self::EndSession
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_a_number_and_a_name_of_its_own() {
        let numbers: Vec<_> = Transaction::ALL.iter().map(|one| one.number()).collect();
        assert_eq!(numbers, (0..Transaction::ALL.len()).collect::<Vec<_>>());
        let names: BTreeSet<_> = Transaction::ALL.iter().map(|one| one.name()).collect();
        assert_eq!(names.len(), Transaction::ALL.len());
    }
}
