//! `posthouse users`: who signs in at the pages with a password.

use std::process::ExitCode;

use jiff::Timestamp;
use posthouse_api::{IssuedLink, RoleRequest, UserRequest, UserView};
use serde_json::json;

use crate::{
    print,
    target::settings_of,
    via::{Via, ViaArgs},
    wait::wait_for,
};

/// The arguments of `posthouse users`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Add a user, and print the link by which the password is set
    Add(Add),
    /// List users
    List(List),
    /// Give a user another role, which ends the user's sessions
    Role(Role),
    /// End a user's password and sessions, and print the link by which another password is set
    Reset(Named),
    /// Remove a user, and end the user's sessions
    Remove(Remove),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse users add ann --role admin
  posthouse users add bob --role support --url https://gateway.example:8080

The link is good for 10 minutes and once: whoever opens it chooses the password, which nobody else ever sees. Roles are those of `posthouse tokens`: \
viewer, support, operator, admin, vasp:ACCOUNT. See docs/ui.md.")]
struct Add {
    #[command(flatten)]
    via: ViaArgs,
    /// The name, by which one signs in, and which timelines and the audit tell
    name: String,
    /// What the user may do: viewer, support, operator, admin, or vasp:ACCOUNT
    #[arg(long)]
    role: String,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse users list
  posthouse users list --json -c /etc/posthouse.toml")]
struct List {
    #[command(flatten)]
    via: ViaArgs,
}

#[derive(clap::Args)]
#[command(after_help = "\
Example:
  posthouse users role ann operator --reason \"on call from Monday\"")]
struct Role {
    #[command(flatten)]
    via: ViaArgs,
    /// The user's name
    name: String,
    /// What the user may do from now on
    role: String,
}

#[derive(clap::Args)]
#[command(after_help = "\
Example:
  posthouse users reset ann

The password is no good any more from this moment on. The link is good for 10 minutes and once.")]
struct Named {
    #[command(flatten)]
    via: ViaArgs,
    /// The user's name
    name: String,
}

#[derive(clap::Args)]
#[command(after_help = "\
Example:
  posthouse users remove ann --reason \"ann left\"

Tokens of the same name stay: `posthouse tokens revoke` ends them.")]
struct Remove {
    #[command(flatten)]
    via: ViaArgs,
    /// The user's name
    name: String,
}

/// Does it.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    wait_for(async {
        match &args.command {
            Command::Add(args) => args.run().await,
            Command::List(args) => args.run().await,
            Command::Role(args) => args.run().await,
            Command::Reset(args) => args.run().await,
            Command::Remove(args) => args.run().await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Add {
    async fn run(&self) -> anyhow::Result<()> {
        let request = UserRequest { name: self.name.clone(), role: self.role.clone() };
        let via = self.via.open().await?;
        let issued = via.add_user(&request).await;
        let place = place(&via, &self.via)?;
        via.close().await?;
        print_link(issued?, &place, self.via.json)
    }
}

impl Named {
    async fn run(&self) -> anyhow::Result<()> {
        let via = self.via.open().await?;
        let issued = via.reset_password(&self.name).await;
        let place = place(&via, &self.via)?;
        via.close().await?;
        print_link(issued?, &place, self.via.json)
    }
}

/// Where a browser finds the admin door: the gateway that was asked, or else the one that the configuration describes.
fn place(via: &Via, args: &ViaArgs) -> anyhow::Result<String> {
    if let Via::Gateway(api) = via {
        return Ok(api.url().trim_end_matches('/').to_owned());
    }
    let admin = settings_of(args.config.as_deref())?.admin;
    let scheme = if admin.tls.is_some() { "https" } else { "http" };
    Ok(match admin.listen {
        any if any.ip().is_unspecified() => format!("{scheme}://localhost:{}", any.port()),
        listen => format!("{scheme}://{listen}"),
    })
}

fn print_link(issued: IssuedLink, place: &str, as_json: bool) -> anyhow::Result<()> {
    let issued = IssuedLink { link: format!("{place}{}", issued.link), ..issued };
    let mut out = print::stdout();
    if as_json {
        out.json(&issued)?;
        return Ok(());
    }
    writeln!(out, "{}", issued.link)?;
    let until = issued.view.link_expires_at.map(|until| format!("{until:.0}")).unwrap_or_default();
    writeln!(
        print::stderr(),
        "{} is {}, and sets a password by this link till {until}; it is not shown again",
        issued.view.name,
        issued.view.role
    )?;
    Ok(())
}

impl List {
    async fn run(&self) -> anyhow::Result<()> {
        let users = self.via.ask(async |via| via.users().await).await?;
        let mut out = print::stdout();
        if self.via.json {
            out.json(&json!({ "items": users }))?;
            return Ok(());
        }
        if users.is_empty() {
            writeln!(out, "there are no users; posthouse users add makes one")?;
        }
        for UserView { name, role, has_password, signed_in_at, .. } in &users {
            let password = if *has_password { "password set" } else { "no password" };
            let told = |time: &Option<Timestamp>| {
                time.map_or_else(|| "never".to_owned(), |time| format!("{time:.0}"))
            };
            writeln!(out, "{name:<20}  {role:<16}  {password:<12}  signed in {}", told(signed_in_at))?;
        }
        Ok(())
    }
}

impl Role {
    async fn run(&self) -> anyhow::Result<()> {
        let changed = self
            .via
            .ask(async |via| via.set_role(&self.name, &RoleRequest { role: self.role.clone() }).await)
            .await?;
        Ok(print::outcome(
            self.via.json,
            &changed,
            format_args!("{} is {} from now on", changed.name, changed.role),
        )?)
    }
}

impl Remove {
    async fn run(&self) -> anyhow::Result<()> {
        let removed = self.via.ask(async |via| via.remove_user(&self.name).await).await?;
        Ok(print::outcome(self.via.json, &removed, format_args!("user {} is there no more", removed.name))?)
    }
}
