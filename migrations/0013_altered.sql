-- Repairs of which a trigger, a rule or a default made something else, until somebody releases them. Writing the same
-- again would come to the same, so that a sweep leaves such a row while nothing of it has changed.

CREATE TABLE trueup.altered (
    kind        text   NOT NULL,
    identity    text   NOT NULL,
    chain_key   text,
    -- The newest such repair of the row.
    repair      bigint NOT NULL UNIQUE REFERENCES trueup.repairs (id),
    -- Its judged and its written columns as they were right after the write, as text; empty if the row was gone.
    left_behind jsonb  NOT NULL,
    PRIMARY KEY (kind, identity)
);

-- A row that is missing is found by its key.
CREATE INDEX altered_by_key ON trueup.altered (kind, chain_key);

INSERT INTO trueup.altered (kind, identity, chain_key, repair, left_behind)
SELECT DISTINCT ON (kind, identity) kind, identity, chain_key, id, CASE WHEN after = '{}' THEN after ELSE judged || after END
FROM trueup.repairs
WHERE altered AND reverts IS NULL
ORDER BY kind, identity, id DESC;
