// BullMQ at its best settings: `fill PORT JOBS` puts jobs in, `work PORT` runs them, as crates/bench/src/roles/stage.rs says.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Queue, Worker } from 'bullmq';

const NAME = 'bench';
const CONCURRENCY = 100;
const FILL = 5000;
const TELL_EVERY_MS = 20;

const [role, port, jobs] = process.argv.slice(2);
const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null };

if (role === 'fill') {
  const queue = new Queue(NAME, { connection, defaultJobOptions: { removeOnComplete: true, removeOnFail: false } });
  for (let first = 0; first < Number(jobs); first += FILL) {
    const count = Math.min(FILL, Number(jobs) - first);
    await queue.addBulk(Array.from({ length: count }, (_, index) => ({ name: 'nothing', data: { id: first + index } })));
  }
  await queue.close();
  process.exit(0);
}

let ended = 0;
setInterval(() => {
  if (ended > 0) {
    console.log(`ended ${ended}`);
    ended = 0;
  }
}, TELL_EVERY_MS);
const worker = new Worker(NAME, async () => 'in_sync', { connection, concurrency: CONCURRENCY, autorun: false });
worker.on('completed', () => {
  ended += 1;
});
worker.on('error', (error) => console.error(error));
await worker.waitUntilReady();
const input = createInterface({ input: process.stdin });
console.log('ready');
await once(input, 'line');
worker.run();
await once(input, 'close');
await worker.close(true);
process.exit(0);
