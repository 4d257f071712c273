-- What is looked for often, or goes with another row, is found without a look at every row.

-- Schedulers ask twice a second which runs are in a phase.
CREATE INDEX runs_by_phase ON trueup.runs (phase, id) WHERE phase <> 'done';

-- Ticks and drifts follow their runs and plans when these are forgotten.
CREATE INDEX ticks_by_run ON trueup.ticks (run) WHERE run IS NOT NULL;
CREATE INDEX drifts_by_plan ON trueup.drifts (plan);
