/**
 * Moves messages from the outbox in PostgreSQL to the queue, until SIGTERM. Run two relays: they take turns, so that one can
 * fail.
 *
 *   node examples/outbox/relay.ts
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createProducer } from 'kitechat-sender';
import { Pool } from 'pg';
import { relayOnce } from './relay-once.ts';

const IDLE_MS = 250;
const TROUBLE_MS = 1000;

const { DATABASE_URL, REDIS_URL } = process.env;
const database = new Pool({ connectionString: DATABASE_URL, max: 1 });
// Ignores a connection that breaks while idle: the next round opens another one.
database.on('error', (error) => console.error(error.message));
await using producer = createProducer({ redisUrl: REDIS_URL });

const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort());

console.error('relaying');
while (!stopping.signal.aborted) {
  let pauseMs = 0;
  try {
    const { stored, refused, left } = await relayOnce(database, producer);
    if (stored + refused + left > 0) console.error(`${stored} stored, ${refused} put aside, ${left} waiting`);
    if (left > 0) pauseMs = TROUBLE_MS;
    else if (stored === 0) pauseMs = IDLE_MS;
  } catch (error) {
    // PostgreSQL or Redis doesn't answer. The rows stay, so nothing is lost.
    console.error(error instanceof Error ? error.message : String(error));
    pauseMs = TROUBLE_MS;
  }
  await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
}
await database.end();
