import { setTimeout as delay } from 'node:timers/promises';
import { createProducer, type EnqueueItem, type Producer, QueueFullError } from '../../../src/producer/index.ts';
import { startRedisServer } from '../../../src/testing/redis/redis-server.ts';
import type { CommandProcess } from '../../support/command-line.ts';
import { eventually } from '../../support/eventually.ts';
import { textMessage } from '../../support/messages.ts';
import { type Arena, identityOf } from '../arena.ts';
import { inArenaOn } from '../in-arena.ts';
import { settleAccounts, unansweredBy, untilEnded } from '../ledger.ts';

const MAXMEMORY_BYTES = 8_000_000;
const CONVERSATIONS = 200;
const WORKERS = 2;
/** For so long after the workers have started, the producer stores a message whenever there is room for one. */
const KEPT_FULL_MS = 15_000;
const LINES_A_MINUTE = 20;
const PADDING = ' '.padEnd(300, 'x');

/** A producer fills Redis to the last byte while no worker runs; then workers start, and nobody touches the memory. */
export const fullRedis = inArenaOn({
  name: `Redis full at ${MAXMEMORY_BYTES / 1e6} MB`,
  startRedis: async () => {
    return await startRedisServer({
      engine: 'path',
      appendOnly: true,
      args: ['--maxmemory', String(MAXMEMORY_BYTES)],
    });
  },
  workers: 0,
  api: { latencyMs: 20, faults: [{ kind: 'status', status: 500, rate: 0.02 }] },
  env: { LOG_LEVEL: 'warn' },
  async play(arena) {
    await using producer = createProducer({ redisUrl: arena.server.url, redisFullAt: 1 });
    const written = Array.from({ length: CONVERSATIONS }, () => 0);
    await storeWhile(arena, producer, written, ({ refused }) => refused === 0);
    const atFirst = arena.stored.size;
    await fillLastBytes(arena);

    const startedAt = performance.now();
    for (let nth = 0; nth < WORKERS; nth += 1) await arena.fleet.start();
    const workersAt = performance.now();
    const refused = await storeWhile(arena, producer, written, () => performance.now() - workersAt < KEPT_FULL_MS);
    await untilEnded(arena);
    const minutes = (performance.now() - startedAt) / 60_000;
    const lines = Math.max(...arena.fleet.workers().map(countLines));
    await eventually('there is room again', async () => await canStore(arena), 30_000);
    const outcome = await settleAccounts(arena, { duplicates: await unansweredBy(arena) });
    return {
      ...outcome,
      violations: lines > LINES_A_MINUTE * Math.max(1, minutes) ? [`${lines} log lines of a worker`] : [],
      figures: `${atFirst} stored until it was full, ${refused} refused meanwhile, at most ${lines} log lines of a worker`,
    };
  },
});

/** Stores messages in all conversations at once. @returns how often Redis was full */
async function storeWhile(
  { stored }: Arena,
  producer: Producer,
  written: number[],
  goesOn: (so: { refused: number }) => boolean,
): Promise<number> {
  const so = { refused: 0 };
  await Promise.all(
    written.map(async (_, conversation) => {
      while (goesOn(so)) {
        const item = messageOf(conversation, (written[conversation] ?? 0) + 1);
        try {
          await producer.enqueueMessage(item);
        } catch (error) {
          if (!(error instanceof QueueFullError)) throw error;
          so.refused += 1;
          await delay(50);
          continue;
        }
        stored.set(identityOf(item), Date.now());
        written[conversation] = (written[conversation] ?? 0) + 1;
      }
    }),
  );
  return so.refused;
}

function messageOf(conversation: number, n: number): EnqueueItem {
  const item = textMessage(`c${conversation}`, n, `p${conversation % 5}`);
  return { ...item, message: { type: 'text', text: `message ${n}${PADDING}` } };
}

/** A producer looks at the memory once a second, and may leave some. */
async function fillLastBytes({ shard }: Arena): Promise<void> {
  for (let nth = 0, isFull = false; !isFull; nth += 1) {
    isFull = await shard.redis.set(`filler:${nth}`, 'x').then(
      () => false,
      (error: unknown) => String(error).includes('OOM'),
    );
  }
}

/** Lines about one message are not counted. */
function countLines({ stdout, stderr }: CommandProcess): number {
  return [...stdout, ...stderr].filter((line) => !line.includes('"outcome"')).length;
}

/** Whether a producer with the default settings stores messages again. */
async function canStore({ server, stored }: Arena): Promise<boolean> {
  await using producer = createProducer({ redisUrl: server.url });
  const item = textMessage('later', 1);
  try {
    await producer.enqueueMessage(item);
  } catch (error) {
    if (error instanceof QueueFullError) return false;
    throw error;
  }
  stored.set(identityOf(item), Date.now());
  return true;
}
