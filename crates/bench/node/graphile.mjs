// graphile-worker at its best settings: `fill URL JOBS` puts jobs in, `work URL` runs them, as crates/bench/src/roles/stage.rs says.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Logger, run, runMigrations } from 'graphile-worker';
import pg from 'pg';

const LOCAL_QUEUE = 500;
const CONCURRENT_JOBS = 24;
const TELL_EVERY_MS = 20;
const FILLED_AT_ONCE = 1_000;

const [role, connectionString, jobs] = process.argv.slice(2);
const quiet = new Logger(() => () => {});

if (role === 'fill') {
  await runMigrations({ connectionString, logger: quiet });
  const client = new pg.Client({ connectionString });
  await client.connect();
  // Each job writes the row of its task anew: within one transaction, 100,000 versions of it would be walked over.
  for (let first = 1; first <= Number(jobs); first += FILLED_AT_ONCE) {
    await client.query(
      `SELECT count(graphile_worker.add_job('nothing', json_build_object('id', n))) FROM generate_series($1::int, $2::int) AS n`,
      [first, Math.min(first + FILLED_AT_ONCE - 1, Number(jobs))],
    );
  }
  await client.end();
  process.exit(0);
}

let ended = 0;
setInterval(() => {
  if (ended > 0) {
    console.log(`ended ${ended}`);
    ended = 0;
  }
}, TELL_EVERY_MS);
const input = createInterface({ input: process.stdin });
console.log('ready');
await once(input, 'line');
const runner = await run({
  preset: {
    worker: {
      connectionString,
      concurrentJobs: CONCURRENT_JOBS,
      maxPoolSize: 10,
      localQueue: { size: LOCAL_QUEUE },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      logger: quiet,
    },
  },
  taskList: {
    nothing: async () => {
      ended += 1;
    },
  },
  noHandleSignals: true,
});
await once(input, 'close');
await runner.stop();
process.exit(0);
