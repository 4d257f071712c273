use sqlx::PgConnection;

/// What became of an acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    /// It is recorded; what was accepted before, if anything was.
    Recorded {
        /// What was accepted before.
        previous: Option<String>,
    },
    /// It is what is accepted already; nothing is written.
    AlreadyAccepted,
}

/// Accepts what a contract runs. The caller has made sure that it is what the chain shows. To be called in a
/// transaction, which the caller commits.
///
/// # Errors
/// What Postgres said.
pub async fn accept(
    conn: &mut PgConnection,
    contract: &str,
    executable: &str,
    actor: &str,
    reason: &str,
) -> Result<Acceptance, sqlx::Error> {
    // Two people accept one after the other, so that each record names what was really before it.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('trueup contract ' || $1, 0))").bind(contract).execute(&mut *conn).await?;
    let previous: Option<String> =
        sqlx::query_scalar("SELECT executable FROM trueup.contracts WHERE contract = $1 ORDER BY id DESC LIMIT 1")
            .bind(contract)
            .fetch_optional(&mut *conn)
            .await?;
    if previous.as_deref() == Some(executable) {
        return Ok(Acceptance::AlreadyAccepted);
    }
    sqlx::query("INSERT INTO trueup.contracts (contract, executable, previous, actor, reason) VALUES ($1, $2, $3, $4, $5)")
        .bind(contract)
        .bind(executable)
        .bind(&previous)
        .bind(actor)
        .bind(reason)
        .execute(conn)
        .await?;
    Ok(Acceptance::Recorded { previous })
}
