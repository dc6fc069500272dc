import { setTimeout as delay } from 'node:timers/promises';
import { openDeadLetters } from '../../dead-letters/index.ts';
import { createProducer } from '../../producer/index.ts';
import { type FakeKitechat, type FakeKitechatReport, startFakeKitechat } from '../../testing/index.ts';
import { startRedisServer } from '../../testing/redis/redis-server.ts';
import { type CommandContext, type ExitCode, exitCodes, line } from '../context/context.ts';
import { textTable } from '../terminal/table.ts';
import { demoFaults, demoMessages, hopelessMessages } from './demo-messages.ts';
import { startWorkerProcesses } from './worker-processes.ts';

const WORKERS = 2;
const TIME_LIMIT_MS = 50_000;
const LOOK_MS = 200;

/** The counts of the demo so far. */
interface Progress {
  enqueued: number;
  retried: number;
}

/**
 * `demo`: messages of all six types go through a private Redis and two worker processes to an API with faults.
 */
export async function demo(context: CommandContext): Promise<ExitCode> {
  const { stderr, interrupted } = context;
  await using redis = await startRedisServer();
  await using api = await startFakeKitechat({ apiKeys: ['demo-key'], faults: demoFaults(), seed: 7 });
  await using producer = createProducer({ redisUrl: redis.url });
  await using deadLetters = openDeadLetters({ redisUrl: redis.url });
  const progress: Progress = { enqueued: 0, retried: 0 };

  line(stderr, `A private Redis runs at ${redis.url}, an API with faults at ${api.url}.`);
  const receipts = await producer.enqueueMessages([...hopelessMessages(), ...demoMessages()]);
  progress.enqueued = receipts.length;
  line(stderr, `${receipts.length} messages of six types are stored.`);
  if (interrupted.aborted) return tellInterrupted(context);

  await using workers = startWorkerProcesses(context, WORKERS, workerEnvironment(redis.url, api.url), ({ next }) => {
    if (next === 'backoff' || next === 'hold') progress.retried += 1;
  });
  line(stderr, `Worker processes ${workers.pids.join(' and ')} deliver them.`);

  const stop = AbortSignal.any([interrupted, workers.failed, AbortSignal.timeout(TIME_LIMIT_MS)]);
  const allEnded = await watch(context, { api, progress, countDead: () => deadLetters.count(), stop });
  if (interrupted.aborted) return tellInterrupted(context);
  if (workers.failed.aborted) line(stderr, 'A worker process ended unexpectedly. Please report this as a fault.');
  else if (!allEnded) line(stderr, `Some messages had not ended after ${TIME_LIMIT_MS / 1000} s.`);
  await workers.stop();
  const byReason = await countByReason(deadLetters);
  const asItShould = showResult(context, { report: api.report(), progress, byReason });
  return asItShould && allEnded ? exitCodes.done : exitCodes.notFullyDone;
}

function tellInterrupted({ stderr }: CommandContext): ExitCode {
  line(stderr, 'Interrupted: stopping the workers, the API and Redis.');
  return exitCodes.interrupted;
}

function workerEnvironment(redisUrl: string, apiUrl: string): Record<string, string> {
  return {
    REDIS_URL: redisUrl,
    KITECHAT_API_URL: apiUrl,
    KITECHAT_API_KEY: 'demo-key',
    // Short, so that the demo is quick: the defaults are for APIs that need minutes to recover.
    KITECHAT_BACKOFF_MS: '100',
    KITECHAT_BACKOFF_MAX_MS: '1000',
    // Long, because on a busy machine a message whose answer is late would be sent twice.
    KITECHAT_TIMEOUT_MS: '20000',
  };
}

interface Watched {
  api: FakeKitechat;
  progress: Progress;
  countDead(): Promise<number>;
  stop: AbortSignal;
}

/** Shows the progress until every message has ended. @returns `false` if it was stopped before that. */
async function watch(context: CommandContext, { api, progress, countDead, stop }: Watched): Promise<boolean> {
  let shown = '';
  while (!stop.aborted) {
    const delivered = deliveredOf(api.report());
    const dead = await countDead();
    const text = `delivered ${delivered}, retried ${progress.retried}, dead ${dead} of ${progress.enqueued}`;
    if (context.interactive) context.stderr.write(`\r\u001b[2K${text}`);
    else if (text !== shown) line(context.stderr, text);
    shown = text;
    if (delivered + dead >= progress.enqueued) break;
    await delay(LOOK_MS, undefined, { signal: stop }).catch(() => {});
  }
  if (context.interactive) line(context.stderr, '');
  return !stop.aborted;
}

function deliveredOf({ accepted, duplicates }: FakeKitechatReport): number {
  return accepted - duplicates.count;
}

async function countByReason(deadLetters: ReturnType<typeof openDeadLetters>): Promise<Map<string, number>> {
  const byReason = new Map<string, number>();
  for (const { reason } of await deadLetters.list({ limit: 1000 })) {
    byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
  }
  return byReason;
}

interface Result {
  report: FakeKitechatReport;
  progress: Progress;
  byReason: ReadonlyMap<string, number>;
}

/** @returns whether every message ended as expected. */
function showResult({ stdout }: CommandContext, { report, progress, byReason }: Result): boolean {
  const delivered = deliveredOf(report);
  const dead = [...byReason.values()].reduce((total, count) => total + count, 0);
  const rows = [
    ['enqueued', progress.enqueued],
    ['delivered', delivered],
    ['retried', progress.retried],
    ...[...byReason].map(([reason, count]) => [`dead: ${reason}`, count]),
    ['duplicates', report.duplicates.count],
    ['out of order', report.outOfOrder.count],
    ['lost', progress.enqueued - delivered - dead],
  ] as const;
  line(stdout, textTable([['messages', 'count'], ...rows]));
  return delivered + dead === progress.enqueued && report.duplicates.count === 0 && report.outOfOrder.count === 0;
}
