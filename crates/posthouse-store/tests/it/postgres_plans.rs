//! Every statement on PostgreSQL is explained, on empty tables and on full ones: none reads a table that grows from its beginning to its
//! end, or an index so, and what stands in batches looks up each row by an index.

use std::collections::HashMap;

use posthouse_core::Id;
use posthouse_store::{
    postgres::{PLAN_SETTINGS, catalogue, lists},
    suite::{bed::at, postgres_server::PostgresServer},
};
use tokio_postgres::{Client, SimpleQueryMessage};

/// What grows with traffic.
const GROWING: [&str; 19] = [
    "message",
    "seen",
    "work",
    "awaiting",
    "ended",
    "event",
    "read_reply",
    "media",
    "mo",
    "failed_attempt",
    "callback",
    "callback_failed",
    "callback_attempt",
    "unmatched_report",
    "unreadable",
    "audit",
    "operation_item",
    "resubmission",
    "refusal",
];
/// Statements of batches that walk an index from one of its ends, and stop soon.
const WALKS: [&str; 3] = ["AUDIT_BEYOND", "AUDIT_OLD", "ALL_REFUSALS_BEYOND"];
/// Counts of all that has not ended, for people: the one thing that takes longer the more there is.
const COUNTS: [&str; 1] = ["STANDING_READ"];

async fn plan(client: &Client, name: &str, types: &[String], sql: &str) -> Vec<String> {
    let parameters = if types.is_empty() { String::new() } else { format!(" ({})", types.join(", ")) };
    client
        .batch_execute(&format!("PREPARE {name}{parameters} AS {sql}"))
        .await
        .unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let nulls = vec!["NULL"; types.len()].join(", ");
    let values = if types.is_empty() { String::new() } else { format!("({nulls})") };
    let rows = client.simple_query(&format!("EXPLAIN (COSTS OFF) EXECUTE {name}{values}")).await;
    let rows = rows.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let line = |message: SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    };
    let lines = rows.into_iter().filter_map(line).collect();
    client.batch_execute(&format!("DEALLOCATE {name}")).await.unwrap();
    lines
}

/// The table that a line of a plan scans, whichever partition.
fn scanned(line: &str) -> Option<&str> {
    let (_, table) = line.split_once(" on ")?;
    let name = table.split_whitespace().next()?;
    Some(name.split_once("_p20").map_or(name, |(parent, _)| parent))
}

/// The first column of each index, but for those of tables that are known to be empty: there one index is as good as another, till they fill.
type FirstColumns = HashMap<String, String>;

async fn first_columns(client: &Client) -> FirstColumns {
    let columns =
        "SELECT c.relname::text, a.attname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                   JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                   JOIN pg_class t ON t.oid = i.indrelid WHERE t.reltuples <> 0";
    client.query(columns, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Whether a condition on an index, if it is one, begins where the index does: one that has the index's second column alone reads all of it.
fn begins_with_index(line: &str, condition: &str, columns: &FirstColumns) -> bool {
    let index = line.split_once(" using ").or_else(|| line.split_once("Bitmap Index Scan on "));
    let column = index.and_then(|(_, rest)| columns.get(rest.split_whitespace().next()?));
    let (Some(column), true) = (column, condition.contains("Index Cond")) else { return true };
    condition.contains(&format!("({column} "))
}

fn complaints(name: &str, plan: &[String], is_batched: bool, columns: &FirstColumns) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in plan.iter().enumerate() {
        let Some(table) = scanned(line).filter(|table| GROWING.contains(table)) else { continue };
        if line.contains("Seq Scan") && !COUNTS.contains(&name) {
            complaints.push(format!("{name}: {}", line.trim()));
        }
        let is_walk = line.contains("Index Scan using") || line.contains("Index Only Scan using");
        let condition = plan.get(number + 1).map_or("", String::as_str);
        let has_condition = condition.contains("Index Cond");
        if !begins_with_index(line, condition, columns) {
            complaints.push(format!("{name}: {} reads all of it for {}", line.trim(), condition.trim()));
        }
        // Whether anything waits at all is seen by the first row.
        let is_look = table == "unmatched_report" && line.contains("unmatched_report");
        if is_batched && is_walk && !has_condition && !is_look && !WALKS.contains(&name) {
            complaints.push(format!("{name}: {} without a condition", line.trim()));
        }
    }
    complaints
}

async fn all_complaints(client: &Client) -> Vec<String> {
    let (mut all, columns) = (Vec::new(), first_columns(client).await);
    for (name, types, sql, is_batched) in catalogue() {
        let plan = plan(client, name, &types, sql).await;
        all.extend(complaints(name, &plan, is_batched, &columns));
    }
    all
}

/// Thousands of rows in each table that a batch writes to often.
const FILL: &str = "
    INSERT INTO message SELECT $ID + n, n, true, 'acme', 'c' || n % 3, '1617' || n, 't' || n, decode(lpad(to_hex(n), 32, '0'), 'hex'), '{}' FROM n;
    INSERT INTO seen SELECT $BUCKET, decode(lpad(to_hex(n), 32, '0'), 'hex'), 0, $ID + n, n FROM n;
    INSERT INTO work SELECT $ID + n, n % 256, 0, false, n, NULL, NULL, NULL, CASE WHEN n % 4 = 0 THEN 7 END, n, false, 0, NULL, n, n,
        'c' || n % 3, 'acme', '1617' || n, '7', true, NULL FROM n WHERE n % 3 = 0;
    INSERT INTO awaiting SELECT $ID + n, n % 256, 3, n, NULL, n, false, 1, NULL, n, n, 'c' || n % 3, 'acme', '1617' || n, '7', true, 'x' || n
        FROM n WHERE n % 3 = 1;
    INSERT INTO ended SELECT $ID + n, 10, NULL, NULL, n, 1, NULL, 'c' || n % 3, 'x' || n FROM n WHERE n % 3 = 2;
    INSERT INTO event SELECT $ID + n / 4, n, n, 2, '' FROM n;
    INSERT INTO media SELECT $ID + n, 0, 1, NULL, NULL, 'x' FROM n;
    INSERT INTO callback SELECT n, $ID + n, 0, n, CASE WHEN n % 5 = 0 THEN 7 END, 0, n, 'Forwarded', NULL, 'a' || n % 9, 'c' FROM n;
    INSERT INTO callback_failed SELECT -n, $ID + n, 3, n, 'Forwarded', NULL, 'a' || n % 9, 'c' FROM n;
    INSERT INTO callback_attempt SELECT n / 3, n, $ID + n / 3, 'retried', NULL, '', '' FROM n;
    INSERT INTO failed_attempt SELECT $ID + n / 2, n, n, 4000, 'c', 'east' FROM n;
    INSERT INTO unmatched_report SELECT n, n, 'c' || n % 3, 'u' || n, '1617' || n, '7', 'Retrieved', '', '', NULL, NULL FROM n;
    INSERT INTO operation_item SELECT n / 100, n, 'done', NULL FROM n;
    INSERT INTO resubmission SELECT n, n, NULL FROM n;
    INSERT INTO refusal SELECT n, n, n, 1, 'a' || n % 9, 2000, 1, 'r', 'p' || n % 7, 't' || n, 'h' || n, '{}' FROM n;
    INSERT INTO audit SELECT n, n, 'ann', 'admin', 'token', NULL, 'apply', 'x', NULL, NULL, NULL FROM n;";

/// A store with thousands of rows, of which all is known.
async fn fill(client: &Client) {
    let fill = FILL
        .replace("$ID", &Id::first_at(at(0)).number().to_string())
        .replace("$BUCKET", &(at(0).as_millisecond() / 21_600_000).to_string())
        .replace("FROM n", "FROM generate_series(1, 20000) n");
    client.batch_execute(&fill).await.unwrap();
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = server.make_store().await;
    let client = server.client(&database).await;
    client.batch_execute(PLAN_SETTINGS).await.unwrap();
    assert_eq!(all_complaints(&client).await, Vec::<String>::new(), "on empty tables");
    fill(&client).await;
    assert_eq!(
        all_complaints(&client).await,
        Vec::<String>::new(),
        "on full tables of which nothing is known"
    );
    client.batch_execute("ANALYZE").await.unwrap();
    assert_eq!(all_complaints(&client).await, Vec::<String>::new(), "on full tables");
    drop(client);
    server.drop_database(&database);
}

/// Lists are walked along an index till a page is full: nothing is sorted, and what has not ended is not looked for in all that has.
#[tokio::test]
async fn lists_are_walked_and_not_sorted() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = server.make_store().await;
    let client = server.client(&database).await;
    client.batch_execute(PLAN_SETTINGS).await.unwrap();
    fill(&client).await;
    client.batch_execute("ANALYZE").await.unwrap();
    for (name, types, sql) in lists() {
        let types: Vec<String> = types.into_iter().map(str::to_owned).collect();
        let plan = plan(&client, &format!("list_{name}"), &types, &sql).await;
        let sorts = |line: &String| line.contains("->  Sort") || line.contains("Incremental Sort");
        assert!(!plan.iter().any(sorts), "{name}: {plan:#?}");
        // In a stretch of time that no value gives there is no partition.
        if plan.iter().any(|line| line.contains("Subplans Removed")) {
            continue;
        }
        let walked = match name {
            "parked" | "parked_window" => ["work", "awaiting"].as_slice(),
            "code" => &["failed_attempt"],
            _ => &["message"],
        };
        let first = plan.iter().find_map(|line| scanned(line).filter(|table| GROWING.contains(table)));
        assert!(first.is_some_and(|first| walked.contains(&first)), "{name}: {plan:#?}");
    }
    let sender =
        "SELECT id FROM mo WHERE document::json -> 'sender' ->> 'text' = $1 ORDER BY id DESC LIMIT 50";
    let plan = plan(&client, "mo_by_sender", &["text".to_owned()], sender).await;
    let conditions: Vec<&String> = plan.iter().filter(|line| line.contains("Index Cond")).collect();
    assert!(!conditions.is_empty() && conditions.iter().all(|line| line.contains("'sender'")), "{plan:#?}");
    drop(client);
    server.drop_database(&database);
}
