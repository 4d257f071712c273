-- The events of the specs' contracts, and how far they are known.

CREATE TABLE trueup.events (
    -- As the RPC numbers it: its text order is the order on chain.
    id          text COLLATE "C" PRIMARY KEY,
    ledger      bigint      NOT NULL,
    closed_at   timestamptz NOT NULL,
    contract    text        NOT NULL,
    -- The transaction's hash, 64 lower-case hex digits.
    transaction text        NOT NULL,
    successful  boolean     NOT NULL,
    -- The first topic, if it is a symbol: what the contract calls the event.
    name        text,
    -- The topics in the documented JSON form; one that has none is null.
    topics      jsonb       NOT NULL CHECK (jsonb_typeof(topics) = 'array'),
    -- The data in that form; NULL if it has none. (Void is JSON null.)
    data        jsonb,
    -- The same, byte for byte, in base64.
    topics_xdr  text[]      NOT NULL,
    data_xdr    text        NOT NULL,
    -- What of it has no JSON form, and why; NULL where all of it has one.
    unreadable  text
);

CREATE INDEX events_by_contract ON trueup.events (contract, ledger);
CREATE INDEX events_by_name ON trueup.events (contract, name, ledger);
CREATE INDEX events_by_transaction ON trueup.events (transaction);

-- Every event of the contract in the ledgers [from_ledger, next_ledger) is stored, or in a recorded hole.
CREATE TABLE trueup.event_cursors (
    contract    text PRIMARY KEY,
    from_ledger bigint      NOT NULL CHECK (from_ledger > 0),
    next_ledger bigint      NOT NULL,
    -- When from_ledger closed; NULL where that is not known. What closed then or later is in the range, up to …
    from_time   timestamptz,
    -- … the newest close time that is known of a ledger before next_ledger.
    until_time  timestamptz,
    -- The chain's newest ledger when it was last asked.
    tip_ledger  bigint      NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (from_ledger <= next_ledger)
);

-- Ledgers within a cursor's range whose events could not be had.
CREATE TABLE trueup.event_holes (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contract     text        NOT NULL REFERENCES trueup.event_cursors (contract),
    -- Both included.
    first_ledger bigint      NOT NULL,
    last_ledger  bigint      NOT NULL,
    -- pruned: no endpoint kept them any more. skipped: someone decided to go on without them.
    reason       text        NOT NULL CHECK (reason IN ('pruned', 'skipped')),
    -- Close times just outside of it, where they are known: what closed up to after_time, or from before_time on, is
    -- not in it.
    after_time   timestamptz,
    before_time  timestamptz,
    found_at     timestamptz NOT NULL DEFAULT now(),
    -- When its events were stored after all.
    filled_at    timestamptz,
    UNIQUE (contract, first_ledger),
    CHECK (first_ledger <= last_ledger)
);
