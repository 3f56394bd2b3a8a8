//! The conformance suite: what every backend of [`Store`] has to do, one function for each rule, named by what it proves.
//!
//! A backend implements [`Backend`] and runs them all with [`conformance!`](crate::conformance).

pub mod attempts;
pub mod audit;
pub mod bed;
pub mod bounds;
pub mod bulk;
pub mod callbacks;
pub mod cdr;
pub mod clock;
pub mod due;
pub mod durability;
pub mod endpoints;
pub mod handed_on;
pub mod idempotency;
pub mod inbound;
pub mod intake;
pub mod intervention;
pub mod keys;
pub mod media;
pub mod membership;
pub mod mo;
pub mod overrides;
pub mod postgres_server;
pub mod provisioning;
pub mod queues;
pub mod read_replies;
pub mod refusals;
pub mod reports;
pub mod retention;
pub mod search;
pub mod seaweed;
pub mod tokens;
pub mod two_nodes;
pub mod unreadable;
pub mod users;

use async_trait::async_trait;
use posthouse_core::store::Store;

/// A backend under test: one place where a store can be, empty at first.
///
/// Its stores go by the times of the rules, also where they have a clock of their own.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Opens the store of this place: a new one the first time, afterwards what is there.
    async fn open(&self) -> Box<dyn Store>;

    /// Opens the store of this place once more, as another node's, while the first is open. `None` where the backend is for one gateway.
    async fn second_node(&self) -> Option<Box<dyn Store>> {
        None
    }

    /// Opens what would be there if the machine had stopped at this moment, with `store` still open.
    async fn after_power_cut(&self, store: Box<dyn Store>) -> Box<dyn Store>;
}

/// Makes one test of each rule of the suite, on the backend that `$fresh` makes.
///
/// ```ignore
/// posthouse_store::conformance!(SqliteBackend::new());
/// ```
#[macro_export]
macro_rules! conformance {
    ($fresh:expr) => {
        $crate::rules!($fresh;
            intake: accepted_messages_read_back_as_they_were,
                an_unknown_message_is_none,
                a_repetition_is_the_first_message,
                a_repetition_is_known_beforehand,
                another_body_is_another_message,
                another_account_is_another_message,
                an_old_message_is_not_repeated,
                repetitions_in_flight_are_found,
                repetitions_may_be_switched_off,
                an_id_is_taken_once,
                what_was_stored_before_is_fresh,
                what_was_stored_before_and_declined_is_fresh,
                the_timeline_begins_with_what_was_noted;
            attempts: accepted_work_is_leased_or_due_at_once,
                short_media_may_come_with_a_lease,
                what_is_next_is_told,
                a_lease_keeps_others_away_till_it_ends,
                the_oldest_due_goes_first,
                leases_are_limited,
                another_carriers_work_is_left_alone,
                an_attempt_is_on_the_timeline,
                only_the_owner_begins,
                only_the_owner_settles,
                an_attempt_goes_on_over_the_next_connection,
                an_interrupted_attempt_is_a_timer,
                a_timer_is_leased_too,
                taken_is_forwarded_and_waits_for_reports,
                refused_ends_with_its_reason,
                again_is_due_later,
                a_connection_that_came_back_gets_what_waited,
                what_is_leased_does_not_wait_for_a_connection,
                unknown_is_parked_and_not_sent_again,
                what_may_have_arrived_is_sent_again,
                expired_and_unreached_end_apart,
                a_report_timeout_is_indeterminate,
                declined_owes_nothing_and_is_not_repeated,
                settled_work_is_gone,
                released_work_is_due_at_once,
                what_is_put_off_is_due_later_or_when_it_expires,
                what_is_put_off_by_a_busy_carrier_is_not_unreached,
                what_was_put_off_comes_back_with_its_connection,
                what_is_accepted_as_put_off_is_as_if_it_were_put_off,
                begun_work_is_not_released;
            reports: a_report_ends_its_message,
                deferred_then_retrieved,
                a_doubled_report_is_late,
                a_report_after_the_end_is_late,
                a_forwarded_report_repeats_the_answer,
                a_report_before_the_answer_waits_for_it,
                early_reports_are_applied_in_order,
                a_report_of_another_carrier_is_kept_apart,
                a_parked_message_is_found_by_its_addresses,
                a_message_taken_without_an_id_is_found_by_its_addresses,
                two_parked_messages_are_not_told_apart,
                a_message_being_sent_is_not_found_by_its_addresses,
                a_report_waits_till_its_message_is_parked,
                a_report_waits_for_the_answer_of_a_twin,
                a_parked_message_learns_its_id_from_a_report,
                a_report_ends_a_message_that_waits_to_be_sent_again,
                a_message_that_arrived_is_not_sent_again,
                a_report_waits_for_the_end_of_a_second_attempt,
                a_refused_attempt_hides_no_earlier_one,
                a_report_before_a_refusal_counts_more,
                a_message_that_arrived_is_not_refused,
                a_refusal_of_a_second_attempt_is_the_end,
                a_report_on_an_attempt_that_was_made_again_is_kept,
                a_message_that_was_not_delivered_is_not_found_by_its_addresses,
                two_messages_to_be_sent_again_are_not_told_apart,
                spellings_of_a_sender_are_the_same,
                a_report_takes_the_timer_away,
                an_answer_after_a_report_is_lost;
            bounds: late_reports_are_a_few_lines,
                reports_for_an_unknown_id_are_a_few,
                long_texts_are_cut;
            callbacks: no_report_is_owed_to_who_wants_none,
                a_report_says_what_happened,
                callbacks_come_in_the_order_they_became_owed,
                callbacks_are_limited_and_leased,
                another_accounts_callbacks_are_left_alone,
                only_the_owner_settles_a_callback,
                a_failed_try_is_repeated_later,
                the_last_failure_is_kept,
                the_terminal_report_withdraws_those_before,
                a_later_report_waits_for_an_earlier_one,
                a_report_under_delivery_is_not_overtaken,
                a_silent_owners_report_is_withdrawn,
                what_cannot_be_delivered_is_withdrawn;
            handed_on: what_a_settle_owes_goes_to_who_takes_it,
                what_is_taken_is_as_if_it_had_been_leased,
                what_nobody_takes_stays_due,
                what_waits_is_not_taken,
                what_waited_goes_to_who_takes_it,
                what_is_lost_from_memory_is_due_again,
                what_is_given_back_is_due_at_once,
                a_report_that_waited_is_handed_on,
                a_read_reply_is_handed_on,
                a_message_from_a_handset_is_handed_on,
                a_silent_takers_report_is_withdrawn;
            membership: a_node_comes_and_is_heard_of,
                who_is_not_there_is_told,
                a_node_goes,
                a_node_that_is_alone_has_all_of_a_limit,
                ids_go_on_behind_the_newest,
                a_living_owners_attempt_is_not_interrupted,
                a_dead_owners_attempt_is_interrupted,
                an_attempt_long_past_is_interrupted;
            endpoints: tries_are_kept_of_what_is_not_delivered_at_once,
                the_newest_tries_are_kept,
                tries_go_with_their_message,
                an_endpoint_says_how_it_is,
                a_paused_account_gets_nothing_till_it_is_resumed,
                a_pause_leaves_alone_what_is_under_way,
                a_callback_is_tried_at_once,
                every_filter_of_kept_callbacks_filters;
            bulk: an_operation_is_planned_started_and_cancelled,
                a_page_is_carried_out_once,
                what_was_leased_goes_on_when_its_owner_is_silent,
                what_was_reported_is_owed_once_more,
                what_has_ended_is_sent_again_once,
                a_message_that_is_sent_again_owes_reports_where_they_are_wanted,
                a_rerouted_message_wants_its_connection,
                a_rerouted_message_goes_to_its_new_carrier,
                what_is_refused_of_a_page_is_left_as_it_is;
            inbound: every_filter_of_messages_from_handsets_filters,
                a_message_from_a_handset_is_owed_once_more,
                what_was_for_nobody_is_kept_within_bounds,
                reports_without_a_message_are_listed;
            mo: a_message_from_a_handset_is_owed_with_its_media,
                a_message_from_a_handset_stored_before_is_fresh,
                a_repeated_message_from_a_handset_is_stored_once,
                a_repeated_linked_id_is_stored_once,
                a_message_from_a_handset_is_tried_again_and_kept_as_failed,
                reports_and_messages_from_handsets_share_a_lane,
                a_delivered_message_from_a_handset_goes;
            read_replies: a_read_reply_is_owed_after_the_end_of_its_message,
                a_read_reply_before_the_end_waits_for_earlier_reports,
                a_terminal_report_lets_a_read_reply_go,
                a_doubled_read_reply_is_owed_once,
                a_read_reply_for_an_unknown_id_waits_for_it,
                a_read_reply_waits_for_a_report_that_tells_the_id,
                a_read_reply_of_another_carrier_is_kept_apart,
                a_read_reply_is_tried_again_and_kept_as_failed,
                a_message_that_owes_a_read_reply_stays;
            two_nodes: each_node_has_a_number_of_its_own,
                a_repetition_in_flight_on_another_node_is_found,
                two_nodes_lease_a_backlog_once,
                a_node_gets_what_is_in_its_slots,
                what_a_dead_node_had_leased_is_anothers,
                nodes_never_have_more_of_a_limit_than_there_is;
            refusals: refusals_read_back_and_are_found,
                refusals_of_a_kind_are_counted,
                refusals_are_bounded,
                refusals_go;
            unreadable: what_cannot_be_read_reads_back,
                what_comes_again_is_counted,
                what_cannot_be_read_is_bounded,
                what_cannot_be_read_goes,
                an_odd_form_is_noted;
            intervention: a_waiting_message_is_requeued,
                a_parked_message_is_requeued_when_asked_for,
                a_report_keeps_what_was_requeued_from_being_sent,
                what_is_not_waiting_is_left_alone,
                what_is_in_hand_is_left_alone,
                a_lapsed_lease_keeps_nobody_from_intervening,
                an_expired_message_ends_and_its_report_is_owed,
                a_parked_message_can_be_expired,
                looking_changes_nothing,
                a_failed_report_is_sent_again_with_all_its_tries,
                a_failed_message_from_a_handset_is_sent_again,
                failed_reports_of_a_message_go_in_order,
                a_superseded_report_is_not_sent_again,
                a_resent_report_waits_for_what_is_owed,
                every_filter_of_failed_callbacks_filters;
            audit: a_change_says_who_made_it,
                each_change_has_its_row,
                every_filter_of_the_audit_filters,
                old_rows_of_the_audit_go;
            tokens: a_token_reads_back_till_it_is_revoked,
                tokens_are_bounded;
            keys: the_last_use_of_a_key_reads_back;
            cdr: no_record_is_noted_unless_records_are_kept,
                what_ended_has_one_record,
                written_records_go_with_the_length_of_their_file;
            overrides: overrides_read_back_till_they_are_lifted,
                overrides_end_at_their_time;
            users: a_user_sets_a_password_by_a_link_once,
                a_session_reads_back_till_it_is_ended,
                a_session_ends_with_what_it_was_begun_with,
                users_and_sessions_are_bounded;
            idempotency: a_request_is_carried_out_once_under_its_key,
                keys_are_bounded;
            queues: what_stands_where_is_told,
                a_store_that_is_opened_again_knows_what_stands_where,
                the_oldest_that_waits_is_told_with_its_carrier,
                what_is_owed_is_told_by_account,
                ends_are_counted;
            due: nothing_is_due_in_an_empty_store,
                due_names_carriers_accounts_and_timers,
                due_tells_when_the_next_is,
                due_tells_when_the_next_attempt_is_beside_others,
                due_tells_when_the_next_callback_is_beside_others,
                the_oldest_due_is_told;
            media: media_read_back_part_by_part,
                a_message_without_media_has_none,
                media_of_an_unknown_message_are_not_found,
                large_media_read_back_while_others_are_written;
            search: messages_come_newest_first_and_page_by_key,
                what_came_since_is_found_and_so_many_of_the_newest,
                every_filter_filters,
                messages_are_found_after_a_reopen,
                messages_are_found_by_how_an_attempt_failed,
                failed_attempts_are_bounded_and_go_with_their_message,
                messages_are_counted,
                the_newest_id_is_remembered;
            provisioning: a_new_store_has_nothing_provisioned,
                changes_read_back_sorted_by_key,
                a_put_replaces_and_a_remove_removes,
                thousands_of_changes_are_one_change,
                an_unexpected_revision_changes_nothing,
                a_change_is_kept_as_a_revision,
                a_revision_can_be_taken_back,
                a_revision_of_thousands_is_whole,
                revisions_are_bounded,
                a_refused_change_is_no_revision,
                numbers_are_read_a_page_at_a_time,
                the_key_stays_the_same;
            clock: times_are_noted;
            retention: media_go_before_their_message,
                what_counts_is_when_a_message_ended,
                a_message_from_a_handset_ends_with_its_callback,
                what_has_not_ended_stays,
                what_owes_a_report_stays,
                what_failed_does_not_keep_its_message,
                unmatched_reports_go,
                what_is_needed_stays_when_its_day_goes,
                a_sweep_is_limited;
            durability: everything_is_there_after_a_reopen,
                what_was_acknowledged_survives_a_power_cut,
                leases_of_an_earlier_run_end,
                a_closed_store_says_so,
                a_check_is_a_write;
        );
    };
}

/// One test for each named function of the suite's modules.
#[doc(hidden)]
#[macro_export]
macro_rules! rules {
    ($fresh:expr; $($module:ident: $($rule:ident),*;)*) => {
        $(mod $module {
            use super::*;
            $(
                #[tokio::test]
                async fn $rule() {
                    let backend = $fresh;
                    $crate::suite::$module::$rule(&backend).await;
                }
            )*
        })*
    };
}
