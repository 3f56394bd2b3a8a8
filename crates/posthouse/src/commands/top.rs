//! `posthouse top`: the queues, live on a terminal.

use std::{
    io::IsTerminal as _,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use posthouse_api::{AccountQueue, CarrierQueue, ConnectionPace};
use posthouse_core::shown::Shown;
use ratatui::{
    DefaultTerminal, Frame,
    crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers},
    layout::{Constraint, Layout},
    style::{Modifier, Style},
    text::Line,
    widgets::{Paragraph, Row, Table},
};
use tokio::{runtime::Runtime, time::timeout};

use crate::{
    target::{GatewayAddress, settings_of},
    times::duration,
    via::Via,
};

/// How long an answer is waited for.
const ANSWER: Duration = Duration::from_secs(5);
/// How often keys are looked for while nothing is drawn.
const KEYS_EVERY: Duration = Duration::from_millis(100);

/// The arguments of `posthouse top`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse top -c /etc/posthouse.toml
  posthouse top --url http://gateway.example:8080 --every 5s

Keys: a accounts, c carriers, Space pauses, q or Esc ends it. `posthouse queues` prints the same once.")]
pub struct Args {
    /// The configuration that says where the store is; without one, $POSTHOUSE_CONFIG, ./posthouse.toml, /etc/posthouse/posthouse.toml, else ./posthouse-data
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    gateway: GatewayAddress,
    /// How often it is asked
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    every: Duration,
}

/// What is shown.
#[derive(Debug, Default)]
struct Screen {
    by_account: bool,
    is_paused: bool,
    carriers: Vec<CarrierQueue>,
    accounts: Vec<AccountQueue>,
    /// Why there is nothing newer.
    trouble: Option<String>,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Nothing,
    Look,
    End,
}

/// Shows the queues till a key ends it.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if !std::io::stdin().is_terminal() || !crate::print::stdout().is_terminal() {
        bail!("top needs a terminal; `posthouse queues` prints the same once");
    }
    let settings = settings_of(args.config.as_deref())?;
    let runtime = Runtime::new().context("the asynchronous runtime cannot be started")?;
    let via = runtime.block_on(Via::open(&settings, &args.gateway))?;
    let mut terminal = ratatui::try_init().context("the terminal cannot be used")?;
    let shown = show(&mut terminal, &runtime, &via, args.every);
    ratatui::restore();
    runtime.block_on(via.close())?;
    shown?;
    Ok(ExitCode::SUCCESS)
}

fn show(terminal: &mut DefaultTerminal, runtime: &Runtime, via: &Via, every: Duration) -> anyhow::Result<()> {
    let mut screen = Screen::default();
    loop {
        if !screen.is_paused {
            runtime.block_on(refresh(&mut screen, via));
        }
        let asked = Instant::now();
        loop {
            terminal.draw(|frame| draw(frame, &screen))?;
            let wish = match event::poll(KEYS_EVERY)? {
                true => wish(&mut screen, &event::read()?),
                false => Wish::Nothing,
            };
            match wish {
                Wish::End => return Ok(()),
                Wish::Look => break,
                Wish::Nothing if asked.elapsed() >= every => break,
                Wish::Nothing => {}
            }
        }
    }
}

async fn refresh(screen: &mut Screen, via: &Via) {
    let asked =
        timeout(ANSWER, async { anyhow::Ok((via.carrier_queues().await?, via.account_queues().await?)) });
    screen.trouble = match asked.await {
        Ok(Ok((carriers, accounts))) => {
            (screen.carriers, screen.accounts) = (carriers, accounts);
            None
        }
        Ok(Err(error)) => Some(format!("not live: {error:#}")),
        Err(_) => Some(format!("not live: no answer within {} s", ANSWER.as_secs())),
    };
}

fn wish(screen: &mut Screen, event: &Event) -> Wish {
    let Event::Key(KeyEvent { code, modifiers, .. }) = event else { return Wish::Nothing };
    match code {
        KeyCode::Char('q') | KeyCode::Esc => Wish::End,
        KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => Wish::End,
        KeyCode::Char('a') => {
            screen.by_account = true;
            Wish::Nothing
        }
        KeyCode::Char('c') => {
            screen.by_account = false;
            Wish::Nothing
        }
        KeyCode::Char(' ') => {
            screen.is_paused = !screen.is_paused;
            Wish::Look
        }
        _ => Wish::Nothing,
    }
}

fn draw(frame: &mut Frame<'_>, screen: &Screen) {
    let says: Vec<Line<'_>> = screen
        .carriers
        .iter()
        .filter_map(|queue| queue.says.as_deref())
        .chain(screen.trouble.as_deref())
        .map(|says| Line::from(Shown(says).to_string()))
        .collect();
    let sentences = u16::try_from(says.len()).unwrap_or(u16::MAX).min(frame.area().height / 2);
    let parts = Layout::vertical([Constraint::Min(3), Constraint::Length(sentences), Constraint::Length(1)]);
    let [table, below, keys] = parts.areas(frame.area());
    match screen.by_account {
        true => frame.render_widget(accounts(&screen.accounts), table),
        false => frame.render_widget(carriers(&screen.carriers), table),
    }
    frame.render_widget(Paragraph::new(says).style(Style::new().add_modifier(Modifier::BOLD)), below);
    let paused = if screen.is_paused { "  paused" } else { "" };
    frame.render_widget(Paragraph::new(format!("a accounts  c carriers  Space pause  q quit{paused}")), keys);
}

fn heading<const N: usize>(names: [&'static str; N]) -> Row<'static> {
    Row::new(names).style(Style::new().add_modifier(Modifier::REVERSED))
}

fn carriers(queues: &[CarrierQueue]) -> Table<'static> {
    let mut rows = Vec::new();
    for queue in queues {
        rows.push(Row::new([
            Shown(&queue.carrier).to_string(),
            queue.waiting.to_string(),
            age(queue.oldest_seconds),
            queue.sending.to_string(),
            queue.parked.to_string(),
            queue.at_carrier.to_string(),
        ]));
        rows.extend(queue.connections.iter().map(connection));
    }
    let widths = [24, 10, 8, 12, 12, 12].map(Constraint::Length);
    Table::new(rows, widths).header(heading([
        "carrier",
        "waits",
        "oldest",
        "sending",
        "parked",
        "at carrier",
    ]))
}

/// A connection stands below its carrier, with what it is used for in the columns of that.
fn connection(one: &ConnectionPace) -> Row<'static> {
    let limited = if one.limited.is_some() { " limited" } else { "" };
    let why = one.why.as_deref().map(|why| format!(" {why}")).unwrap_or_default();
    let state = format!("{}{why}{limited}", one.state);
    let rate = one.per_second.map_or_else(String::new, |rate| format!("{rate:.0}/s"));
    let time = one.answer_seconds.map_or_else(String::new, |time| format!("{time:.2} s"));
    Row::new([
        format!("  {} {}", Shown(&one.name), Shown(&state)),
        format!("{}/{}", one.in_flight, one.window),
        format!("of {}", one.window_limit),
        rate,
        time,
        String::new(),
    ])
}

fn accounts(queues: &[AccountQueue]) -> Table<'static> {
    let rows = queues.iter().map(|queue| {
        Row::new([
            Shown(&queue.account).to_string(),
            queue.waiting.to_string(),
            queue.sending.to_string(),
            queue.at_carrier.to_string(),
            queue.callbacks_owed.to_string(),
            queue.callbacks_failed.to_string(),
            age(queue.callback_oldest_seconds),
        ])
    });
    let widths = [24, 10, 10, 12, 10, 10, 8].map(Constraint::Length);
    let names = ["account", "waits", "sending", "at carrier", "owed", "failed", "oldest"];
    Table::new(rows, widths).header(heading(names))
}

/// An age in seconds, short.
fn age(seconds: Option<f64>) -> String {
    match seconds {
        None => "-".to_owned(),
        Some(seconds @ ..120.0) => format!("{seconds:.0}s"),
        Some(seconds @ ..7200.0) => format!("{:.0}m", seconds / 60.0),
        Some(seconds) => format!("{:.1}h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{Terminal, backend::TestBackend};

    use super::*;

    fn screen() -> Screen {
        let carrier = CarrierQueue {
            name: None,
            carrier: "31003".to_owned(),
            waiting: 119,
            oldest_seconds: Some(34.0),
            due: 0,
            sending: 1,
            parked: 0,
            at_carrier: 3,
            overdue: 0,
            unmatched_reports: 0,
            connections: vec![ConnectionPace {
                name: "vzw-1".to_owned(),
                state: "throttled".to_owned(),
                in_flight: 1,
                window: 2,
                window_limit: 16,
                per_second: None,
                per_second_limit: None,
                answer_seconds: Some(2.61),
                usual_seconds: None,
                failed: None,
                why: Some("busy".to_owned()),
                suspended: None,
                limited: None,
            }],
            accounts: Vec::new(),
            says: Some("31003 is slow".to_owned()),
        };
        let account = AccountQueue {
            account: "ac\u{1b}[2Jme".to_owned(),
            waiting: 119,
            sending: 1,
            parked: 0,
            at_carrier: 3,
            callbacks_owed: 7,
            callbacks_failed: 0,
            callback_oldest_seconds: Some(600.0),
        };
        Screen { carriers: vec![carrier], accounts: vec![account], ..Screen::default() }
    }

    fn drawn(screen: &Screen) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(90, 8)).unwrap();
        terminal.draw(|frame| draw(frame, screen)).unwrap();
        let buffer = terminal.backend().buffer();
        let line = |row| (0..90).map(|column| buffer[(column, row)].symbol()).collect::<String>();
        (0..8).map(|row| line(row).trim_end().to_owned()).collect()
    }

    fn key(screen: &mut Screen, code: KeyCode, modifiers: KeyModifiers) -> Wish {
        wish(screen, &Event::Key(KeyEvent::new(code, modifiers)))
    }

    #[test]
    fn a_carrier_is_shown_with_its_connections_and_what_is_out_of_the_ordinary() {
        let lines = drawn(&screen());
        assert_eq!(
            lines[0],
            "carrier                  waits      oldest   sending      parked       at carrier"
        );
        assert_eq!(lines[1], "31003                    119        34s      1            0            3");
        assert_eq!(lines[2], "  vzw-1 throttled busy   1/2        of 16                 2.61 s");
        assert_eq!(lines[6], "31003 is slow");
        assert_eq!(lines[7], "a accounts  c carriers  Space pause  q quit");
    }

    #[test]
    fn keys_choose_what_is_shown_and_nothing_that_is_shown_is_obeyed() {
        let mut screen = screen();
        assert_eq!(key(&mut screen, KeyCode::Char('a'), KeyModifiers::NONE), Wish::Nothing);
        screen.trouble = Some("not live: no connection".to_owned());
        let lines = drawn(&screen);
        assert!(lines[1].starts_with("ac\\u{1b}[2Jme") && lines[1].ends_with("10m"), "{lines:?}");
        assert_eq!(lines[6], "not live: no connection");
        assert_eq!(key(&mut screen, KeyCode::Char(' '), KeyModifiers::NONE), Wish::Look);
        assert!(drawn(&screen)[7].ends_with("paused"));
        assert_eq!(key(&mut screen, KeyCode::Char('c'), KeyModifiers::CONTROL), Wish::End);
        assert_eq!(key(&mut screen, KeyCode::Char('q'), KeyModifiers::NONE), Wish::End);
    }
}
