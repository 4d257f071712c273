//! Orders, tried together; one that the database refuses is found by halving, between savepoints.

use sqlx::{AssertSqlSafe, PgConnection};
use trueup_judge::EntityKind;

use super::task::{Answer, Group, Task, Write, group};
use super::{Order, RepairOutcome, aftermath, insert, resolve, update};
use crate::bind::Bound;
use crate::error::{Blame, READ_ONLY, UNIQUE_VIOLATION, blame, code, sentence};
use crate::{DatabaseError, Statements};

/// SQLSTATE of a reference to a key that is not there.
const FOREIGN_KEY_VIOLATION: &str = "23503";

pub(crate) async fn execute(
    bound: &Bound,
    kind: &EntityKind,
    statements: &Statements,
    tx: &mut PgConnection,
    orders: &[Order],
) -> Result<Vec<RepairOutcome>, DatabaseError> {
    let mut outcomes: Vec<Option<RepairOutcome>> = vec![None; orders.len()];
    let (groups, refused) = group(bound, orders);
    for (place, outcome) in refused {
        outcomes[place] = Some(outcome);
    }
    let mut session = Session { tx, statements };
    if !groups.is_empty() {
        // A deferred constraint would else be violated at commit, by nobody in particular.
        session.say("SET CONSTRAINTS ALL IMMEDIATE").await?;
    }
    for group in &groups {
        let sql = match group.write {
            Write::Insert => insert::statement(bound, &kind.0, group),
            Write::Update => update::statement(bound, &kind.0, group),
            Write::Resolve => resolve::statement(bound, &kind.0, group),
        };
        let mut ended = session.execute_group(group, &sql).await?;
        aftermath::look_again(&mut session, bound, group, &mut ended).await?;
        for (place, outcome) in ended {
            outcomes[place] = Some(outcome);
        }
    }
    Ok(outcomes.into_iter().map(|it| it.unwrap_or(RepairOutcome::Superseded)).collect())
}

pub(super) struct Session<'c> {
    pub tx: &'c mut PgConnection,
    pub statements: &'c Statements,
}

impl Session<'_> {
    pub async fn say(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        self.statements.add();
        sqlx::query(statement).execute(&mut *self.tx).await.map(drop)
    }

    /// Undoes a statement that failed, so that the transaction can go on.
    pub async fn undo(&mut self) -> Result<(), sqlx::Error> {
        self.say("ROLLBACK TO SAVEPOINT trueup_repair").await
    }

    async fn execute_group(&mut self, group: &Group<'_>, sql: &str) -> Result<Vec<(usize, RepairOutcome)>, DatabaseError> {
        let mut outcomes = Vec::with_capacity(group.tasks.len());
        let mut waiting = vec![group.tasks.as_slice()];
        while let Some(tasks) = waiting.pop() {
            let halves = tasks.split_at(tasks.len() / 2);
            match self.try_tasks(group, sql, tasks).await {
                Ok(Tried::Told(answers)) => {
                    outcomes.extend(answers.iter().filter_map(|answer| {
                        let task = tasks.get(usize::try_from(answer.ord - 1).ok()?)?;
                        Some((task.place, task.outcome(answer, group)))
                    }));
                }
                Ok(Tried::Undone) if tasks.len() > 1 => waiting.extend([halves.1, halves.0]),
                Ok(Tried::Undone) => outcomes.extend(tasks.iter().map(|task| {
                    let reason =
                        "something in the database kept a row that refers to it from being rewritten, perhaps a trigger".to_owned();
                    (task.place, RepairOutcome::Refused { reason })
                })),
                Err(error) if matches!(blame(&error), Blame::Passing) || code(&error) == READ_ONLY => return Err(error.into()),
                Err(error) => match tasks {
                    [task] => outcomes.push((task.place, RepairOutcome::Refused { reason: sentence(&error) })),
                    _ => waiting.extend([halves.1, halves.0]),
                },
            }
        }
        Ok(outcomes)
    }

    async fn try_tasks(&mut self, group: &Group<'_>, sql: &str, tasks: &[Task<'_>]) -> Result<Tried, sqlx::Error> {
        match self.send(group, sql, tasks).await {
            // Someone inserted the key meanwhile; the second try sees that row, or another key is violated.
            Err(error) if group.write == Write::Insert && tasks.len() == 1 && code(&error) == UNIQUE_VIOLATION => {
                self.send(group, sql, tasks).await
            }
            // The same, or someone inserted a row that refers to the old key.
            Err(error)
                if group.write == Write::Resolve
                    && tasks.len() == 1
                    && matches!(code(&error).as_ref(), UNIQUE_VIOLATION | FOREIGN_KEY_VIOLATION) =>
            {
                self.send(group, sql, tasks).await
            }
            other => other,
        }
    }

    async fn send(&mut self, group: &Group<'_>, sql: &str, tasks: &[Task<'_>]) -> Result<Tried, sqlx::Error> {
        self.say("SAVEPOINT trueup_repair").await?;
        self.statements.add();
        let query = group.bind(sqlx::query_as(AssertSqlSafe(sql)), tasks);
        match query.fetch_all(&mut *self.tx).await {
            Ok(answers) => {
                let told = i64::try_from(answers.iter().filter(|it| it.repair.is_some()).count()).unwrap_or(i64::MAX);
                let written = answers.first().map_or(0, |it| it.written);
                let is_half_done = answers.iter().any(|it| it.repair.is_some() && it.rewritten != it.referring);
                if (told != written && tasks.len() > 1) || is_half_done {
                    self.undo().await?;
                    return Ok(Tried::Undone);
                }
                self.say("RELEASE SAVEPOINT trueup_repair").await?;
                Ok(Tried::Told(answers))
            }
            Err(error) if matches!(blame(&error), Blame::Passing) => Err(error),
            Err(error) => {
                self.undo().await?;
                Err(error)
            }
        }
    }
}

enum Tried {
    /// The answers, in the order of the tasks.
    Told(Vec<Answer>),
    /// Rows were written, and undone: nobody can say to which order they belong, or not all that belongs together was
    /// written.
    Undone,
}
