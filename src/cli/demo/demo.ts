import { setTimeout as delay } from 'node:timers/promises';
import { openDeadLetters } from '../../dead-letters/index.ts';
import { createProducer } from '../../producer/index.ts';
import { type FakeKitechat, type FakeKitechatReport, startFakeKitechat } from '../../testing/index.ts';
import { startRedisServer } from '../../testing/redis-server.ts';
import { type CommandContext, type ExitCode, exitCodes, line } from '../context.ts';
import { table } from '../table.ts';
import { demoFaults, demoMessages, hopelessMessages } from './demo-messages.ts';
import { startWorkerProcesses } from './worker-processes.ts';

const WORKERS = 2;
const TIME_LIMIT_MS = 50_000;
const LOOK_MS = 200;

/** What the demo has seen so far. */
interface Progress {
  enqueued: number;
  retried: number;
}

/**
 * `demo`: messages of all six types go through a private Redis and two worker processes to an API that misbehaves.
 */
export async function demo(context: CommandContext): Promise<ExitCode> {
  const { stderr, interrupted } = context;
  await using cleanup = new AsyncDisposableStack();
  const redis = cleanup.use(await startRedisServer());
  const api = cleanup.use(await startFakeKitechat({ apiKeys: ['demo-key'], faults: demoFaults(), seed: 7 }));
  const producer = cleanup.use(createProducer({ redisUrl: redis.url }));
  const deadLetters = cleanup.use(openDeadLetters({ redisUrl: redis.url }));
  const progress: Progress = { enqueued: 0, retried: 0 };

  line(stderr, `A private Redis runs at ${redis.url}, an API that misbehaves at ${api.url}.`);
  const receipts = await producer.enqueueMessages([...hopelessMessages(), ...demoMessages()]);
  progress.enqueued = receipts.length;
  line(stderr, `${receipts.length} messages of six types are stored; ${WORKERS} worker processes deliver them.`);

  const workers = startWorkerProcesses(context, WORKERS, workerEnvironment(redis.url, api.url), ({ next }) => {
    if (next === 'backoff' || next === 'hold') progress.retried += 1;
  });
  cleanup.defer(async () => await workers.stop());

  const deadline = AbortSignal.timeout(TIME_LIMIT_MS);
  const ended = await watch(context, { api, progress, countDead: () => deadLetters.count(), deadline });
  if (interrupted.aborted) {
    line(stderr, 'Interrupted; the workers, the API and the Redis are ended.');
    return exitCodes.interrupted;
  }
  await workers.stop();
  const byReason = await countByReason(deadLetters);
  const good = showResult(context, { report: api.report(), progress, byReason });
  if (!ended) line(stderr, `Not all messages had ended after ${TIME_LIMIT_MS / 1000} s.`);
  return good && ended ? exitCodes.done : exitCodes.notFullyDone;
}

function workerEnvironment(redisUrl: string, apiUrl: string): Record<string, string> {
  return {
    REDIS_URL: redisUrl,
    KITECHAT_API_URL: apiUrl,
    KITECHAT_API_KEY: 'demo-key',
    // Hasty, so that the demo is: the defaults are for APIs that need minutes to recover.
    KITECHAT_BACKOFF_MS: '100',
    KITECHAT_BACKOFF_MAX_MS: '1000',
    KITECHAT_TIMEOUT_MS: '5000',
  };
}

interface Watched {
  api: FakeKitechat;
  progress: Progress;
  countDead(): Promise<number>;
  deadline: AbortSignal;
}

/** Shows how far it is until every message has ended. @returns `false` if they don't in time. */
async function watch(context: CommandContext, { api, progress, countDead, deadline }: Watched): Promise<boolean> {
  const stop = AbortSignal.any([context.interrupted, deadline]);
  let shown = '';
  while (!stop.aborted) {
    const { accepted } = api.report();
    const dead = await countDead();
    const text = `delivered ${accepted}, retried ${progress.retried}, dead ${dead} of ${progress.enqueued}`;
    if (context.interactive) context.stderr.write(`\r\u001b[2K${text}`);
    else if (text !== shown) line(context.stderr, text);
    shown = text;
    if (accepted + dead >= progress.enqueued) break;
    await delay(LOOK_MS, undefined, { signal: stop }).catch(() => {});
  }
  if (context.interactive) line(context.stderr, '');
  return !stop.aborted;
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

/** @returns whether every message has ended as it should. */
function showResult({ stdout }: CommandContext, { report, progress, byReason }: Result): boolean {
  const delivered = report.accepted - report.duplicates.count;
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
  line(stdout, table([['messages', 'count'], ...rows]));
  return delivered + dead === progress.enqueued && report.duplicates.count === 0 && report.outOfOrder.count === 0;
}
