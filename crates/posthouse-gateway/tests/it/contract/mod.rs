//! What the gateway shows to VASPs and carriers, over real HTTP.

mod bad_input;
mod callbacks;
mod carrier_door;
mod circumstances;
mod codes;
mod connections;
mod heads;
mod hostile;
mod in_force;
mod kept_out;
mod lint_and_doors;
mod pairs;
mod read_replies;
mod refusals;
mod relay;
mod requests;
mod rows;
mod stacks;
mod statuses;
mod stopped;
mod table;

use posthouse_testing::{request::RawRequest, town::Town};

#[tokio::test]
async fn a_message_goes_out_and_its_report_comes_back() {
    let town = Town::found().await;
    let id = town.submit(&RawRequest::to("16175550100")).await;
    let message = town.ended(id).await;
    assert_eq!(message.state.as_str(), "Retrieved");
    assert_eq!(town.statuses_on(id).last().map(String::as_str), Some("Retrieved"));
    town.close().await;
}
