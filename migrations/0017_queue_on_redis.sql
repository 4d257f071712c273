-- The queue on Redis: what must commit together with the application's rows stays here, Redis only hands out.

-- Which engine this database's jobs go through. One row.
CREATE TABLE trueup.queue (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    engine     text    NOT NULL DEFAULT 'postgres' CHECK (engine IN ('postgres', 'redis')),
    -- Part of the name of every key in Redis, so that two databases may share one.
    deployment uuid    NOT NULL DEFAULT gen_random_uuid(),
    -- What Redis must hold to be believed: a ULID and the run id of its process. Another one, or none, is a Redis that
    -- lost its memory. NULL: nothing was ever put there.
    epoch      text
);
INSERT INTO trueup.queue DEFAULT VALUES;

-- The jobs that a lease on Redis was given; NULL for one on Postgres, whose jobs name it themselves.
ALTER TABLE trueup.leases ADD COLUMN jobs bigint[];

-- Jobs as they were added, thousands a row: a million jobs are some hundred rows. Written in the transaction that adds
-- them, pushed to Redis after it.
CREATE TABLE trueup.chunks (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    group_id   bigint      NOT NULL,
    task       text        NOT NULL,
    kind       text        NOT NULL,
    priority   smallint    NOT NULL,
    trace      text,
    created_at timestamptz NOT NULL DEFAULT now(),
    run_at     timestamptz NOT NULL DEFAULT now(),
    -- Side by side: ids (of the sequence of trueup.jobs), keys, and payloads where any of them has one.
    ids        bigint[]    NOT NULL,
    keys       text[]      NOT NULL,
    payloads   jsonb[],
    first_id   bigint      NOT NULL,
    last_id    bigint      NOT NULL,
    -- It is in Redis.
    pushed     boolean     NOT NULL DEFAULT false,
    -- Some of its jobs may not have ended.
    open       boolean     NOT NULL DEFAULT true,
    -- Jobs that ended were taken out of it: one that Redis names and that is not in it has ended.
    shrunk     boolean     NOT NULL DEFAULT false,
    CHECK (cardinality(ids) = cardinality(keys))
);
CREATE INDEX chunks_by_group ON trueup.chunks (group_id, task, kind);
CREATE INDEX chunks_unpushed ON trueup.chunks (priority, id) WHERE open AND NOT pushed;
CREATE INDEX chunks_open ON trueup.chunks (id) WHERE open;
CREATE INDEX chunks_by_id ON trueup.chunks (last_id);

-- The end of a job on Redis. Rows are inserted once and go with their run; they are never rewritten, but for a dead
-- one that is given another life. Not partitioned by run: that would take a role that may create tables at work, and
-- rows that are only inserted leave no dead versions behind.
CREATE TABLE trueup.outcomes (
    job      bigint      PRIMARY KEY,
    group_id bigint      NOT NULL,
    chunk    bigint      NOT NULL,
    lease    bigint      NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT now(),
    failures integer     NOT NULL,
    looks    integer     NOT NULL,
    crashes  integer     NOT NULL,
    -- retried: it was dead, and goes on as a job of another id.
    state    text        NOT NULL CHECK (state IN ('done', 'dead', 'cancelled', 'retried')),
    task     text        NOT NULL,
    kind     text        NOT NULL,
    key      text        NOT NULL,
    outcome  text,
    error    text
) WITH (
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.05
);
CREATE INDEX outcomes_by_group ON trueup.outcomes (group_id, chunk);
CREATE INDEX outcomes_dead ON trueup.outcomes (job) WHERE state = 'dead';

-- What is known of a job on Redis that was tried and has not ended. Few, and gone with its end.
CREATE TABLE trueup.attempts (
    job       bigint      PRIMARY KEY,
    -- The lease under which it was put off last.
    lease     bigint      NOT NULL,
    run_at    timestamptz NOT NULL,
    -- As in trueup.jobs.
    failures  integer     NOT NULL,
    looks     integer     NOT NULL,
    crashes   integer     NOT NULL,
    suspicion smallint    NOT NULL,
    error     text
) WITH (
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0.1
);

-- The jobs of both engines, one row each; most databases have those of one only. Not for statements that work on jobs.
CREATE VIEW trueup.all_jobs AS
SELECT jobs.id, group_id, task, kind, key, payload::text AS payload, priority, state, run_at, created_at, ended_at,
       nullif(lease, 0) AS lease, worker, until, failures, looks, crashes, jobs.suspicion, outcome, error, trace
FROM trueup.jobs LEFT JOIN trueup.leases ON leases.number = jobs.lease AND jobs.state = 'leased'
UNION ALL
SELECT outcomes.job AS id, outcomes.group_id, outcomes.task, outcomes.kind, outcomes.key,
       payloads[array_position(ids, outcomes.job)]::text AS payload, coalesce(priority, 0::smallint) AS priority, state,
       coalesce(run_at, ended_at) AS run_at, coalesce(created_at, ended_at) AS created_at, ended_at,
       nullif(outcomes.lease, 0) AS lease, NULL::text AS worker, NULL::timestamptz AS until, failures, looks, crashes,
       0::smallint AS suspicion, outcome, error, trace
FROM trueup.outcomes LEFT JOIN trueup.chunks ON chunks.id = outcomes.chunk
WHERE state <> 'retried'
UNION ALL
SELECT job.id, group_id, task, kind, job.key, job.payload::text, priority,
       CASE WHEN held.id IS NULL THEN 'ready' ELSE 'leased' END,
       coalesce(attempts.run_at, chunks.run_at), created_at, NULL, coalesce(held.number, nullif(attempts.lease, 0)),
       held.worker, held.until, coalesce(failures, 0), coalesce(looks, 0), coalesce(crashes, 0),
       coalesce(suspicion, 0::smallint), NULL, error, trace
FROM trueup.chunks CROSS JOIN LATERAL unnest(ids, keys, payloads) AS job(id, key, payload)
LEFT JOIN trueup.attempts ON attempts.job = job.id
LEFT JOIN (
    SELECT held.id, number, worker, until FROM trueup.leases CROSS JOIN LATERAL unnest(jobs) AS held(id)
    WHERE NOT EXISTS (SELECT FROM trueup.attempts WHERE attempts.job = held.id AND attempts.lease = number)
) AS held ON held.id = job.id
WHERE open AND NOT EXISTS (SELECT FROM trueup.outcomes WHERE outcomes.job = job.id);
