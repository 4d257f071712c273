//! Undoing a repair, by the rule by which it was done.

use std::collections::BTreeMap;

use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, query::QueryAs};
use trueup_judge::EntityKind;

use super::execute::Session;
use super::unresolve::{self, Resolution};
use super::{RevertOutcome, aftermath};
use crate::bind::{Bound, Column};
use crate::error::{Blame, blame, sentence};
use crate::identity::{names_row, parts};
use crate::sql::{ident, list};
use crate::{DatabaseError, Statements};

pub(super) type Texts = BTreeMap<String, Option<String>>;

/// What was set back.
pub(super) struct SetBack {
    /// The row as it is named now.
    pub identity: String,
    /// The columns as they are now.
    pub after: Texts,
}

#[derive(FromRow)]
struct Repair {
    kind: String,
    table_name: String,
    identity: String,
    chain_key: Option<String>,
    action: String,
    before: Json<Texts>,
    after: Json<Texts>,
    resolution: Option<Json<Resolution>>,
    reverted_by: Option<i64>,
}

pub(crate) async fn revert(
    bound: &Bound,
    kind: &EntityKind,
    statements: &Statements,
    tx: &mut PgConnection,
    id: i64,
    actor: &str,
    reason: Option<&str>,
) -> Result<RevertOutcome, DatabaseError> {
    statements.add();
    // Locked first and read after it, so that of two reverts at once the second one sees the first.
    sqlx::query("SELECT FROM trueup.repairs WHERE id = $1 FOR UPDATE").bind(id).execute(&mut *tx).await?;
    statements.add();
    let repair: Option<Repair> = sqlx::query_as(
        "SELECT r.kind, r.table_name, r.identity, r.chain_key, r.action, r.before, r.after, r.resolution,
                (SELECT u.id FROM trueup.repairs AS u WHERE u.reverts = r.id) AS reverted_by
         FROM trueup.repairs AS r WHERE r.id = $1",
    )
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?;
    let refuse = |why: String| Ok(RevertOutcome::Refused { why });
    let Some(repair) = repair else { return refuse(format!("there is no repair {id}")) };
    if let Some(why) = obstacle(bound, kind, id, &repair) {
        return refuse(why);
    }
    let columns: Option<Vec<Column>> = repair.before.keys().map(|name| bound.table.column(name).cloned()).collect();
    let (Some(columns), Ok(parts)) = (columns, parts(&repair.identity, bound.identity.len())) else {
        return refuse(format!("the columns or the primary key of {} have changed since repair {id}", bound.table.display()));
    };

    let mut session = Session { tx, statements };
    // A deferred constraint would else be violated at commit, which is no refusal but an error.
    session.say("SET CONSTRAINTS ALL IMMEDIATE").await?;
    session.say("SAVEPOINT trueup_repair").await?;
    let attempt = match &repair.resolution {
        Some(Json(resolution)) => {
            let texts = [&repair.before.0, &repair.after.0];
            unresolve::set_back(&mut session, bound, &kind.0, &columns, &parts, texts, resolution).await
        }
        None => set_back(&mut session, bound, &columns, &parts, &repair).await,
    };
    let done = match attempt {
        Ok(Some(done)) => done,
        Ok(None) => {
            session.undo().await?;
            let why = match repair.resolution {
                Some(_) => "the row, or a row that refers to it, has moved on",
                None => "the row has moved on",
            };
            return refuse(format!("{why}: what repair {id} wrote is no longer there, so there is nothing to set back"));
        }
        Err(error) if matches!(blame(&error), Blame::Passing) => return Err(error.into()),
        Err(error) => {
            session.undo().await?;
            return refuse(sentence(&error));
        }
    };
    let done = SetBack { after: aftermath::as_it_is(&mut session, bound, &columns, &done.identity).await?, ..done };
    let own = audit(&mut session, id, &repair, &done, actor, reason).await?;
    let held: Vec<String> = repair.before.keys().cloned().collect();
    hold(&mut session, &repair, &done.identity, own, &held, actor, reason).await?;
    session.say("RELEASE SAVEPOINT trueup_repair").await?;
    Ok(RevertOutcome::Reverted { repair: own, held })
}

/// Why a repair cannot be undone, whatever the row holds now.
fn obstacle(bound: &Bound, kind: &EntityKind, id: i64, repair: &Repair) -> Option<String> {
    if let Some(by) = repair.reverted_by {
        return Some(format!("repair {id} was reverted before, by repair {by}"));
    }
    match repair.action.as_str() {
        "update" | "resolve" => {}
        "insert" => return Some(format!("repair {id} inserted the row, and a row is never deleted; delete it by hand if it must go")),
        _ => return Some(format!("repair {id} is itself a revert; release what it holds, and the next sweep repairs the row")),
    }
    if repair.kind != kind.0 {
        return Some(format!("repair {id} is of kind `{}`, not `{kind}`", repair.kind));
    }
    if repair.table_name != bound.table.display() {
        return Some(format!("repair {id} wrote to {}, and kind `{kind}` is now in {}", repair.table_name, bound.table.display()));
    }
    repair.before.is_empty().then(|| format!("repair {id} wrote nothing"))
}

/// Sets the columns back if they are as the repair left them; none if they are not.
async fn set_back(
    session: &mut Session<'_>,
    bound: &Bound,
    columns: &[Column],
    parts: &[String],
    repair: &Repair,
) -> Result<Option<SetBack>, sqlx::Error> {
    let count = columns.len();
    let set =
        columns.iter().enumerate().map(|(index, column)| format!("{} = (${}::text)::{}", ident(&column.name), index + 1, column.type_sql));
    let same = columns
        .iter()
        .enumerate()
        .map(|(index, column)| format!(" AND ({}::text COLLATE \"C\") IS NOT DISTINCT FROM ${}::text", column.of("db"), count + index + 1));
    let names = list(columns.iter().map(|column| crate::sql::literal(&column.name)));
    let texts = list(columns.iter().map(|column| format!("{}::text", column.of("db"))));
    let sql = format!(
        "UPDATE {table} AS db SET {set} WHERE {row}{same} RETURNING jsonb_object(ARRAY[{names}]::text[], ARRAY[{texts}]::text[])",
        table = bound.table.sql(),
        set = list(set),
        row = names_row(&bound.identity, "db", |index| format!("${}::text", 2 * count + index + 1)),
        same = same.collect::<String>(),
    );
    let mut query: QueryAs<'_, _, (Json<Texts>,), _> = sqlx::query_as(AssertSqlSafe(sql));
    for texts in [&repair.before, &repair.after] {
        for column in columns {
            query = query.bind(texts.get(&column.name).cloned().flatten());
        }
    }
    for part in parts {
        query = query.bind(part.clone());
    }
    session.statements.add();
    Ok(query.fetch_optional(&mut *session.tx).await?.map(|(Json(after),)| SetBack { identity: repair.identity.clone(), after }))
}

async fn audit(
    session: &mut Session<'_>,
    id: i64,
    repair: &Repair,
    done: &SetBack,
    actor: &str,
    reason: Option<&str>,
) -> Result<i64, sqlx::Error> {
    session.statements.add();
    sqlx::query_scalar(
        "INSERT INTO trueup.repairs (kind, table_name, identity, chain_key, action, before, intended, after, altered, actor, reason, reverts, resolution)
         VALUES ($1, $2, $3, $4, 'revert', $5, $6, $7, $8, $9, $10, $11,
                 (SELECT r.resolution || jsonb_build_object('from', r.identity) FROM trueup.repairs AS r WHERE r.id = $11)) RETURNING id",
    )
    .bind(&repair.kind)
    .bind(&repair.table_name)
    .bind(&done.identity)
    .bind(&repair.chain_key)
    .bind(&repair.after)
    .bind(&repair.before)
    .bind(Json(&done.after))
    .bind(done.after != repair.before.0)
    .bind(actor)
    .bind(reason)
    .bind(id)
    .fetch_one(&mut *session.tx)
    .await
}

async fn hold(
    session: &mut Session<'_>,
    repair: &Repair,
    identity: &str,
    own: i64,
    columns: &[String],
    actor: &str,
    reason: Option<&str>,
) -> Result<(), sqlx::Error> {
    session.statements.add();
    sqlx::query(
        "INSERT INTO trueup.holds (kind, identity, column_name, repair, actor, reason)
         SELECT $1, $2, name, $4, $5, $6 FROM unnest($3::text[]) AS name
         ON CONFLICT (kind, identity, column_name) DO UPDATE
         SET repair = excluded.repair, actor = excluded.actor, reason = excluded.reason, held_at = now()",
    )
    .bind(&repair.kind)
    .bind(identity)
    .bind(columns)
    .bind(own)
    .bind(actor)
    .bind(reason)
    .execute(&mut *session.tx)
    .await
    .map(drop)
}
