-- Sweeps that look at rows by the range: what is judged in passing has no job of its own, and is counted here.

-- By kind, how many rows were looked at in the first look of their range and found in sync, and how many got a plan.
ALTER TABLE trueup.runs
    ADD COLUMN in_sync   jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN suspected jsonb NOT NULL DEFAULT '{}';
