-- Runs of a million entities, and of hundreds of thousands of drifts.

-- Drifts in the order in which a report shows them: each page begins where the last one ended.
CREATE INDEX drifts_in_order ON trueup.drifts (run, kind, class, (coalesce(identity, chain_key)), field, id);
DROP INDEX trueup.drifts_by_run;

-- Rewritten once in the life of each, by the hundred thousand in a run: with the defaults (a fifth of the table) dead
-- versions of one large run would lie there for many small ones.
ALTER TABLE trueup.plans SET (
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05
);

-- Rewritten in place by every sweep that learns something new of an entity. What it learns is in no index, so with
-- room on the page that costs no index entry.
ALTER TABLE trueup.entities SET (
    fillfactor = 85,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05
);

-- Only added to: a run's are counted when its report is written, which must know how many there are.
ALTER TABLE trueup.drifts SET (autovacuum_analyze_scale_factor = 0.05);
