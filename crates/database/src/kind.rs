use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use trueup_judge::{ChainKey, ProvisionalRules, RowIdentity, Rules};
use trueup_spec::{Priority, Spec};

use crate::bind::{self, Bound, Stability};
use crate::error::{Blame, QUERY_CANCELED, blame, code};
use crate::located::{Compare, Compared, Located, LocatedKey, LocatedParent, NewRow};
use crate::read::{
    self, Comparison, CreationEventSeen, CreationKey, Creations, Enumeration, KeyLocation, Location, NewRows, ParentLocation, RowRange,
    Sieve, Sieved, Waiting, WaitingRows,
};
use crate::repair::{self, Order, RepairOutcome, RevertOutcome};
use crate::sql::Select;
use crate::statements::Reading;
use crate::{BindError, DatabaseError, RowError, Statements, touches};

/// A spec bound to a database: its names looked up, its expressions prepared, its statements generated.
///
/// Reads go to any pool of the database with the session settings of [`crate::connect`]; canonical text depends on
/// them.
#[derive(Debug, Clone)]
pub struct Kind {
    spec: Arc<Spec>,
    bound: Bound,
    rules: Rules,
    warnings: Vec<String>,
    statements: Statements,
    location: Location,
    key_location: KeyLocation,
    parent_location: Option<ParentLocation>,
    comparison: Comparison,
    new_rows: NewRows,
    enumeration: Enumeration,
    provisional_rows: Option<String>,
    waiting_rows: Option<WaitingRows>,
    creations: Creations,
    event_touches: Option<String>,
    sieve: Result<Sieve, String>,
}

impl Kind {
    /// Binds a spec. Reads the catalog and has Postgres prepare every expression; reads no row and writes nothing.
    ///
    /// # Errors
    /// All that is wrong with the spec, each with file, line, column and the way out; or the database could not be
    /// asked.
    pub async fn bind(pool: &PgPool, spec: Arc<Spec>, statements: &Statements) -> Result<Self, BindError> {
        let mut conn = pool.acquire().await.map_err(DatabaseError::from)?;
        let binding = bind::bind(&mut conn, &spec, statements).await?;
        let bound = binding.bound;
        let stability = bind::stability(&mut conn, statements, &spec, &bound).await.map_err(DatabaseError::from)?;
        Ok(Self {
            location: Location::new(&bound, &spec.kind, stability.as_ref().ok()),
            key_location: KeyLocation::new(&bound, &spec.kind),
            parent_location: bound.parents.as_ref().map(|parents| ParentLocation::new(&bound, parents)),
            comparison: Comparison::new(&bound, &spec.kind),
            new_rows: NewRows::new(&bound, &spec.kind),
            enumeration: Enumeration::new(&bound),
            provisional_rows: read::provisional_rows(&bound, &spec.kind),
            waiting_rows: WaitingRows::new(&bound, &spec),
            creations: Creations::new(&bound),
            event_touches: touches::of_events(&spec, &bound),
            sieve: stability.map(|it: Stability| Sieve::new(&bound, &spec.kind, &it)),
            spec,
            bound,
            rules: binding.rules,
            warnings: binding.warnings,
            statements: statements.clone(),
        })
    }

    /// The spec.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What the spec decides. `insert_complete` says whether `[insert]`, the key and the fields name all that a row
    /// needs, and the role may insert it.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What stands in the way of a repair that the spec asks for, and what else an operator should know.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The priority of a condition, by its name (a drift's `field`).
    #[must_use]
    pub fn priority(&self, field: &str) -> Option<Priority> {
        self.bound.conditions.iter().find(|condition| condition.name == field).map(|condition| condition.priority)
    }

    /// The identities of rows after one, for which `where` holds, in the order of the primary key: columns `key` and
    /// `ord`.
    ///
    /// A row on which `where` fails to evaluate fails the whole select. Its chunk is then enqueued with
    /// [`Self::rows_after_unfiltered`]: [`Self::locate`] leaves out what `where` exempts, and gives the bad row its
    /// own error.
    #[must_use]
    pub fn rows_after(&self, after: Option<&RowIdentity>, limit: i64) -> Select {
        self.enumeration.rows_after(after, limit, true)
    }

    /// Like [`Self::rows_after`], without `where`.
    #[must_use]
    pub fn rows_after_unfiltered(&self, after: Option<&RowIdentity>, limit: i64) -> Select {
        self.enumeration.rows_after(after, limit, false)
    }

    /// Why its rows are all compared in every sweep, for people; none where a row that has not moved may be
    /// passed over.
    #[must_use]
    pub fn full_because(&self) -> Option<&str> {
        self.sieve.as_ref().err().map(String::as_str)
    }

    /// The rows after one, cut into ranges: columns `key`, a [`RowRange`] as JSON, and `ord`. `where` is not asked. The
    /// ranges are `full` if that is asked for, or if a row that has not moved may not be passed over.
    #[must_use]
    pub fn ranges_after(&self, after: Option<&RowIdentity>, ranges: i64, rows_per_range: i64, full: bool) -> Select {
        let rows = self.enumeration.rows_after(after, ranges.saturating_mul(rows_per_range), false);
        read::ranges(rows, after, rows_per_range, full || self.sieve.is_err())
    }

    /// Which rows of a range, among those that are not exempt, have moved since they were last in sync, as far as the
    /// table can tell; or why that cannot be told, where a row is to blame or the kind is swept in full.
    ///
    /// # Errors
    /// The statement failed and no row is to blame.
    pub async fn sieve(&self, pool: &PgPool, range: &RowRange) -> Result<Result<Sieved, RowError>, DatabaseError> {
        match &self.sieve {
            Ok(sieve) => sieve.run(pool, &self.statements, range).await,
            Err(why) => Ok(Err(RowError::new(why.as_str()))),
        }
    }

    /// Forgets what is remembered of rows that are gone, of at most so many; says of how many it did.
    ///
    /// # Errors
    /// What Postgres said.
    pub async fn forget_vanished(&self, conn: &mut PgConnection, limit: i64) -> Result<u64, DatabaseError> {
        let Ok(sieve) = &self.sieve else { return Ok(0) };
        self.statements.add();
        let sql = sieve.vanished();
        Ok(sqlx::query(AssertSqlSafe(sql)).bind(&self.spec.kind.0).bind(limit).execute(conn).await?.rows_affected())
    }

    /// All rows of a range, also exempt ones: columns `key` and `ord`.
    ///
    /// # Errors
    /// The range is none of this table's.
    pub fn rows_of_range(&self, range: &RowRange) -> Result<Select, RowError> {
        read::rows_of(&self.bound, range)
    }

    /// The rows of [`Self::rows_of_range`]; or why that cannot be told, where the range is to blame.
    ///
    /// # Errors
    /// The statement failed, and not for the range.
    pub async fn rows_in(&self, pool: &PgPool, range: &RowRange) -> Result<Result<Vec<RowIdentity>, RowError>, DatabaseError> {
        let select = match self.rows_of_range(range) {
            Ok(select) => select,
            Err(error) => return Ok(Err(error)),
        };
        let sql = format!("SELECT it.key FROM (\n{}\n) AS it ORDER BY it.ord", select.sql);
        let query = sqlx::query_scalar_with::<_, String, _>(AssertSqlSafe(sql), select.arguments()?);
        let mut connection = pool.acquire().await?;
        let running = self.statements.begin(&self.spec.kind, Reading::Rows);
        match query.fetch_all(&mut *connection).await {
            Ok(rows) => {
                running.answered(rows.len());
                Ok(Ok(rows.into_iter().map(RowIdentity).collect()))
            }
            // One that takes too long is got through row by row.
            Err(error) if matches!(blame(&error), Blame::Row) || code(&error) == QUERY_CANCELED => Ok(Err(RowError::from_sqlx(&error))),
            Err(error) => Err(error.into()),
        }
    }

    /// Keys from `first` to `last` that no row of the whole table has: columns `key` (canonical text) and `ord`.
    #[must_use]
    pub fn missing_in_range(&self, first: i64, last: i64) -> Select {
        self.enumeration.missing_in_range(first, last)
    }

    /// Like [`Self::missing_in_range`], of these keys: for each, one text a key column.
    #[must_use]
    pub fn missing_of_list(&self, keys: &[Vec<String>]) -> Select {
        self.enumeration.missing_of_list(keys)
    }

    /// Like [`Self::missing_in_range`], of the keys that the spec's query gives, after one in the order of their
    /// texts. None if the spec enumerates otherwise.
    #[must_use]
    pub fn missing_of_query(&self, after: Option<&ChainKey>, limit: i64) -> Option<Select> {
        self.enumeration.missing_of_query(after, limit)
    }

    /// How many stored events might name a key that cannot be read from them; 0 where the spec enumerates otherwise.
    ///
    /// # Errors
    /// What Postgres said.
    pub async fn keyless_events(&self, conn: &mut PgConnection) -> Result<i64, DatabaseError> {
        let Some(sql) = &self.bound.keyless_events else { return Ok(0) };
        self.statements.add();
        Ok(sqlx::query_scalar(AssertSqlSafe(sql.as_str())).fetch_one(conn).await?)
    }

    /// Stores the touches of these stored events, in the caller's transaction; `tip` is the chain's newest ledger. Gives
    /// back how many entities they name.
    ///
    /// # Errors
    /// What Postgres said.
    pub async fn touch_of_events(&self, conn: &mut PgConnection, events: &[String], tip: i64) -> Result<u64, DatabaseError> {
        let Some(sql) = self.event_touches.as_ref().filter(|_| !events.is_empty()) else { return Ok(0) };
        self.statements.add();
        Ok(sqlx::query(AssertSqlSafe(sql.as_str())).bind(events).bind(tip).execute(conn).await?.rows_affected())
    }

    /// The columns that a row's identity is made of, in their order.
    #[must_use]
    pub fn identity_columns(&self) -> Vec<String> {
        self.bound.identity.iter().map(|column| column.name.clone()).collect()
    }

    /// The SQL of the triggers by which changed rows touch themselves, for people to install.
    ///
    /// # Errors
    /// Why there is none, for people: a view, or a primary key that this role may not read.
    pub fn touch_trigger(&self) -> Result<String, String> {
        touches::trigger(&self.spec, &self.bound)
    }

    /// What the spec and the database decide about rows without their real key; none where the spec does not say how
    /// they find it.
    #[must_use]
    pub fn provisional_rules(&self) -> Option<&ProvisionalRules> {
        let finds = self.spec.provisional.as_ref().is_some_and(|it| it.transaction.is_some() || it.event.is_some());
        self.bound.creation.as_ref().filter(|_| finds).map(|it| &it.rules)
    }

    /// All rows that wait for their real key, each with what it could be; or why they cannot be matched, for people.
    /// `since` is when the chain's tip is to have been seen at the latest for events to be complete up to now.
    ///
    /// # Errors
    /// The statement failed and no row is to blame.
    pub async fn waiting(&self, pool: &PgPool, since: DateTime<Utc>) -> Result<Result<Vec<Waiting>, String>, DatabaseError> {
        match &self.waiting_rows {
            Some(waiting) => waiting.run(pool, &self.statements, since).await,
            None => Ok(Ok(Vec::new())),
        }
    }

    /// The keys that events name, as an endpoint answered them for rows' creating transactions; one answer for each
    /// event whose row is there.
    ///
    /// # Errors
    /// The statement failed and no row is to blame.
    pub async fn creation_keys(
        &self,
        pool: &PgPool,
        events: &[CreationEventSeen],
    ) -> Result<Vec<(RowIdentity, Result<CreationKey, RowError>)>, DatabaseError> {
        self.creations.of_events(pool, &self.statements, events).await
    }

    /// Keys as canonical texts, from a text for each key column; none where the columns do not take them.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn canonical_keys(&self, pool: &PgPool, keys: &[Vec<String>]) -> Result<Vec<Option<ChainKey>>, DatabaseError> {
        self.creations.of_texts(pool, &self.statements, keys).await
    }

    /// A chain key's parts, one text for each key column.
    ///
    /// # Errors
    /// It has another number of parts.
    pub fn key_parts(&self, key: &ChainKey) -> Result<Vec<String>, RowError> {
        crate::identity::parts(&key.0, self.bound.key.len())
    }

    /// Whether it is parents that are enumerated, the entries that rows are elements of.
    #[must_use]
    pub fn enumerates_parents(&self) -> bool {
        self.bound.parents.is_some()
    }

    /// Keys of parents that the spec's query gives, after one in the order of their texts: the text, and one text a
    /// column. None if the spec enumerates otherwise, or whole keys.
    ///
    /// # Errors
    /// What Postgres said.
    pub async fn parents_of_query(
        &self,
        pool: &PgPool,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Option<Vec<(String, Vec<String>)>>, DatabaseError> {
        let Some(select) = self.enumeration.parents_of_query(after, limit) else { return Ok(None) };
        self.statements.add();
        let rows = sqlx::query_as_with::<_, (String, Vec<String>), _>(AssertSqlSafe(select.sql.as_str()), select.arguments()?);
        Ok(Some(rows.fetch_all(pool).await?))
    }

    /// What the keys of parents say of their places on chain, by one statement: one answer for each, in their order.
    ///
    /// # Errors
    /// The statement failed and no parent is to blame.
    pub async fn locate_parents(
        &self,
        pool: &PgPool,
        parents: &[Vec<String>],
    ) -> Result<Vec<Result<LocatedParent, RowError>>, DatabaseError> {
        match &self.parent_location {
            Some(location) => location.run(pool, &self.statements, parents).await,
            None => Ok(Vec::new()),
        }
    }

    /// Whether a row that is not exempt is provisional. True also where that cannot be told, because a row fails to
    /// evaluate: it guards inserts.
    ///
    /// # Errors
    /// What Postgres said.
    pub async fn has_provisional_rows(&self, conn: &mut PgConnection) -> Result<bool, DatabaseError> {
        let Some(sql) = &self.provisional_rows else { return Ok(false) };
        self.statements.add();
        match sqlx::query_scalar(AssertSqlSafe(sql.as_str())).fetch_one(conn).await {
            Ok(found) => Ok(found),
            Err(error) if matches!(blame(&error), Blame::Row) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// What rows say of their places on chain, by one statement. Rows that are gone or exempt have no answer. A row
    /// that cannot be evaluated gets its error, and its neighbours their answers.
    ///
    /// # Errors
    /// The statement failed and no row is to blame.
    pub async fn locate(
        &self,
        pool: &PgPool,
        rows: &[RowIdentity],
    ) -> Result<Vec<(RowIdentity, Result<Located, RowError>)>, DatabaseError> {
        self.locate_in(pool, None, rows).await
    }

    /// The same of rows that all lie in a range, if one is given, so that fewer pages are read.
    ///
    /// # Errors
    /// The statement failed and no row is to blame.
    pub async fn locate_in(
        &self,
        pool: &PgPool,
        range: Option<&RowRange>,
        rows: &[RowIdentity],
    ) -> Result<Vec<(RowIdentity, Result<Located, RowError>)>, DatabaseError> {
        self.location.run(pool, &self.statements, rows, range).await
    }

    /// Like [`Self::locate`], for keys that were enumerated on chain.
    ///
    /// # Errors
    /// The statement failed and no key is to blame.
    pub async fn locate_keys(
        &self,
        pool: &PgPool,
        keys: &[ChainKey],
    ) -> Result<Vec<(ChainKey, Result<LocatedKey, RowError>)>, DatabaseError> {
        self.key_location.run(pool, &self.statements, keys).await
    }

    /// Compares rows with the chain's values, by one statement. Rows in sync have no answer, nor do rows that are
    /// gone or exempt; rows without values always have one, with their facts alone.
    ///
    /// # Errors
    /// The statement failed and no row is to blame.
    pub async fn compare(&self, pool: &PgPool, rows: &[Compare]) -> Result<Vec<(RowIdentity, Result<Compared, RowError>)>, DatabaseError> {
        self.compare_in(pool, None, rows).await
    }

    /// The same of rows that all lie in a range, if one is given, so that fewer pages are read.
    ///
    /// # Errors
    /// The statement failed and no row is to blame.
    pub async fn compare_in(
        &self,
        pool: &PgPool,
        range: Option<&RowRange>,
        rows: &[Compare],
    ) -> Result<Vec<(RowIdentity, Result<Compared, RowError>)>, DatabaseError> {
        self.comparison.run(pool, &self.statements, rows, range).await
    }

    /// The rows that missing entities would get, from their keys and the chain's values, by one statement.
    ///
    /// # Errors
    /// The statement failed and no key is to blame.
    pub async fn new_rows(
        &self,
        pool: &PgPool,
        keys: &[(ChainKey, Vec<Option<String>>)],
    ) -> Result<Vec<(ChainKey, Result<NewRow, RowError>)>, DatabaseError> {
        self.new_rows.run(pool, &self.statements, keys).await
    }

    /// Executes plans in the caller's transaction, each by compare-and-set and with its audit record. One outcome an
    /// order, in their order. What the database refuses of one order is undone for that order alone.
    ///
    /// # Errors
    /// The transaction cannot go on, and no order is to blame; the caller rolls back.
    pub async fn repair(&self, tx: &mut PgConnection, orders: &[Order]) -> Result<Vec<RepairOutcome>, DatabaseError> {
        repair::execute(&self.bound, &self.spec.kind, &self.statements, tx, orders).await
    }

    /// Undoes an update in the caller's transaction, if the columns that it wrote are still as it left them, and
    /// holds these columns of that row until [`crate::release`].
    ///
    /// # Errors
    /// What Postgres said; the caller rolls back.
    pub async fn revert(
        &self,
        tx: &mut PgConnection,
        repair: i64,
        actor: &str,
        reason: Option<&str>,
    ) -> Result<RevertOutcome, DatabaseError> {
        repair::revert(&self.bound, &self.spec.kind, &self.statements, tx, repair, actor, reason).await
    }
}
