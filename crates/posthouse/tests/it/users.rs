//! People who sign in with a password: from the command that adds them to the session that outlives a restart.

use serde_json::{Value, json};

use crate::{
    api::{Said, ask},
    process::{Gateway, folder, told},
};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const PASSWORD: &str = "correct+horse+battery";

/// The path and query of a link.
#[track_caller]
fn path_of<'l>(link: &'l str, admin: &str) -> &'l str {
    link.trim().strip_prefix(admin).unwrap_or_else(|| panic!("{link} is not at {admin}"))
}

/// The cookie that an answer sets.
#[track_caller]
fn cookie(said: &Said) -> String {
    assert_eq!(said.status, 303, "{}", said.body);
    let set = said.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(set.ends_with("; path=/; secure; httponly; samesite=lax; max-age=28800"), "{set}");
    format!("Cookie: __Host-posthouse={}", set.split(['=', ';']).nth(1).unwrap())
}

async fn sign_in(admin: &str, name: &str, password: &str) -> Said {
    let form = format!("name={name}&password={password}&next=%2Fqueues");
    ask(admin, "POST", "/sign-in", &[FORM], &form).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_sets_a_password_by_a_link_and_stays_signed_in_over_a_restart() {
    let folder = folder();
    let gateway = Gateway::start(folder.path());
    let admin = gateway.admin.clone();
    let link = told(folder.path(), &["users", "add", "ann", "--role", "admin"]);
    let path = path_of(&link, &admin);
    let page = ask(&admin, "GET", path, &[], "").await;
    assert!(page.status == 200 && page.body.contains("value=\"ann\" readonly"), "{}", page.body);
    assert!(page.head.contains("referrer-policy: no-referrer\r\n"), "the link is a secret");

    let secret = path.split_once('=').unwrap().1;
    let set = async |password: &str, again: &str| {
        let form = format!("link={secret}&password={password}&again={again}");
        ask(&admin, "POST", "/set-password", &[FORM], &form).await
    };
    for (password, again, fault) in [
        ("short", "short", "this is too short; write 12 characters or more, such as four words"),
        (PASSWORD, "correct+horse+batterz", "the two are not the same; write the same password twice"),
    ] {
        let refused = set(password, again).await;
        assert!(refused.status == 400 && refused.body.contains(fault), "{}", refused.body);
    }
    let elsewhere = ask(&admin, "POST", "/set-password", &[FORM, "Sec-Fetch-Site: cross-site"], "").await;
    assert_eq!(elsewhere.status, 403);
    let first = cookie(&set(PASSWORD, PASSWORD).await);
    assert_eq!(ask(&admin, "GET", "/queues", &[&first], "").await.status, 200);
    assert_eq!(set(PASSWORD, PASSWORD).await.status, 404, "a link is good once");
    assert_eq!(ask(&admin, "GET", path, &[], "").await.status, 404);

    for (name, password) in [("ann", "wrong+horse+battery"), ("eve", PASSWORD)] {
        let refused = sign_in(&admin, name, password).await;
        assert!(
            refused.status == 401 && refused.body.contains("This name or this password is wrong."),
            "{}",
            refused.body
        );
        assert!(!refused.head.contains("set-cookie"));
    }
    let said = sign_in(&admin, "ann", PASSWORD).await;
    assert!(said.head.contains("location: /queues\r\n"), "{}", said.head);
    let second = cookie(&said);

    gateway.program.signal("TERM");
    drop(gateway.program.ended());
    let gateway = Gateway::start(folder.path());
    let admin = gateway.admin.clone();
    let page = ask(&admin, "GET", "/users", &[&second], "").await;
    assert!(page.status == 200 && page.body.contains("Reset password"), "{}", page.body);
    let listed: Value = serde_json::from_str(&told(folder.path(), &["sessions", "list", "--json"])).unwrap();
    let sessions = listed["items"].as_array().unwrap();
    assert_eq!(sessions.len(), 2, "{listed}");
    assert_eq!((&sessions[0]["name"], &sessions[0]["begun_with"]), (&json!("ann"), &json!("user")));

    assert_eq!(ask(&admin, "POST", "/sign-out", &[&first], "").await.status, 303);
    assert_eq!(ask(&admin, "GET", "/queues", &[&first], "").await.status, 303, "it is over");
    let said = told(folder.path(), &["users", "role", "ann", "viewer"]);
    assert_eq!(said, "ann is viewer from now on\n");
    assert_eq!(ask(&admin, "GET", "/queues", &[&second], "").await.status, 303, "the role is another one");
    let third = cookie(&sign_in(&admin, "ann", PASSWORD).await);
    assert_eq!(ask(&admin, "GET", "/users", &[&third], "").await.status, 403, "a viewer sees no users");
    told(folder.path(), &["users", "reset", "ann"]);
    assert_eq!(sign_in(&admin, "ann", PASSWORD).await.status, 401, "the password is over");
    assert_eq!(told(folder.path(), &["users", "remove", "ann"]), "user ann is there no more\n");
    assert_eq!(told(folder.path(), &["sessions", "list"]), "nobody is signed in\n");

    let audit = told(folder.path(), &["audit", "--target", "user ann", "--limit", "2"]);
    let lines: Vec<_> = audit.lines().collect();
    assert!(
        lines[0].ends_with("  remove-user user ann") && lines[0].contains(" (admin, run from 127.0.0.1)"),
        "{audit}"
    );
    assert_eq!(lines[1], "    was viewer", "{audit}");
    assert!(lines[2].ends_with("  reset-password user ann"), "{audit}");
    assert!(audit.lines().last().unwrap().starts_with("there is more: --cursor "), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_do_all_of_it_on_a_page() {
    let town = crate::api::town().await;
    let admin = town.app.ready().admin.clone();
    let root = cookie(&ask(&admin, "POST", "/sign-in", &[FORM], "token=hush-hush").await);
    let own = [root.as_str(), FORM, "Sec-Fetch-Site: same-origin", "Origin: https://gw.example"];
    let added = ask(&admin, "POST", "/users/add/user", &own, "name=bob&role=support").await;
    assert_eq!(added.status, 200, "{}", added.body);
    let link = added.body.split("https://gw.example/set-password?link=").nth(1).unwrap();
    let secret = link.split('<').next().unwrap();
    let form = format!("link={secret}&password={PASSWORD}&again={PASSWORD}");
    let bob = cookie(&ask(&admin, "POST", "/set-password", &[FORM], &form).await);
    assert_eq!(ask(&admin, "GET", "/queues", &[&bob], "").await.status, 200);
    let twice = ask(&admin, "POST", "/users/add/user", &own, "name=bob&role=viewer").await;
    assert!(twice.status == 409 && twice.body.contains("there is a user bob already"), "{}", twice.body);
    let wrong = ask(&admin, "POST", "/users/add/user", &own, "name=b%20b&role=root").await;
    assert!(wrong.status == 400 && wrong.body.contains("is no role"), "{}", wrong.body);

    let bearer = "Authorization: Bearer hush-hush";
    let listed = ask(&admin, "GET", "/api/v1/sessions", &[bearer], "").await.json();
    let sessions = listed["items"].as_array().unwrap();
    let of_bob = sessions.iter().find(|one| one["name"] == "bob").unwrap();
    let end = format!("/users/{}/end", of_bob["id"].as_str().unwrap());
    assert_eq!(ask(&admin, "POST", &end, &own, "").await.status, 303);
    assert_eq!(ask(&admin, "GET", "/queues", &[&bob], "").await.status, 303, "it was ended");
    assert_eq!(ask(&admin, "POST", "/users/bob/role", &own, "role=operator").await.status, 303);
    let users = ask(&admin, "GET", "/api/v1/users", &[bearer], "").await.json();
    assert_eq!(
        (&users["items"][0]["name"], &users["items"][0]["role"], &users["items"][0]["has_password"]),
        (&json!("bob"), &json!("operator"), &json!(true))
    );
    let kept = ask(&admin, "GET", "/api/v1/audit", &[bearer], "").await.json();
    let verbs: Vec<_> = kept["items"].as_array().unwrap().iter().map(|row| &row["verb"]).collect();
    assert_eq!(
        verbs[..6],
        ["set-role", "end-session", "sign-in", "set-password", "add-user", "sign-in"],
        "{kept}"
    );
    let credential = kept["items"][0]["credential"].as_str().unwrap();
    assert!(credential.starts_with("session:"), "{credential}");
    town.close().await;
}
