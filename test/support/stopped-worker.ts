import type { Settings } from './settings.ts';
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { MessageRecord, OutcomeKind } from '../../src/producer/index.ts';
import { readRepairs } from '../../src/shared/lanes/repair/reconcile.ts';
import type { Fault } from '../../src/testing/index.ts';
import { type CommandProcess, startCommand } from './command-line.ts';
import { eventually } from './eventually.ts';
import { type Lanes, openLanes } from './lanes.ts';
import { textMessage } from './messages.ts';
import { STOPPED, stoppingAt, type StoppingPoint } from './stopping-point.ts';
import type { UsedRedis } from './use-redis.ts';
import { install, type Installation } from './worker.ts';

/**
 * The point at which a worker is stopped, at the target or at another message; `request`: while the API holds the request
 * for the target.
 */
export type WorkerPoint = (Omit<StoppingPoint, 'message' | 'signal'> & { at?: 'first' | 'any' }) | 'request';

/** A conversation of four messages; workers stop at the second one. */
export interface Scene extends Installation {
  ids: readonly string[];
  /** The message at which workers stop. */
  target: string;
  lanes: Lanes;
  /** Starts a worker process that stops itself at the target. */
  startStoppingWorker(point: Exclude<WorkerPoint, 'request'>, signal: StoppingPoint['signal']): CommandProcess;
  /** Starts a worker process, and waits until it has stopped at the target. */
  stopWorker(point: WorkerPoint, signal: StoppingPoint['signal']): Promise<CommandProcess>;
  /** The requests for the target that reached the API. */
  requestsForTarget(): Installation['api']['requests'];
}

export interface SceneOptions {
  /** The faults for the target only. */
  fault?: Fault | undefined;
  faults?: Fault[];
  config?: Settings;
}

/** With this time-out the lock of a worker is 5 s, and is checked every 2.5 s. */
const TIMEOUT_MS = 2500;
/** Long, since many workers start at once, and each lock takes time to expire. */
const WAIT_MS = 60_000;
const TARGET = textMessage('c1', 2);

function atTarget(fault: Fault): Fault {
  return { ...fault, match: { conversationId: TARGET.conversationId, textIncludes: 'message 2' } };
}

export async function setScene(
  used: UsedRedis,
  { fault, faults = [], config: more }: SceneOptions = {},
): Promise<Scene> {
  const config = { namespace: randomUUID(), timeoutMs: TIMEOUT_MS, ...more };
  const allFaults = [...(fault ? [atTarget(fault)] : []), ...faults];
  const scene = await install(used, { startWorker: false, config, api: { faults: allFaults } });
  const ids: string[] = [];
  for (let n = 1; n <= 4; n += 1) ids.push(await scene.enqueue(textMessage('c1', n)));
  const target = ids[1] ?? '';
  const processes = new AsyncDisposableStack();
  const requestsForTarget = (): Installation['api']['requests'] =>
    scene.api.requests.filter(({ body }) => isDeepStrictEqual(body, TARGET));

  const start = (env: Record<string, string>): CommandProcess =>
    processes.use(startCommand(['worker'], { ...environmentOf(scene.config), ...env }));
  const startStoppingWorker: Scene['startStoppingWorker'] = ({ at, ...point }, signal) => {
    if (at === 'any') return start(stoppingAt({ ...point, signal }));
    return start(stoppingAt({ message: at === 'first' ? (ids[0] ?? '') : target, ...point, signal }));
  };

  return {
    ...scene,
    ids,
    target,
    lanes: await openLanes(used.redis, scene.config.namespace),
    requestsForTarget,
    startStoppingWorker,
    async stopWorker(point, signal) {
      const before = requestsForTarget().length;
      const worker = point === 'request' ? start({}) : startStoppingWorker(point, signal);
      if (point === 'request') {
        await eventually('the API holds the request', () => requestsForTarget().length > before, WAIT_MS);
        worker.kill(signal);
      } else {
        await eventually('the worker has stopped', () => worker.stdout.includes(STOPPED), WAIT_MS);
      }
      if (signal === 'SIGKILL') expect(await worker.ended()).toBe('SIGKILL');
      return worker;
    },
    async [Symbol.asyncDispose]() {
      await processes.disposeAsync();
      await scene[Symbol.asyncDispose]();
    },
  };
}

/** Waits until messages have ended. @returns their records */
export async function untilEnded(scene: Installation, ids: readonly string[]): Promise<MessageRecord[]> {
  return await eventually(
    'all messages have ended',
    async () => {
      const records = await Promise.all(ids.map((id) => scene.producer.getMessage(id)));
      const ended = records.filter((record) => record?.status === 'delivered' || record?.status === 'dead');
      return ended.length === ids.length && (ended as MessageRecord[]);
    },
    WAIT_MS,
  );
}

export function outcomesOf({ attempts }: MessageRecord): OutcomeKind[] {
  return attempts.map(({ outcome }) => outcome);
}

/** Waits until the target has this state. @returns the time of its next attempt, in ms since 1970 */
export async function nextAttemptOf(scene: Scene, status: 'retrying' | 'held'): Promise<number> {
  const record = await scene.until(scene.target, status);
  return Date.parse('nextAttemptAt' in record ? (record.nextAttemptAt ?? '') : '');
}

/** Expects what holds after any stop: the order was kept, nothing was repaired, and ended messages left only their records. */
export async function expectAllInOrder(
  scene: Installation & { lanes: Lanes },
  ended: readonly MessageRecord[],
): Promise<void> {
  expect(scene.api.report().outOfOrder).toEqual({ count: 0, examples: [] });
  expect(await readRepairs(scene.lanes.shard)).toEqual({});
  const expected = [...new Set(ended.flatMap(keysOf))].toSorted();
  let keys: string[] = [];
  const look = async (): Promise<boolean> => {
    // BullMQ's next check for stalled messages forgets the messages that the last check noted.
    keys = (await scene.lanes.keys()).filter((key) => !/^(repairs$|send:stalled$|idem:)/.test(key));
    return isDeepStrictEqual(keys, expected);
  };
  await eventually('BullMQ has finished all that was settled', look, 10_000).catch(() => {});
  expect(keys).toEqual(expected);
}

/** The keys that remain of an ended message. */
function keysOf(record: MessageRecord): string[] {
  if (record.status !== 'dead') return [`send:${record.id}`, 'send:completed'];
  const { id, reason, pageId } = record;
  const indexes = ['letters', 'letters:pages', `letters:reason:${reason}`, `letters:page:${pageId}`];
  return [`dead:${id}`, 'dead:failed', ...indexes];
}

/** The settings of an installation as environment variables for the command line. */
export function environmentOf(config: Settings): Record<string, string> {
  const { redisUrl, namespace, apiUrl, timeoutMs, backoffMs, backoffMaxMs, onUnknownOutcome, pageParallelism } = config;
  const settings = {
    REDIS_URL: redisUrl,
    KITECHAT_NAMESPACE: namespace,
    KITECHAT_API_URL: apiUrl,
    KITECHAT_API_KEY: 'key',
    // Ensures that nothing else has begun when the worker stops.
    KITECHAT_CONCURRENCY: 1,
    KITECHAT_TIMEOUT_MS: timeoutMs,
    KITECHAT_BACKOFF_MS: backoffMs,
    KITECHAT_BACKOFF_MAX_MS: backoffMaxMs,
    KITECHAT_ON_UNKNOWN_OUTCOME: onUnknownOutcome,
    KITECHAT_PAGE_PARALLELISM: pageParallelism,
  };
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}
