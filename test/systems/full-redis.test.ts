import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { createLogger } from '../../src/shared/logging/logger.ts';
import type { WorkerHooks } from '../../src/worker/index.ts';
import { installWithCli } from '../support/cli-installation.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { settled } from '../support/settled.ts';
import { install, type Installation } from '../support/worker.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

const MAXMEMORY = '6mb';
const CONVERSATIONS = 400;
const sequenceOf = (text: string): number => Number(text.split(' ')[1]);
/** In a minute; the test takes a part of that. */
const MOST_LINES = 20;

/** A logger that keeps the warnings and errors that are not about one message. */
function warnings(): { hooks: WorkerHooks; lines: string[] } {
  const lines: string[] = [];
  const write = (line: string): void => void (line.includes('"outcome"') || lines.push(line));
  return { hooks: { logger: createLogger({ level: 'warn', destination: { write } }) }, lines };
}

/**
 * Returns the messages that the API accepted after a later one. Those without an answer in time don't count: on a busy machine such a
 * request may reach the API after the next message has left, and that is why its outcome is unknown.
 */
function outOfOrder({ api, attempts }: Installation, textOf: ReadonlyMap<string, string>): string[] {
  const key = (conversation: string | null, text = ''): string => `${conversation} ${sequenceOf(text)}`;
  const unknown = new Set(
    attempts
      .filter(({ reason }) => reason === 'unknown-outcome')
      .map(({ id, conversationId }) => key(conversationId, textOf.get(id))),
  );
  const highest = new Map<string, number>();
  const late: string[] = [];
  for (const { conversationId, message } of api.accepted) {
    const text = message.type === 'text' ? message.text : '';
    const sequence = sequenceOf(text);
    if (unknown.has(key(conversationId, text))) continue;
    if ((highest.get(conversationId) ?? 0) > sequence) late.push(key(conversationId, text));
    else highest.set(conversationId, sequence);
  }
  return late;
}

it('a Redis that a producer has filled to the last byte is empty again, in order, without more memory', async () => {
  await using server = await startTestRedis({ args: ['--maxmemory', MAXMEMORY] });
  await using site = await installWithCli(server, {
    config: { timeoutMs: 1000, refusalsToHold: 0, redisFullAt: 1 },
    api: {
      faults: [
        { kind: 'status', status: 400, rate: 0.1 },
        { kind: 'hang', times: 2, rate: 0.01 },
        { kind: 'status', status: 429, retryAfter: 0, times: 5 },
      ],
    },
    startWorker: false,
  });
  const [first, second] = [warnings(), warnings()];
  site.startWorker(first.hooks);
  expect(await site.cli('hold', '--all')).toMatchObject({ exitCode: 0 });

  const textOf = new Map<string, string>();
  const padding = 'x'.repeat(300);
  let stored = 0;
  for (let refused = 0; refused < 100;) {
    const conversation = stored % CONVERSATIONS;
    const text = `message ${1 + Math.floor(stored / CONVERSATIONS)} ${padding}`;
    const { value, error } = await settled(
      site.enqueue({
        ...textMessage(`c${conversation}`, 1, `p${conversation % 5}`),
        message: { type: 'text', text },
        onUnknownOutcome: 'dead-letter',
      }),
    );
    if (value) {
      textOf.set(value, text);
      stored += 1;
    } else refused += 1;
    if (error) expect(error).toMatchObject({ code: 'QUEUE_FULL', cause: { code: 'OOM' } });
  }

  expect(await site.cli('release', '--all')).toMatchObject({ exitCode: 0 });
  site.startWorker(second.hooks);
  const ended = (next: string): number => site.attempts.filter((attempt) => attempt.next === next).length;
  await eventually('all have ended', () => ended('delivered') + ended('dead') === stored);
  expect(ended('dead')).toBeGreaterThan(10);
  expect(site.api.report()).toMatchObject({ duplicates: { count: 0 }, overlaps: { count: 0 } });
  expect(outOfOrder(site, textOf)).toEqual([]);
  expect(first.lines.length).toBeLessThanOrEqual(MOST_LINES);
  expect(second.lines.length).toBeLessThanOrEqual(MOST_LINES);
});

it('without memory, locks are renewed, and a killed worker is noticed', async () => {
  await using server = await startTestRedis();
  // The lock lasts 6 s with this, is renewed after 3 s, and is looked at every 3 s.
  await using site = await install(server, {
    config: { timeoutMs: 3000 },
    api: {
      faults: [
        { kind: 'hang', times: 1 },
        { kind: 'latency', ms: 2800 },
      ],
    },
    startWorker: false,
  });
  const redis = new Redis(server.url);
  await using killed = await startWorkerProcess(site.config);
  const id = await site.enqueue({ ...textMessage('c1', 1), onUnknownOutcome: 'dead-letter' });
  await eventually('it is being sent', () => site.api.requests.length === 1);
  const slow = await site.enqueue({ ...textMessage('c2', 1), delayMs: 500 });
  await redis.config('SET', 'maxmemory', '1');
  killed.kill('SIGKILL');
  const { hooks, lines } = warnings();
  site.startWorker(hooks);
  await site.until(slow, 'delivered');
  expect(await site.until(id, 'dead')).toMatchObject({ attempts: [{ outcome: 'unknown' }] });
  expect(site.engineErrors).toEqual([]);
  expect(lines).toEqual([expect.stringContaining('Redis has no AOF')]);
  redis.disconnect();
});

it('without memory, the first worker of an installation starts and delivers', async () => {
  await using server = await startTestRedis();
  await using site = await install(server, { startWorker: false });
  const id = await site.enqueue(textMessage('c1', 1));
  const redis = new Redis(server.url);
  await redis.config('SET', 'maxmemory', '1');
  redis.disconnect();
  site.startWorker();
  expect(await site.until(id, 'delivered')).toMatchObject({ attemptsUsed: 0 });
});
