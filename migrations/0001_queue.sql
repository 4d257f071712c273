-- The durable job queue.
CREATE SCHEMA IF NOT EXISTS trueup;

-- One number for each lease ever given. It only grows, so a worker whose lease was taken over can never pass for
-- the one that has it now.
CREATE SEQUENCE trueup.lease_numbers AS bigint;

-- One row for each lease that is alive: a batch of jobs held by one worker. A heartbeat extends leases and not
-- jobs, so that holding thousands of jobs costs a few rows a beat and leaves no dead versions of job rows.
CREATE TABLE trueup.leases (
    number bigint      PRIMARY KEY,
    -- The worker's name and a ULID of its own for each start of its process.
    worker text        NOT NULL,
    until  timestamptz NOT NULL,
    -- The suspicion of its jobs (see there): jobs of different suspicion never share a lease.
    suspicion smallint NOT NULL,
    -- It holds one suspect and its worker held nothing else: if its process dies, it died of this job.
    alone  boolean     NOT NULL
) WITH (
    -- Every beat rewrites the row; `until` is not indexed, so with room on the page that costs no index entry.
    fillfactor = 50,
    autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_scale_factor = 0.1
);

CREATE TABLE trueup.jobs (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    group_id   bigint      NOT NULL,
    -- The sequence's number of the lease that holds the job, or held it last. Proves which lease ended it.
    lease      bigint      NOT NULL DEFAULT 0,
    run_at     timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz,
    -- Lower goes first.
    priority   smallint    NOT NULL,
    -- Tries that failed.
    failures   integer     NOT NULL DEFAULT 0,
    -- Tries that ended in "look again later".
    looks      integer     NOT NULL DEFAULT 0,
    -- How often the process died while this job ran alone.
    crashes    integer     NOT NULL DEFAULT 0,
    -- Whether it may be why a process vanished. 0: no. 1: a process that held it and many others vanished; it is
    -- next leased with few others of its sort and nothing else. 2: so did one that held it and few others; it is
    -- next leased alone. An answer of any sort clears it.
    suspicion  smallint    NOT NULL DEFAULT 0,
    -- Text and not a number or an enum: it is read in psql by people at night, a new state needs no rewrite and
    -- no ALTER TYPE, and the few bytes are small beside the key.
    state      text        NOT NULL DEFAULT 'ready'
               CHECK (state IN ('ready', 'leased', 'done', 'dead', 'cancelled')),
    task       text        NOT NULL,
    kind       text        NOT NULL,
    key        text        NOT NULL,
    payload    jsonb,
    -- What a done job found.
    outcome    text,
    -- What went wrong last, or why it was put off.
    error      text,
    -- W3C traceparent under which it was enqueued.
    trace      text
) WITH (
    -- A job is rewritten twice in its life, and each new version leaves a dead one behind. Room on the page lets
    -- the new version stay beside the old one, and pruning gives the room back without waiting for vacuum.
    fillfactor = 70,
    -- A queue outlives its rows: with the defaults (a fifth of the table) a drained sweep of a million jobs would
    -- leave the lease's index scan to walk over hundreds of thousands of dead entries.
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.05
);

-- Enqueueing twice is harmless, also after the job has ended.
CREATE UNIQUE INDEX jobs_identity ON trueup.jobs (group_id, task, kind, key);

-- What may be leased, in the order in which it is leased. Ended and leased jobs are not in it, so it stays small
-- whatever lies behind it.
CREATE INDEX jobs_ready ON trueup.jobs (priority, run_at, id) WHERE state = 'ready' AND suspicion = 0;

-- What must be leased apart from the rest.
CREATE INDEX jobs_suspect ON trueup.jobs (suspicion, run_at, id) WHERE state = 'ready' AND suspicion > 0;

-- What a lease holds: for taking over an expired one, and for giving up one's own.
CREATE INDEX jobs_leased ON trueup.jobs (lease) WHERE state = 'leased';

-- What waits for a person.
CREATE INDEX jobs_dead ON trueup.jobs (id) WHERE state = 'dead';
