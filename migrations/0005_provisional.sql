-- Rows that find their real key.

-- What the first look learned of a row's creating transaction, for the match over the whole set.
ALTER TABLE trueup.plans ADD COLUMN creation jsonb;

-- A repair may give a row its real key.
ALTER TABLE trueup.repairs DROP CONSTRAINT repairs_action_check;
ALTER TABLE trueup.repairs ADD CONSTRAINT repairs_action_check CHECK (action IN ('update', 'insert', 'revert', 'resolve')) NOT VALID;
ALTER TABLE trueup.repairs VALIDATE CONSTRAINT repairs_action_check;

-- Of such a repair (and of its revert): the row's identity before it, what the key rests on, and the rows of other
-- tables that were rewritten, by their primary keys: {"from": "…", "proof": {…}, "references": {"schema.table.column": ["…"]}}.
ALTER TABLE trueup.repairs ADD COLUMN resolution jsonb;

-- The hash of the transaction that should have created the row's entity, once it is known that it failed or expired:
-- while the row names it, the row is no entity of the chain, and can be none.
ALTER TABLE trueup.entities ADD COLUMN creation_over text;

-- Events of a name by the time of their ledgers: what may be that of a row's creation.
CREATE INDEX events_by_time ON trueup.events (contract, name, closed_at);
