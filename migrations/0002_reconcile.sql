-- Runs, what they found, what they repaired, and what is remembered of an entity.
-- In-sync results have no row here: their job carries the outcome, the run carries the counts.

CREATE TABLE trueup.runs (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Who asked: 'cli', 'schedule NAME', 'retry of run N', …
    origin         text        NOT NULL,
    kinds          text[]      NOT NULL CHECK (cardinality(kinds) > 0),
    mode           text        NOT NULL CHECK (mode IN ('detect', 'propose', 'repair')),
    -- enqueue: jobs are still being added. detect: all are there. match: the whole set is looked at.
    -- confirm: second reads and repairs. aggregate: the report. done: it is written.
    phase          text        NOT NULL DEFAULT 'enqueue'
                               CHECK (phase IN ('enqueue', 'detect', 'match', 'confirm', 'aggregate', 'done')),
    -- How it ended, or that it has not.
    state          text        NOT NULL DEFAULT 'running'
                               CHECK (state IN ('running', 'completed', 'timed_out', 'cancelled')),
    opened_at      timestamptz NOT NULL DEFAULT now(),
    deadline       timestamptz NOT NULL,
    finished_at    timestamptz,
    detect_total   bigint      NOT NULL DEFAULT 0,
    detect_done    bigint      NOT NULL DEFAULT 0,
    confirm_total  bigint      NOT NULL DEFAULT 0,
    confirm_done   bigint      NOT NULL DEFAULT 0,
    -- How far each kind's jobs have been added, so that another scheduler can go on.
    enqueue_cursor jsonb       NOT NULL DEFAULT '{}',
    -- Held by the scheduler that adds the jobs; another may take over when it has passed.
    enqueue_until  timestamptz,
    -- RPC calls by method and SQL statements, summed over the processes that took part.
    usage          jsonb       NOT NULL DEFAULT '{}',
    -- The ledgers that its observations are of.
    ledger_min     bigint,
    ledger_max     bigint,
    -- What a reader of its report must know: keys that could not be enumerated, and why.
    notes          text[]      NOT NULL DEFAULT '{}',
    -- Its job rows are gone; its report stays.
    purged         boolean     NOT NULL DEFAULT false,
    -- W3C traceparent of the run's trace.
    trace          text,
    CHECK (detect_done <= detect_total AND confirm_done <= confirm_total)
) WITH (fillfactor = 50);

CREATE INDEX runs_unfinished ON trueup.runs (id) WHERE state = 'running';
CREATE INDEX runs_unpurged ON trueup.runs (finished_at) WHERE phase = 'done' AND NOT purged;

CREATE TABLE trueup.plans (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run        bigint NOT NULL REFERENCES trueup.runs (id) ON DELETE CASCADE,
    kind       text   NOT NULL,
    -- The row; NULL for one that is missing.
    identity   text,
    chain_key  text,
    -- The plan of the latest read.
    plan       jsonb  NOT NULL,
    -- What came of it, once its job has ended: a verdict, and in mode repair what the write did.
    verdict    text,
    repair     text CHECK (repair IN ('repaired', 'altered', 'superseded', 'refused', 'withheld')),
    detail     text,
    CHECK (identity IS NOT NULL OR chain_key IS NOT NULL)
);

CREATE UNIQUE INDEX plans_by_row ON trueup.plans (run, kind, identity) WHERE identity IS NOT NULL;
CREATE UNIQUE INDEX plans_by_key ON trueup.plans (run, kind, chain_key) WHERE identity IS NULL;

-- One line a confirmed difference.
CREATE TABLE trueup.drifts (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run         bigint NOT NULL REFERENCES trueup.runs (id) ON DELETE CASCADE,
    plan        bigint NOT NULL REFERENCES trueup.plans (id) ON DELETE CASCADE,
    kind        text   NOT NULL,
    identity    text,
    chain_key   text,
    class       text   NOT NULL,
    field       text   NOT NULL,
    db_value    text,
    chain_value text,
    priority    text,
    -- Why the plan leaves it as it is; NULL where the plan mends it.
    withheld    text
);

CREATE INDEX drifts_by_run ON trueup.drifts (run, kind, class, id);

-- The audit of every write to the application's tables. Kept for good.
CREATE TABLE trueup.repairs (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run          bigint,
    -- At most one repair a plan, whatever is killed when.
    plan         bigint UNIQUE,
    job          bigint,
    lease        bigint,
    kind         text        NOT NULL,
    table_name   text        NOT NULL,
    identity     text        NOT NULL,
    chain_key    text,
    action       text        NOT NULL CHECK (action IN ('update', 'insert', 'revert')),
    -- Column to text, as they were, as they were meant to become, and as the row was right after the write.
    before       jsonb       NOT NULL,
    intended     jsonb       NOT NULL,
    after        jsonb       NOT NULL,
    -- A trigger or a default made something else of what was written.
    altered      boolean     NOT NULL DEFAULT false,
    -- The judged columns, which were still so when the row was written.
    judged       jsonb       NOT NULL DEFAULT '{}',
    drifts       jsonb       NOT NULL DEFAULT '[]',
    chain_entry  text, -- base64 XDR of the entry, or of the transaction's result
    stamp        jsonb,
    trace        text,
    actor        text        NOT NULL,
    reason       text,
    repaired_at  timestamptz NOT NULL DEFAULT now(),
    -- A revert names what it undid.
    reverts      bigint UNIQUE REFERENCES trueup.repairs (id)
);

CREATE INDEX repairs_by_run ON trueup.repairs (run, id);
CREATE INDEX repairs_by_row ON trueup.repairs (kind, identity, id);

-- What was reverted is not repaired again until someone releases it.
CREATE TABLE trueup.holds (
    kind        text        NOT NULL,
    identity    text        NOT NULL,
    column_name text        NOT NULL,
    repair      bigint      NOT NULL REFERENCES trueup.repairs (id),
    actor       text        NOT NULL,
    reason      text,
    held_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, identity, column_name)
);

-- What is remembered of an entity, written only when it changes.
CREATE TABLE trueup.entities (
    kind         text        NOT NULL,
    identity     text        NOT NULL,
    chain_key    text,
    -- The ledger of the newest observation that was applied to the row; an older one is refused.
    floor_ledger bigint,
    changed_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, identity)
);

CREATE TABLE trueup.reports (
    run        bigint PRIMARY KEY REFERENCES trueup.runs (id) ON DELETE CASCADE,
    -- The documented, versioned document, without its drifts and repairs, which are rows.
    document   jsonb       NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
);

-- One row a tick of a schedule, so that any number of schedulers start it once.
CREATE TABLE trueup.ticks (
    schedule text        NOT NULL,
    tick     timestamptz NOT NULL,
    run      bigint REFERENCES trueup.runs (id) ON DELETE SET NULL,
    -- The predecessor was still running.
    skipped  boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (schedule, tick)
);
