-- Sweeps that pass over what has not moved since it was last found to be in sync.

-- What a clean verdict rested on. It says: this version of the row, beside these versions of its entries, is in sync by
-- this spec. That stays true for good, so that a row needs no lock against its writers, and one that is too old does no
-- harm: nothing matches it.
CREATE TABLE trueup.fingerprints (
    kind       text   NOT NULL,
    identity   text   NOT NULL,
    -- A hash over the row's version (xmin, ctid), and over all that decides how it is judged: the bound spec, the
    -- columns' types, the cluster, the era of transaction ids, the version of trueup.
    row_mark   bigint NOT NULL,
    -- A hash over the network, and over each entry's last-modified ledger and its contract's code.
    entry_mark bigint NOT NULL,
    PRIMARY KEY (kind, identity)
) WITH (
    -- Neither mark is indexed: with room on the page a new one costs no index entry.
    fillfactor = 80
);

ALTER TABLE trueup.runs
    -- full: every entity gets a job of its own. incremental: rows that have not moved are passed over.
    ADD COLUMN sweep   text  NOT NULL DEFAULT 'full' CHECK (sweep IN ('full', 'incremental')),
    -- By kind: how many rows were looked at and had not moved.
    ADD COLUMN unmoved jsonb NOT NULL DEFAULT '{}';
