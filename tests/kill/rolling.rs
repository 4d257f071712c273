//! Every process is replaced while a run is on.

use crate::kill::fleet::{Engine, Fleet, Pace, Role};
use crate::kill::killed_roles::undisturbed;
use crate::kill::outcome;
use crate::kill::template::Template;
use crate::program::Hold;

/// Notes each lease that a job is given: who begins what.
pub const NOTE_LEASES: &str = "
    CREATE TABLE public.begun (job bigint NOT NULL, lease bigint NOT NULL, worker text NOT NULL,
                               at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE FUNCTION public.note_lease() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.begun (job, lease, worker) SELECT new.id, new.lease, worker FROM trueup.leases WHERE number = new.lease;
        RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER note_lease AFTER UPDATE ON trueup.jobs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        WHEN (new.state = 'leased' AND old.state <> 'leased') EXECUTE FUNCTION public.note_lease();
    -- Workers that run already lock both tables in an order of their own.
    COMMIT;
    -- On Redis a lease is told its jobs. Of those some may have ended already, which are not begun.
    CREATE FUNCTION public.note_jobs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.begun (job, lease, worker) SELECT id, new.number, new.worker FROM unnest(new.jobs) AS job (id)
            WHERE NOT EXISTS (SELECT FROM trueup.outcomes WHERE job = id);
        RETURN NULL; END $$;
    CREATE TRIGGER note_jobs AFTER UPDATE OF jobs ON trueup.leases FOR EACH ROW EXECUTE FUNCTION public.note_jobs()";

/// How many workers there are at a time.
const WORKERS: usize = 3;
/// When a worker is replaced.
const REPLACED_AT: [&str; 4] = [
    "old.phase = 'detect' AND old.detect_done > 20",
    "old.phase = 'detect' AND old.detect_done > 100",
    "old.phase = 'confirm' AND old.confirm_done = 0",
    "old.phase = 'confirm' AND old.confirm_done > 0",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Asked,
    Killed,
}

#[tokio::test(flavor = "multi_thread")]
async fn replacing_every_process_under_load_loses_nothing_and_repeats_only_what_was_in_flight() {
    let template = Template::create().await;
    let expected = undisturbed(&template).await;
    for engine in Engine::ALL {
        for way in [Way::Asked, Way::Killed] {
            let copy = template.copy(&format!("rolling_{way:?}_{engine:?}").to_lowercase()).await;
            let url = copy.database_url.as_deref().expect("a database");
            let mut fleet = Fleet::start(&copy, engine, Pace::Quick, WORKERS, 1).await;
            fleet.sql(NOTE_LEASES).await;
            let mut hold = Hold::at_each(url, &REPLACED_AT).await;
            let run = fleet.open_run().await;
            let mut replaced = Vec::new();
            for point in 1..=REPLACED_AT.len() {
                let Some(old) = fleet.held_unless_leaving(&mut hold, point).await else {
                    hold.pass(point).await;
                    continue;
                };
                replaced.push(format!("worker LIKE '{}-%'", old.name));
                fleet.add(Role::Worker);
                match way {
                    Way::Asked => {
                        fleet.ask_to_end(old);
                        hold.pass(point).await;
                    }
                    Way::Killed => {
                        old.program.kill().await;
                        hold.pass(point).await;
                    }
                }
            }
            fleet.until_reported(run).await;

            // What a process began that was left in peace to its end was begun once.
            let replaced = replaced.join(" OR ");
            let (repeated, in_peace): (i64, i64) = sqlx::query_as(sqlx::AssertSqlSafe(format!(
                "SELECT count(*), count(*) FILTER (WHERE NOT ({replaced})) FROM public.begun AS b
                 WHERE EXISTS (SELECT FROM public.begun AS later WHERE later.job = b.job AND later.lease > b.lease)
                   AND NOT EXISTS (SELECT FROM trueup.all_jobs WHERE id = b.job AND looks > 0)"
            )))
            .fetch_one(&mut fleet.connection)
            .await
            .expect("a count");
            assert_eq!(in_peace, 0, "{engine:?}, {way:?}: only what a replaced process held is begun again, and {repeated} jobs were");
            let blamed = "SELECT coalesce(string_agg(DISTINCT concat_ws(' ', task, state, crashes, suspicion, error), '; '), '')
                          FROM trueup.all_jobs WHERE crashes > 0 OR suspicion > 0";
            assert_eq!(fleet.value::<String>(blamed).await, "", "{engine:?}, {way:?}: no job is blamed");
            fleet.end().await;
            outcome::of(&copy).await.assert_is(&expected, &format!("{engine:?}, {way:?}: every process was replaced"));
        }
    }
}
