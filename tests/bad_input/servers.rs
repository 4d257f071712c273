//! Databases and endpoints that are down, wrong, or not what they should be.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::applications::support::Application;
use crate::applications::support::application::ended;
use crate::bad_input::bank::{TABLES, assert_untouched, bank, chain, spec};

const REPAIR: [&str; 3] = ["run", "--mode", "repair"];

#[tokio::test]
async fn another_network() {
    let bank = bank(&spec()).await;
    let mut command = bank.command(&REPAIR);
    command.env("TRUEUP_NETWORK_PASSPHRASE", "Public Global Stellar Network ; September 2015");
    ended(command).await.refused(&[
        "belongs to the network `Somebody else's network ; 2026`",
        "Public Global",
        "correct the URL or the passphrase",
    ]);
    assert_untouched(&bank).await;
}

#[tokio::test]
async fn no_rpc_there() {
    let bank = bank(&spec()).await;
    for (url, part) in [("http://127.0.0.1:1", "cannot be reached"), ("nonsense", "is not a URL")] {
        bank.trueup(&["run", "--mode", "repair", "--rpc-url", url]).await.refused(&[part]);
    }
    assert_untouched(&bank).await;
}

/// Answers every request with that body, until the process ends.
fn serve(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
            });
        }
    });
    url
}

#[tokio::test]
async fn an_rpc_that_answers_garbage() {
    let bank = bank(&spec()).await;
    for body in ["<html>It works!</html>", "", "{}", r#"{"jsonrpc":"2.0","id":1,"result":{"passphrase":7}}"#, "[1,2,3]"] {
        let url = serve(body);
        bank.trueup(&["run", "--mode", "repair", "--rpc-url", &url]).await.refused(&["RPC 127.0.0.1:", "getNetwork"]);
    }
    assert_untouched(&bank).await;
}

#[tokio::test]
async fn no_database_there() {
    let bank = bank(&spec()).await;
    bank.trueup(&["run", "--database-url", "postgres://u:very-secret@127.0.0.1:1/x"])
        .await
        .refused(&["no Postgres answers at 127.0.0.1:1", "is the address right?"]);
    bank.trueup(&["run", "--database-url", "nonsense"]).await.refused(&["not valid", "postgres://USER:PASSWORD@HOST:PORT/DATABASE"]);
    let url = bank.database.url();
    let (server, _) = url.rsplit_once('/').expect("a database");
    bank.trueup(&["run", "--database-url", &format!("{server}/nowhere")]).await.refused(&["has no database `nowhere`", "CREATE DATABASE"]);
}

#[tokio::test]
async fn a_password_is_never_printed() {
    let bank = bank(&spec()).await;
    for url in ["postgres://u:very-secret@127.0.0.1:1/x", "postgres://u:very-secret@127.0.0.1:6543/x", "postgres://u:very-secret@:x/y"] {
        let said = bank.trueup(&["migrate", "--database-url", url]).await.expect(1);
        assert!(!said.err.contains("very-secret"), "{}", said.err);
    }
}

#[tokio::test]
async fn a_transaction_mode_pooler() {
    let bank = bank(&spec()).await;
    bank.trueup(&["run", "--database-url", "postgres://u@127.0.0.1:6543/x"]).await.refused(&["6543", "pooler", "5432"]);
}

#[tokio::test]
async fn a_database_without_schema_trueup() {
    let bank = Application::unmigrated(TABLES, &chain(), &spec()).await;
    for command in [&["run"][..], &["check"], &["jobs", "list"], &["report"], &["worker"], &["scheduler"], &["all"]] {
        bank.trueup(command).await.refused(&["schema trueup", "run `trueup migrate`"]);
    }
    assert_eq!(bank.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'trueup'").await, "0");
    bank.trueup(&["migrate"]).await.expect(0);
    bank.trueup(&["run"]).await.expect(0);
}

#[tokio::test]
async fn a_wrong_password() {
    let server = trueup_sandbox::Server::start().await.expect("a server of its own, since it asks for passwords");
    let pool = sqlx::PgPool::connect(&server.url("postgres")).await.expect("a connection");
    // The last reload is noticed by new connections at once, so that there is nothing to wait for but the first refusal.
    sqlx::raw_sql(
        r#"CREATE ROLE clerk LOGIN PASSWORD 'right';
           DO $$ BEGIN EXECUTE format('COPY (SELECT %L) TO %L', 'host all postgres all trust', current_setting('hba_file')); END $$;
           DO $$ BEGIN EXECUTE format('COPY (SELECT unnest(ARRAY[%L, %L])) TO %L', 'host all postgres all trust', 'host all all all scram-sha-256', current_setting('hba_file')); END $$;
           SELECT pg_reload_conf()"#,
    )
    .execute(&pool)
    .await
    .expect("passwords are asked for");
    let right = server.url("postgres").replace("postgres@", "clerk:right@");
    let wrong = right.replace(":right@", ":wrong@");
    while sqlx::PgPool::connect(&wrong).await.is_ok() {}
    let bank = bank(&spec()).await;
    bank.trueup(&["run", "--database-url", &wrong]).await.refused(&["does not let `clerk` in", "Check the user and the password"]);
    bank.trueup(&["run", "--database-url", &right]).await.refused(&["run `trueup migrate`"]);
}
