import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type DeadLetters, openDeadLetters, type Progress, type ReplayResult } from '../../src/dead-letters/index.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { holdMessage, startRedisProxy } from '../support/redis-proxy.ts';
import { laneIds, storedIds } from '../support/stored-messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';
import { type LetterToWrite, writeLetters } from '../support/written-letters.ts';
import { keysOf } from '../support/keys-of.ts';

const START = Date.UTC(2026, 10, 22, 10);
const script = new URL('../support/replaying-process.ts', import.meta.url).pathname;

let namespaces = 0;
const used = useRedis();

function newNamespace(): string {
  namespaces += 1;
  return `replay-${namespaces}`;
}

interface Written extends AsyncDisposable {
  deadLetters: DeadLetters;
  namespace: string;
  ids: string[];
}

/** Dead letters without workers: what is sent again stays in its conversation. */
async function written(letters: readonly LetterToWrite[], url = used.url): Promise<Written> {
  const namespace = newNamespace();
  const ids = await writeLetters(used.redis, namespace, letters);
  const deadLetters = openDeadLetters({ redisUrl: url, namespace, enqueueTimeoutMs: 2000 });
  return { deadLetters, namespace, ids, [Symbol.asyncDispose]: () => deadLetters.close() };
}

/** The nth letter of a conversation. */
const letter = (conversationId: string, n: number, more: Partial<LetterToWrite> = {}): LetterToWrite => ({
  pageId: 'p1',
  conversationId,
  text: `message ${n}`,
  deadAtMs: START + n,
  ...more,
});

const many = (count: number): LetterToWrite[] =>
  Array.from({ length: count }, (_, n) => letter(`c${n % 20}`, 1 + Math.floor(n / 20)));

/** The texts of a conversation, first to be sent first. */
async function textsOf(namespace: string, conversation: string): Promise<string[]> {
  const ids = await laneIds(used.redis, namespace, 'p1', conversation);
  const jobs = await Promise.all(ids.map((id) => used.redis.hget(`{${namespace}:0}:send:${id}`, 'data')));
  return jobs.map((data) => (JSON.parse(data ?? '') as { message: { text: string } }).message.text);
}

describe('a replay', () => {
  it('keeps the order of each conversation, whatever the order of the ids', async () => {
    await using to = await written(many(300));
    const shuffled = to.ids.toSorted((one, other) => (one.at(-1) ?? '').localeCompare(other.at(-1) ?? ''));
    expect(await to.deadLetters.replay({ ids: shuffled })).toEqual({ matched: 300, done: 300, skipped: [] });
    const expected = Array.from({ length: 15 }, (_, n) => `message ${n + 1}`);
    for (let n = 0; n < 20; n += 1) expect(await textsOf(to.namespace, `c${n}`)).toEqual(expected);
  });

  it('by a filter takes what matches, all of it over any batches, and leaves the others', async () => {
    await using to = await written([
      ...many(250),
      letter('c1', 1, { label: 'other' }),
      letter('c2', 1, { reason: 'exhausted' }),
      letter('c3', 1, { pageId: 'p2' }),
    ]);
    const progress: Progress[] = [];
    const filter = { reason: 'rejected', pageId: 'p1', until: new Date(START + 10) } as const;
    const result = await to.deadLetters.replay({ filter, onProgress: (now) => void progress.push(now) });
    expect(result).toEqual({ matched: 181, done: 181, skipped: [] });
    expect(progress).toHaveLength(181);
    expect(progress.at(-1)).toEqual({ matched: 181, done: 181, skipped: 0, total: 181 });
    expect(await to.deadLetters.count()).toBe(253 - 181);
    expect(await to.deadLetters.replay({ filter: { label: 'other' } })).toMatchObject({ matched: 0 });
  });

  it('with nothing selected sends nothing', async () => {
    await using to = await written(many(2));
    for (const slip of [{}, { all: false }, { force: true }]) {
      await expect(to.deadLetters.replay(slip as { all: true })).rejects.toMatchObject({ code: 'INVALID_SELECTION' });
    }
    expect(await to.deadLetters.count()).toBe(2);
  });

  it('that is only tried tells what would happen and changes nothing', async () => {
    await using to = await written([...many(5), letter('c1', 9, { reason: 'expired' })]);
    // BullMQ writes its own record when a queue is opened.
    await to.deadLetters.count();
    const before = await allKeys(to.namespace);
    const skipped = [{ id: to.ids[5], why: 'expired' }];
    expect(await to.deadLetters.replay({ all: true, dryRun: true })).toEqual({ matched: 6, done: 0, skipped });
    expect(await to.deadLetters.replay({ all: true, dryRun: true, force: true })).toMatchObject({ skipped: [] });
    expect(await allKeys(to.namespace)).toEqual(before);
  });

  it('keeps the label, the priority, the policy for unknown outcomes and the link to the original', async () => {
    await using site = await install(used.server, { api: { faults: [{ kind: 'status', status: 400 }] } });
    const options = { label: 'order-17', priority: 'high', onUnknownOutcome: 'dead-letter' } as const;
    const id = await site.enqueue({ ...textMessage('c1', 1), ...options });
    await site.until(id, 'dead');
    let newId = '';
    await site.deadLetters.replay({ ids: [id], onReplayed: (_id, replayed) => void (newId = replayed) });
    await site.until(newId, 'dead');
    expect(await site.deadLetters.get(newId)).toMatchObject({ label: 'order-17', replayOf: id });
    const letterKey = `{${site.config.namespace}:0}:dead:${newId}`;
    expect(await used.redis.hget(letterKey, 'high')).toBe('1');
    expect(JSON.parse((await used.redis.hget(letterKey, 'data')) ?? '')).toMatchObject({
      onUnknownOutcome: 'dead-letter',
    });
  });

  it('of all does not take in again what dies while it runs', async () => {
    await using site = await install(used.server, {
      config: { refusalsToHold: 0 },
      api: { faults: [{ kind: 'status', status: 400 }] },
    });
    const ids: string[] = [];
    for (let n = 1; n <= 30; n += 1) ids.push(await site.enqueue(textMessage(`c${n}`, 1)));
    for (const id of ids) await site.until(id, 'dead');
    // Forced, because on a slow machine some may have died with an unknown attempt.
    const result = await site.deadLetters.replay({ all: true, rate: '200/s', force: true });
    expect(result).toEqual({ matched: 30, done: 30, skipped: [] });
    await eventually('all are dead again', async () => (await site.deadLetters.count()) === 30);
  });

  it('stops when it is told to, after those under way, and says what was done', async () => {
    await using to = await written(many(300));
    const stop = new AbortController();
    const replayed: string[] = [];
    const result = await to.deadLetters.replay({
      all: true,
      rate: '100/s',
      signal: stop.signal,
      onReplayed: (id) => {
        replayed.push(id);
        if (replayed.length === 10) stop.abort();
      },
    });
    expect(result).toEqual({ matched: replayed.length, done: replayed.length, skipped: [] });
    expect(result.done).toBeLessThan(15);
    expect(await to.deadLetters.count()).toBe(300 - result.done);
  });

  it('that the queue has no more room for stops with the error, and what was done is done', async () => {
    await using to = await written(many(50));
    await using narrow = openDeadLetters({ redisUrl: used.url, namespace: to.namespace, maxQueued: 20 });
    await expect(narrow.replay({ all: true })).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    expect(await to.deadLetters.count()).toBe(30);
    expect(await storedIds(used.redis, to.namespace)).toHaveLength(20);
  });

  it('at a slow rate stops at once with the error, too, though others wait for their turn', async () => {
    await using to = await written(many(40));
    await using narrow = openDeadLetters({ redisUrl: used.url, namespace: to.namespace, maxQueued: 2 });
    await expect(narrow.replay({ all: true, rate: '1/min burst 5' })).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    expect(await to.deadLetters.count()).toBe(38);
  });

  it('two of them at once in two processes send each entry once, in order', async () => {
    await using to = await written(many(1000));
    const run = async (): Promise<ReplayResult> => {
      const { stdout } = await promisify(execFile)(process.execPath, [script, used.url, to.namespace]);
      return JSON.parse(stdout) as ReplayResult;
    };
    const results = await Promise.all([run(), run()]);
    expect(results.reduce((total, { done }) => total + done, 0)).toBe(1000);
    for (const { skipped } of results) for (const { why } of skipped) expect(why).toBe('replayed meanwhile');
    expect(await to.deadLetters.count()).toBe(0);
    expect(await storedIds(used.redis, to.namespace)).toHaveLength(1000);
    const expected = Array.from({ length: 50 }, (_, n) => `message ${n + 1}`);
    for (let n = 0; n < 20; n += 1) expect(await textsOf(to.namespace, `c${n}`)).toEqual(expected);
  });

  it('whose answers are lost sends nothing twice and finds out what was done', async () => {
    await using proxy = await startRedisProxy(used.server.port);
    await using to = await written(many(60), proxy.url);
    let requests = 0;
    proxy.requests = (bytes) => {
      if (holdMessage(bytes)) requests += 1;
      return 'pass';
    };
    let lost = 0;
    proxy.replies = (bytes) => {
      // Not the same one's answer twice: it asks once more only.
      if (lost >= 3 || requests <= 20 * lost || !bytes.includes('stored')) return 'pass';
      lost += 1;
      return { cutAfter: 8 };
    };
    const result = await to.deadLetters.replay({ all: true, rate: '500/s' });
    expect(lost).toBeGreaterThan(0);
    expect(result).toEqual({ matched: 60, done: 60, skipped: [] });
    expect(await storedIds(used.redis, to.namespace)).toHaveLength(60);
    for (let n = 0; n < 20; n += 1) {
      expect(await textsOf(to.namespace, `c${n}`)).toEqual(['message 1', 'message 2', 'message 3']);
    }
  });

  it('that Redis never answers says that it may be tried again, and that does no harm', async () => {
    await using proxy = await startRedisProxy(used.server.port);
    await using to = await written(many(1), proxy.url);
    await to.deadLetters.count();
    let isAway = false;
    proxy.requests = (bytes) => {
      if (holdMessage(bytes)) isAway = true;
      return 'pass';
    };
    proxy.replies = () => (isAway ? 'swallow' : 'pass');
    await expect(to.deadLetters.replay({ ids: to.ids })).rejects.toMatchObject({ code: 'CHANGE_UNCERTAIN' });
    proxy.replies = () => 'pass';
    expect(await to.deadLetters.replay({ ids: to.ids })).toMatchObject({ done: 0 });
    expect(await storedIds(used.redis, to.namespace)).toHaveLength(1);
  });
});

async function allKeys(namespace: string): Promise<string[]> {
  return (await keysOf(used.redis, `{${namespace}:*`)).toSorted((one, other) => one.localeCompare(other));
}
