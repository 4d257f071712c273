//! Plans of a run: stored by the first read, concluded by the second.

use sqlx::postgres::PgArguments;
use sqlx::types::Json;
use sqlx::{Arguments, PgConnection};
use trueup_judge::{ChainKey, Drift, EntityKind, Plan, PlanId, RowIdentity, RunId, Verdict, Withheld};

/// What a first read found.
#[derive(Debug, Clone)]
pub struct NewPlan {
    /// The run.
    pub run: RunId,
    /// The kind.
    pub kind: EntityKind,
    /// The row; none for one that is missing.
    pub identity: Option<RowIdentity>,
    /// The chain key, where the row has one.
    pub chain_key: Option<ChainKey>,
    /// What would mend it.
    pub plan: Plan,
}

/// A plan that waits for its second read.
#[derive(Debug, Clone)]
pub struct StoredPlan {
    /// Its id.
    pub id: PlanId,
    /// Its content.
    pub body: NewPlan,
    /// A person has approved exactly this; none for a plan of an ordinary run.
    pub approval: Option<Approval>,
}

/// Who approved a plan, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// What a repair came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepairState {
    /// Written as planned.
    Repaired,
    /// Written, and something in the database made another value of it.
    Altered,
    /// Not written: the row was no longer what had been judged.
    Superseded,
    /// Not written: the database refused it, or it would lose digits.
    Refused,
    /// Not written: trueup held it back.
    Withheld,
}

impl RepairState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repaired => "repaired",
            Self::Altered => "altered",
            Self::Superseded => "superseded",
            Self::Refused => "refused",
            Self::Withheld => "withheld",
        }
    }
}

/// How a plan ended.
#[derive(Debug, Clone)]
pub struct Conclusion {
    /// The plan.
    pub plan: PlanId,
    /// The chain key at the second read: a row may have been given its true key meanwhile.
    pub chain_key: Option<ChainKey>,
    /// The verdict that its entity has now.
    pub verdict: Verdict,
    /// The plan of the second read; none where nothing was confirmed.
    pub confirmed: Option<Plan>,
    /// For each confirmed drift, its priority if it has one; empty where nothing was confirmed.
    pub priorities: Vec<Option<&'static str>>,
    /// What its repair came to; none where none was tried.
    pub repair: Option<RepairState>,
    /// Why, for people.
    pub detail: Option<String>,
}

/// Stores plans. One that its run has already is replaced: the job ran again before its first answer was acked.
///
/// # Errors
/// What Postgres said.
pub async fn insert_plans(conn: &mut PgConnection, plans: &[NewPlan]) -> Result<(), sqlx::Error> {
    for with_row in [true, false] {
        let part: Vec<&NewPlan> = plans.iter().filter(|plan| plan.identity.is_some() == with_row).collect();
        if part.is_empty() {
            continue;
        }
        let conflict =
            if with_row { "(run, kind, identity) WHERE identity IS NOT NULL" } else { "(run, kind, chain_key) WHERE identity IS NULL" };
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "INSERT INTO trueup.plans (run, kind, identity, chain_key, plan)
             SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::jsonb[])
             ON CONFLICT {conflict} DO UPDATE SET plan = excluded.plan, chain_key = excluded.chain_key"
        )))
        .bind(part.iter().map(|plan| plan.run.0).collect::<Vec<_>>())
        .bind(part.iter().map(|plan| plan.kind.0.as_str()).collect::<Vec<_>>())
        .bind(part.iter().map(|plan| plan.identity.as_ref().map(|it| it.0.as_str())).collect::<Vec<_>>())
        .bind(part.iter().map(|plan| plan.chain_key.as_ref().map(|it| it.0.as_str())).collect::<Vec<_>>())
        .bind(part.iter().map(|plan| Json(&plan.plan)).collect::<Vec<_>>())
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Loads plans by id; those that do not exist are left out.
///
/// # Errors
/// What Postgres said, or a plan of a newer trueup.
pub async fn load_plans(conn: &mut PgConnection, ids: &[PlanId]) -> Result<Vec<StoredPlan>, sqlx::Error> {
    type Row = (i64, i64, String, Option<String>, Option<String>, Json<Plan>, Option<String>, Option<String>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT p.id, p.run, p.kind, p.identity, p.chain_key, p.plan, a.decided_by, a.decision_reason
         FROM trueup.plans AS p LEFT JOIN trueup.plans AS a ON a.id = p.approves AND a.decision = 'approved' WHERE p.id = ANY($1)",
    )
    .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(id, run, kind, identity, chain_key, Json(plan), actor, reason)| StoredPlan {
            id: PlanId(id),
            body: NewPlan {
                run: RunId(run),
                kind: EntityKind(kind),
                identity: identity.map(RowIdentity),
                chain_key: chain_key.map(ChainKey),
                plan,
            },
            approval: actor.zip(reason).map(|(actor, reason)| Approval { actor, reason }),
        })
        .collect())
}

/// Keeps what a second read found as the first read of the next look.
///
/// # Errors
/// What Postgres said.
pub async fn keep_second_read(conn: &mut PgConnection, plans: &[(PlanId, Option<ChainKey>, Plan)]) -> Result<(), sqlx::Error> {
    if plans.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE trueup.plans AS p SET plan = n.plan, chain_key = coalesce(n.chain_key, p.chain_key)
         FROM unnest($1::bigint[], $2::text[], $3::jsonb[]) AS n (id, chain_key, plan) WHERE p.id = n.id",
    )
    .bind(plans.iter().map(|(id, ..)| id.0).collect::<Vec<_>>())
    .bind(plans.iter().map(|(_, key, _)| key.as_ref().map(|it| it.0.as_str())).collect::<Vec<_>>())
    .bind(plans.iter().map(|(.., plan)| Json(plan)).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes how plans ended, and a line for each confirmed drift.
///
/// # Errors
/// What Postgres said.
pub async fn conclude(conn: &mut PgConnection, conclusions: &[Conclusion]) -> Result<(), sqlx::Error> {
    if conclusions.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE trueup.plans AS p
         SET verdict = n.verdict, plan = coalesce(n.plan, p.plan), repair = n.repair, detail = n.detail, chain_key = n.chain_key
         FROM unnest($1::bigint[], $2::text[], $3::jsonb[], $4::text[], $5::text[], $6::text[])
              AS n (id, verdict, plan, repair, detail, chain_key)
         WHERE p.id = n.id",
    )
    .bind(conclusions.iter().map(|it| it.plan.0).collect::<Vec<_>>())
    .bind(conclusions.iter().map(|it| it.verdict.to_string()).collect::<Vec<_>>())
    .bind(conclusions.iter().map(|it| it.confirmed.as_ref().map(Json)).collect::<Vec<_>>())
    .bind(conclusions.iter().map(|it| it.repair.map(RepairState::as_str)).collect::<Vec<_>>())
    .bind(conclusions.iter().map(|it| it.detail.as_deref()).collect::<Vec<_>>())
    .bind(conclusions.iter().map(|it| it.chain_key.as_ref().map(|key| key.0.as_str())).collect::<Vec<_>>())
    .execute(&mut *conn)
    .await?;
    let drifts: Vec<(PlanId, &Drift, Option<&str>)> = conclusions
        .iter()
        .filter_map(|it| it.confirmed.as_ref().map(|plan| (it, plan)))
        .flat_map(|(it, plan)| {
            plan.drifts.iter().enumerate().map(|(index, drift)| (it.plan, drift, it.priorities.get(index).copied().flatten()))
        })
        .collect();
    sqlx::query(
        "INSERT INTO trueup.drifts (run, plan, kind, identity, chain_key, class, field, db_value, chain_value, priority, withheld)
         SELECT p.run, p.id, p.kind, p.identity, p.chain_key, n.class, n.field, n.db, n.chain, n.priority, n.withheld
         FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
              AS n (plan, class, field, db, chain, priority, withheld)
         JOIN trueup.plans AS p ON p.id = n.plan",
    )
    .bind(drifts.iter().map(|(plan, ..)| plan.0).collect::<Vec<_>>())
    .bind(drifts.iter().map(|(_, drift, _)| drift.class.as_str()).collect::<Vec<_>>())
    .bind(drifts.iter().map(|(_, drift, _)| drift.field.as_str()).collect::<Vec<_>>())
    .bind(drifts.iter().map(|(_, drift, _)| drift.db.as_deref()).collect::<Vec<_>>())
    .bind(drifts.iter().map(|(_, drift, _)| drift.chain.as_deref()).collect::<Vec<_>>())
    .bind(drifts.iter().map(|(.., priority)| *priority).collect::<Vec<_>>())
    .bind(drifts.iter().map(|(_, drift, _)| drift.withheld.map(Withheld::as_str)).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that the jobs of these plans failed for good, with the reason.
///
/// # Errors
/// What Postgres said.
pub async fn fail_plans(conn: &mut PgConnection, plans: &[(PlanId, String)]) -> Result<(), sqlx::Error> {
    if plans.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE trueup.plans AS p SET verdict = $3, detail = n.detail
         FROM unnest($1::bigint[], $2::text[]) AS n (id, detail) WHERE p.id = n.id AND p.verdict IS NULL",
    )
    .bind(plans.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
    .bind(plans.iter().map(|(_, detail)| detail.as_str()).collect::<Vec<_>>())
    .bind(Verdict::Failed.to_string())
    .execute(conn)
    .await?;
    Ok(())
}

/// What enqueues the confirmations of a run's plans of one kind: a SELECT of (key text, ord bigint), with its binds.
///
/// # Errors
/// A bind does not encode, which does not happen.
pub fn plans_to_confirm(run: RunId, kind: &EntityKind) -> Result<(&'static str, PgArguments), sqlx::Error> {
    let mut binds = PgArguments::default();
    binds.add(run.0).map_err(sqlx::Error::Encode)?;
    binds.add(kind.0.as_str()).map_err(sqlx::Error::Encode)?;
    Ok(("SELECT id::text, id FROM trueup.plans WHERE run = $1 AND kind = $2 AND verdict IS NULL", binds))
}

/// The plans of a run of one kind that wait for their second read.
///
/// # Errors
/// What Postgres said.
pub async fn plans_waiting(conn: &mut PgConnection, run: RunId, kind: &EntityKind) -> Result<Vec<PlanId>, sqlx::Error> {
    let (select, binds) = plans_to_confirm(run, kind)?;
    let plans: Vec<(String, i64)> = sqlx::query_as_with(select, binds).fetch_all(conn).await?;
    Ok(plans.into_iter().map(|(_, id)| PlanId(id)).collect())
}
