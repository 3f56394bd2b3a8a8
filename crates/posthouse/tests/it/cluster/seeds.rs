//! Faults by chance, one after the other, under load: a seed decides which.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::{task::block_in_place, time::sleep};

use super::{
    database::fail_over,
    load::LoadPlan,
    number,
    town::{ClusterTown, TownPlan},
};

/// How many faults there are for a seed.
const FAULTS: u64 = 3;

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
enum Fault {
    NodeKilled(usize),
    NodeStandsStill(usize),
    DatabaseStopped,
    DatabaseKilled,
    S3Killed,
    /// The primary is killed, and its standby promoted: the last of a seed.
    FailOver,
}

/// SplitMix64: decisions that can be had again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn fault(&mut self, is_last: bool) -> Fault {
        let node = usize::try_from(self.below(3)).unwrap();
        match self.below(if is_last { 8 } else { 5 }) {
            0 => Fault::NodeKilled(node),
            1 => Fault::NodeStandsStill(node),
            2 => Fault::DatabaseStopped,
            3 => Fault::DatabaseKilled,
            4 => Fault::S3Killed,
            _ => Fault::FailOver,
        }
    }

    /// For so long it lasts.
    async fn pass(&mut self, seconds: std::ops::Range<u64>) {
        let milliseconds = self.below((seconds.end - seconds.start) * 1000);
        sleep(Duration::from_millis(seconds.start * 1000 + milliseconds)).await;
    }
}

async fn happen(fault: Fault, town: &mut ClusterTown, chance: &mut Chance) {
    match fault {
        Fault::NodeKilled(node) => {
            town.kill(node);
            chance.pass(0..4).await;
            town.start(node);
        }
        Fault::NodeStandsStill(node) => {
            town.gateway(node).program.signal("STOP");
            chance.pass(1..20).await;
            town.gateway(node).program.signal("CONT");
        }
        Fault::DatabaseStopped => {
            block_in_place(|| town.database.stop());
            chance.pass(0..9).await;
            block_in_place(|| town.database.go_on());
        }
        Fault::DatabaseKilled => {
            block_in_place(|| town.database.kill());
            chance.pass(0..9).await;
            block_in_place(|| town.database.go_on());
        }
        Fault::S3Killed => {
            block_in_place(|| town.s3.as_mut().unwrap().kill());
            chance.pass(1..9).await;
            block_in_place(|| town.s3.as_mut().unwrap().go_on());
        }
        Fault::FailOver => fail_over(town),
    }
}

async fn run(seed: u64) -> Option<()> {
    let plan = TownPlan { has_standby: true, has_s3: true, ..TownPlan::THREE };
    let mut town = ClusterTown::found("faults_by_chance_lose_nothing", &plan).await?;
    let mut chance = Chance(seed);
    let short = town.load(LoadPlan { name: "short", clients: 6, ..LoadPlan::SHORT });
    let long =
        town.load(LoadPlan { name: "long", clients: 2, sizes: &[20 << 10, 60 << 10], ..LoadPlan::SHORT });
    for number in 1..=FAULTS {
        short.more(60).await;
        let fault = chance.fault(number == FAULTS);
        println!("POSTHOUSE_FAULT_SEED={seed}: {fault:?}");
        happen(fault, &mut town, &mut chance).await;
    }
    town.all_say(200).await;
    short.more(60).await;
    long.more(5).await;
    short.finish().await;
    long.finish().await;
    town.settled(&[&short, &long]).await;
    let verdict = town.judge(&[&short, &long]).await;
    verdict.is_clean();
    println!("POSTHOUSE_FAULT_SEED={seed}: {} messages, {} unknown", verdict.messages, verdict.unknown.len());
    town.close();
    Some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_by_chance_lose_nothing() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let first = number("POSTHOUSE_FAULT_SEED", u64::from(now.subsec_nanos()));
    for seed in first..first + number("POSTHOUSE_FAULT_SEEDS", 1) {
        if run(seed).await.is_none() {
            return;
        }
    }
}
