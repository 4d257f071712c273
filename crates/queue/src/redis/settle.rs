//! Telling Redis what became of jobs, once that is committed.

use sqlx::PgConnection;

use crate::job::{JobId, LeaseNumber};
use crate::redis::orphans::{settle, settled};
use crate::redis::place::places;
use crate::redis::trouble::Trouble;
use crate::redis::{Conn, Redis, restore};

impl Redis {
    /// Tells Redis where these jobs belong, whose leases are needed no more. Of each comes whether its last ack is known
    /// to be committed; of the others, and where it did not apply, Postgres is asked. What cannot be told is found once
    /// the lease has expired.
    pub(crate) async fn settle(
        &self,
        conn: &mut PgConnection,
        redis: &mut Conn,
        jobs: &[(JobId, LeaseNumber, bool)],
    ) -> Result<(), Trouble> {
        let mut arguments = Vec::with_capacity(6 * jobs.len());
        let mut unknown = Vec::new();
        for (job, lease, known) in jobs {
            let Some(mut mine) = self.registry.take(*job, *lease) else { continue };
            match mine.next.filter(|_| *known) {
                Some((place, tries)) => {
                    mine.record.tries = tries;
                    arguments.extend(settled(*lease, place, &mine.record)?);
                }
                None => unknown.push((*lease, mine.record)),
            }
        }
        if !unknown.is_empty() {
            let (leases, records): (Vec<_>, Vec<_>) = unknown.into_iter().unzip();
            let places = places(conn, &records).await?;
            for (lease, mut record) in leases.into_iter().zip(records) {
                if let Some((place, tries)) = places.get(&record.id) {
                    record.tries = *tries;
                    arguments.extend(settled(lease, *place, &record)?);
                }
            }
        }
        if arguments.is_empty() {
            return Ok(());
        }
        let epoch = restore::epoch(conn).await?;
        settle(conn, redis, &epoch, &arguments).await
    }

    /// These leases are lost, or given up: nothing of them is this process's any more.
    pub(crate) fn forget(&self, leases: &[LeaseNumber]) {
        self.registry.forget(leases);
    }
}
