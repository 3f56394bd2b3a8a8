//! A quarter of an hour at a fixed rate: what a minute does not show.

use std::time::Duration;

use posthouse_store::suite::postgres_server::PostgresServer;
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    load::{HeardAnswer, LoadPlan},
    number,
    town::{ClusterTown, TownPlan},
};

/// How many clients share the rate.
const CLIENTS: u64 = 60;
/// How often the tables are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// By how much the end may be worse than the beginning.
const WORSE: f64 = 1.3;
/// Less than that is not told from nothing: dead rows, and bytes of all tables.
const FEW: [f64; 2] = [20_000.0, 32e6];
/// The tables whose rows come and go: how many dead rows they have, and how large they are with their indices.
const LOOK: &str = "SELECT coalesce(sum(n_dead_tup), 0)::float8, coalesce(sum(pg_total_relation_size(relid)), 0)::float8
    FROM pg_stat_user_tables WHERE relname ~ '^(work|callback|awaiting|demand|division|node)(_|$)' AND relname !~ 'failed|attempt'";

/// What was seen in a part of the time: the most dead rows, and the largest size.
#[derive(Clone, Copy, Debug, Default)]
struct Seen([f64; 2]);

async fn look(database: &PostgresServer, name: &str, till: Instant) -> Seen {
    let client = database.client(name).await;
    let mut most = Seen::default();
    while Instant::now() < till {
        let row = client.query_one(LOOK, &[]).await.unwrap();
        for (most, now) in most.0.iter_mut().zip([row.get::<_, f64>(0), row.get::<_, f64>(1)]) {
            *most = most.max(now);
        }
        sleep(LOOK_EVERY).await;
    }
    most
}

/// The time within which all but a hundredth of what was asked in this time was answered.
fn p99(answers: &[HeardAnswer], from: Instant, till: Instant) -> Duration {
    let asked = answers.iter().filter(|answer| from <= answer.asked && answer.asked < till);
    let mut took: Vec<Duration> = asked.map(|answer| answer.at - answer.asked).collect();
    took.sort_unstable();
    took[took.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a quarter of an hour; CONTRIBUTING.md says how to run it"]
async fn a_quarter_of_an_hour_at_a_fixed_rate_leaves_no_trace() {
    let test = "a_quarter_of_an_hour_at_a_fixed_rate_leaves_no_trace";
    let Some(mut town) = ClusterTown::found(
        test,
        &TownPlan { park: "window = 64\n", resend: "window = 64\n", ..TownPlan::THREE },
    )
    .await
    else {
        return;
    };
    let third = Duration::from_secs(number("POSTHOUSE_SOAK_SECONDS", 900)) / 3;
    let pause = Duration::from_millis(CLIENTS * 1000 / number("POSTHOUSE_SOAK_RATE", 300));
    let load = town.load(LoadPlan { clients: CLIENTS, pause, ..LoadPlan::SHORT });
    let begin = Instant::now();
    let first = look(&town.database, town.database_name(), begin + third).await;
    // Somebody looks at the database for a long while.
    let client = town.database.client(town.database_name()).await;
    client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM work").await.unwrap();
    sleep(third * 3 / 5).await;
    client.batch_execute("ROLLBACK").await.unwrap();
    drop(client);
    sleep_until(begin + 2 * third).await;
    let last = look(&town.database, town.database_name(), begin + 3 * third).await;
    load.finish().await;
    town.settled(&[&load]).await;
    town.judge(&[&load]).await.is_clean();
    let answers = load.answers();
    let times = [p99(&answers, begin, begin + third), p99(&answers, begin + 2 * third, begin + 3 * third)];
    println!("{} messages; p99 {times:?}; dead rows and bytes {first:?}, {last:?}", load.count());
    assert!(times[1].as_secs_f64() <= WORSE * times[0].as_secs_f64().max(0.05), "p99: {times:?}");
    for (what, few) in FEW.into_iter().enumerate() {
        assert!(last.0[what] <= WORSE * first.0[what].max(few), "{first:?}, then {last:?}");
    }
    town.close();
}
