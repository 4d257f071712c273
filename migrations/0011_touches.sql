-- Touches: single entities that somebody asks to be looked at now, and the small runs that look at them.

CREATE TABLE trueup.touches (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text        NOT NULL,
    -- What `entity` is: a row's identity, or a chain key.
    named_by   text        NOT NULL CHECK (named_by IN ('row', 'key')),
    entity     text        NOT NULL,
    -- Who asked: 'cli', 'event', 'notification', 'trigger'. Each has waiting touches of its own, so that an
    -- application's transaction, which holds the touches of the rows that it wrote, waits for nobody but whoever
    -- wrote the same rows.
    origin     text        NOT NULL,
    -- The first time that it was asked for, and how often since.
    touched_at timestamptz NOT NULL DEFAULT now(),
    count      bigint      NOT NULL DEFAULT 1,
    -- Later than touched_at where a row is given time to appear.
    due_at     timestamptz NOT NULL DEFAULT now(),
    -- How old a missing row must be before it is looked for.
    row_within interval    NOT NULL DEFAULT '0',
    -- The run that looks at it; NULL while it waits.
    run        bigint      REFERENCES trueup.runs (id) ON DELETE CASCADE,
    -- The job in that run.
    task       text,
    job_key    text,
    CHECK (num_nulls(run, task, job_key) IN (0, 3))
) WITH (
    -- A queue of short lives: see trueup.jobs.
    fillfactor = 70,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_cost_delay = 0
);

-- While it waits, an entity is touched once by each origin. One that comes when its run is open waits as a second one.
CREATE UNIQUE INDEX touches_waiting ON trueup.touches (kind, named_by, entity, origin) WHERE run IS NULL;
CREATE INDEX touches_due ON trueup.touches (due_at) WHERE run IS NULL;
CREATE INDEX touches_by_run ON trueup.touches (run) WHERE run IS NOT NULL;

ALTER TABLE trueup.runs
    -- A small run over touched entities: kept for a short time, and not listed among the others.
    ADD COLUMN touches boolean NOT NULL DEFAULT false;

CREATE INDEX runs_of_touches ON trueup.runs (finished_at) WHERE touches AND phase = 'done';
CREATE INDEX runs_of_all ON trueup.runs (id) WHERE NOT touches;

ALTER TABLE trueup.plans
    -- Of a plan of a touch run that would write: when the guard counted it. The guard of touches counts over a window.
    ADD COLUMN guarded_at timestamptz;

CREATE INDEX plans_guarded ON trueup.plans (kind, guarded_at) WHERE guarded_at IS NOT NULL;
