//! What tests do to jobs behind the queue's back, whichever engine it is on.

use sqlx::{AssertSqlSafe, Postgres, Transaction};
use trueup_queue::{GroupId, NewJob, enqueue};

use crate::support::Deployment;

/// The key of the job that looks at one row of a table whose ids follow each other, where each row is a range.
pub fn row(id: i64) -> String {
    let after = if id == 1 { "null".to_owned() } else { format!("\"{}\"", id - 1) };
    format!(r#"{{"after" : {after}, "last" : "{id}", "full" : true}}"#)
}

/// Adds a job by hand.
pub async fn add(deployment: &Deployment, run: i64, task: &str, kind: &str, key: &str) {
    let mut connection = deployment.pool().acquire().await.expect("a connection");
    let job = NewJob::new(GroupId(run), task, kind, key);
    assert_eq!(enqueue(&mut connection, &[job]).await.expect("added"), 1, "{task} {key}");
}

/// Ends the jobs of which a condition over `all_jobs` holds, whatever became of them before, and tells nobody. `note` is
/// the outcome of what is done, the error of what is dead.
pub async fn end(deployment: &Deployment, condition: &str, state: &str, note: &str) {
    let (outcome, error) =
        if state == "done" { (format!("'{note}'"), "NULL".to_owned()) } else { ("NULL".to_owned(), format!("'{note}'")) };
    deployment
        .sql(&format!(
            "UPDATE trueup.jobs SET state = '{state}', outcome = {outcome}, error = {error}, ended_at = now() WHERE {condition};
             INSERT INTO trueup.outcomes (job, group_id, chunk, lease, failures, looks, crashes, state, task, kind, key, outcome, error)
                 SELECT j.id, j.group_id, c.id, 0, failures, looks, crashes, '{state}', j.task, j.kind, j.key, {outcome}, {error}
                 FROM (SELECT * FROM trueup.all_jobs WHERE {condition}) AS j JOIN trueup.chunks AS c ON j.id = ANY (ids)
                 ON CONFLICT (job) DO UPDATE SET state = excluded.state, outcome = excluded.outcome, error = excluded.error"
        ))
        .await;
}

/// Takes jobs of a task away from whoever holds them, and makes them ready.
pub async fn take_away(deployment: &Deployment, task: &str) {
    deployment
        .sql(&format!(
            "UPDATE trueup.jobs SET state = 'ready', lease = 0 WHERE task = '{task}' AND state = 'leased';
             DELETE FROM trueup.leases AS l WHERE jobs IS NOT NULL
                 AND EXISTS (SELECT FROM trueup.all_jobs AS j WHERE j.lease = l.number AND j.task = '{task}' AND j.state = 'leased')"
        ))
        .await;
}

/// Forgets all jobs, as if they had been purged with their dead.
pub async fn forget(deployment: &Deployment) {
    deployment.sql("DELETE FROM trueup.jobs; DELETE FROM trueup.chunks; DELETE FROM trueup.outcomes; DELETE FROM trueup.attempts").await;
}

/// Makes a job that nobody has had yet one of another task and kind.
pub async fn rename(deployment: &Deployment, key: &str, task: &str, kind: &str) {
    deployment
        .sql(&format!(
            "UPDATE trueup.jobs SET task = '{task}', kind = '{kind}' WHERE key = '{key}';
             INSERT INTO trueup.chunks (group_id, task, kind, priority, ids, keys, first_id, last_id)
                 SELECT group_id, '{task}', '{kind}', priority, ARRAY[job], ARRAY['{key}'], job, job
                 FROM (SELECT *, ids[array_position(keys, '{key}')] AS job FROM trueup.chunks) AS c WHERE job IS NOT NULL;
             UPDATE trueup.chunks SET ids = array_remove(ids, ids[array_position(keys, '{key}')]), keys = array_remove(keys, '{key}')
                 WHERE '{key}' = ANY (keys) AND task <> '{task}' OR '{key}' = ANY (keys) AND kind <> '{kind}'"
        ))
        .await;
}

/// Begins what somebody does who acks a job: nobody can take it away until the transaction ends.
pub async fn lock(deployment: &Deployment, key: &str) -> Transaction<'static, Postgres> {
    deployment
        .sql(&format!(
            "INSERT INTO trueup.leases (number, worker, until, suspicion, alone, jobs)
             SELECT nextval('trueup.lease_numbers'), 'somebody', now(), 0, false, ARRAY[ids[array_position(keys, '{key}')]]
             FROM trueup.chunks WHERE '{key}' = ANY (keys)"
        ))
        .await;
    let mut transaction = deployment.pool().begin().await.expect("a transaction");
    for lock in [
        format!("SELECT FROM trueup.jobs WHERE key = '{key}' FOR UPDATE"),
        "SELECT FROM trueup.leases WHERE jobs IS NOT NULL FOR KEY SHARE".to_owned(),
    ] {
        sqlx::query(AssertSqlSafe(lock)).execute(&mut *transaction).await.expect("it is locked");
    }
    transaction
}
