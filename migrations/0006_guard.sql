-- What keeps repairs back, who let them through, which contracts' code is accepted, and what became of proposals.

ALTER TABLE trueup.runs
    -- Who started it; NULL for runs from before this was kept.
    ADD COLUMN actor           text,
    -- Who let this one run write more than the guard allows, and why.
    ADD COLUMN override_actor  text,
    ADD COLUMN override_reason text,
    -- The run whose work it goes on with: the one whose dead jobs it retries, or whose proposals it executes. The
    -- guard measures it by that run's entities.
    ADD COLUMN follows         bigint,
    -- By kind: what the guard said.
    ADD COLUMN guard           jsonb NOT NULL DEFAULT '{}',
    -- By kind: why nothing of it is repaired in this run, one object a reason.
    ADD COLUMN held_back       jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT runs_override_is_whole CHECK ((override_actor IS NULL) = (override_reason IS NULL));

ALTER TABLE trueup.plans
    -- What a person said of a proposal. Once.
    ADD COLUMN decision        text CHECK (decision IN ('approved', 'rejected')),
    ADD COLUMN decided_by      text,
    ADD COLUMN decided_at      timestamptz,
    ADD COLUMN decision_reason text,
    -- The run that executes an approved one.
    ADD COLUMN decision_run    bigint,
    -- Of a plan in such a run: the proposal that it executes.
    ADD COLUMN approves        bigint UNIQUE REFERENCES trueup.plans (id) ON DELETE SET NULL,
    ADD CONSTRAINT plans_decision_is_whole CHECK (
        num_nulls(decision, decided_by, decided_at, decision_reason) IN (0, 4));

-- Which code of a contract was accepted, one row each time; the newest row of a contract counts.
CREATE TABLE trueup.contracts (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contract    text        NOT NULL,
    -- The Wasm's hash in lower-case hex, or 'stellar_asset'.
    executable  text        NOT NULL,
    -- What was accepted before; NULL for the first.
    previous    text,
    accepted_at timestamptz NOT NULL DEFAULT now(),
    actor       text        NOT NULL,
    reason      text
);

CREATE INDEX contracts_by_contract ON trueup.contracts (contract, id DESC);
-- Any number of workers see a contract first; one of them records it.
CREATE UNIQUE INDEX contracts_first_sight ON trueup.contracts (contract) WHERE previous IS NULL;
