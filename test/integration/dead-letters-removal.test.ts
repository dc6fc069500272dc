import { describe, expect, it } from 'vitest';
import { expireLetters } from '../../src/shared/lanes/dead/dead-letters.ts';
import { openQueues } from '../../src/shared/lanes/queues.ts';
import { type Shard, shardOn } from '../../src/shared/lanes/shard.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';
import { type LetterToWrite, writeLetters } from '../support/written-letters.ts';
import { keysOf } from '../support/keys-of.ts';

const odd = { pageId: 'page of Käthe/1', conversationId: 'c:3' };

describe('dead letters that go', () => {
  const used = useRedis();

  /** An installation on which some messages have died, and the keys that were there when others had been delivered. */
  async function withDead(): Promise<Installation & { ids: string[]; before: string[]; shard: Shard }> {
    const site = await install(used.server, { config: { keepDoneMs: 1000 } });
    const shard = shardOn(used.redis, site.config.namespace ?? '', 0);
    const items = [textMessage('c1', 1), textMessage('c2', 1, 'p2'), { ...textMessage('c1', 1), ...odd }];
    for (const item of items) await site.until(await site.enqueue(item), 'delivered');
    const before = await lastingKeysOf(site);
    site.api.setFaults([{ kind: 'status', status: 400 }]);
    const ids: string[] = [];
    for (const item of items) ids.push(await site.enqueue({ ...item, label: 'dead', priority: 'high' }));
    for (const id of ids) await site.until(id, 'dead');
    site.api.setFaults([]);
    return { ...site, ids, before, shard };
  }

  /** All keys but those of messages that were delivered, which are kept for a while, of what each second counts anew, and of the evidence of the last hour. */
  async function lastingKeysOf({ config }: Installation): Promise<string[]> {
    const keys = await keysOf(used.redis, `{${config.namespace}:*`);
    return keys
      .filter(
        (key) => !/:send:(?:\d-[0-9A-Z]{26}(?::lock)?|completed|stalled|stalled-check|marker|events|id)$/.test(key),
      )
      .filter((key) => !/:(?:traffic|latency)\b|:fleet\}:(?:accepted|accepted-pages|found:\w+)$/.test(key))
      .filter((key) => !/:dead:(?:events|id|marker)$/.test(key))
      .toSorted((one, other) => one.localeCompare(other));
  }

  it('when they are discarded leave nothing behind in Redis', async () => {
    await using site = await withDead();
    const [first = '', ...others] = site.ids;
    await used.redis.rpush(`${site.shard.root}dead:${first}:logs`, 'written by a dashboard');
    expect(await site.deadLetters.discard({ ids: [first, first, 'nonsense'] })).toEqual({
      matched: 1,
      done: 1,
      skipped: [{ id: 'nonsense', why: 'not found' }],
    });
    expect(await site.deadLetters.get(first)).toBeNull();
    expect(await site.deadLetters.count()).toBe(others.length);
    const totals: (number | null)[] = [];
    const result = await site.deadLetters.discard({ all: true, onProgress: ({ total }) => totals.push(total) });
    expect(result).toEqual({ matched: 2, done: 2, skipped: [] });
    expect(totals).toEqual([2]);
    await eventually('nothing is left', async () => (await lastingKeysOf(site)).join() === site.before.join());
  });

  it('when they are sent again leave nothing behind in Redis', async () => {
    await using site = await withDead();
    expect(await site.deadLetters.replay({ all: true })).toMatchObject({ done: 3 });
    await site.api.waitForAccepted(6);
    await eventually('nothing is left', async () => (await lastingKeysOf(site)).join() === site.before.join());
  });

  it('when they have been kept long enough leave nothing behind in Redis, some at a time', async () => {
    await using site = await withDead();
    const kept = await expireLetters(site.shard, { keepDeadMs: 60_000, atMost: 2, cursor: '0' });
    expect(kept.removed).toBe(0);
    const one = await expireLetters(site.shard, { keepDeadMs: 0, atMost: 2, cursor: '0' });
    expect(one.removed).toBe(2);
    expect((await site.deadLetters.list()).map(({ id }) => id)).toEqual(site.ids.slice(2));
    const two = await expireLetters(site.shard, { keepDeadMs: 0, atMost: 2, cursor: one.cursor });
    expect(two.removed).toBe(1);
    await eventually('nothing is left', async () => (await lastingKeysOf(site)).join() === site.before.join());
  });

  it('by some dashboard leave the indexes with the next cleaning', async () => {
    await using site = await withDead();
    const { dead } = await openQueues(site.shard);
    await dead.obliterate({ force: true });
    expect(await site.deadLetters.count()).toBe(0);
    let cursor = '0';
    do ({ cursor } = await expireLetters(site.shard, { keepDeadMs: 60_000, atMost: 1, cursor }));
    while (cursor !== '0');
    const keys = await lastingKeysOf(site);
    expect(keys.filter((key) => key.includes(':letters'))).toEqual([]);
  });

  it('while others discard the same ones are told apart: each is done once', async () => {
    const namespace = 'discarded-by-many';
    const letters = Array.from({ length: 400 }, (_, n): LetterToWrite => ({ pageId: 'p1', conversationId: `c${n}` }));
    const ids = await writeLetters(used.redis, namespace, letters);
    await using site = await install(used.server, { config: { namespace }, startWorker: false });
    const results = await Promise.all([1, 2, 3].map(() => site.deadLetters.discard({ ids })));
    expect(results.reduce((total, { done }) => total + done, 0)).toBe(400);
    const reasons = new Set(results.flatMap(({ skipped }) => skipped.map(({ why }) => why)));
    expect([...reasons].filter((why) => why !== 'gone meanwhile' && why !== 'not found')).toEqual([]);
    expect(await site.deadLetters.count()).toBe(0);
  });

  it('only if they match: a filter, a dry run and a signal leave the others', async () => {
    const namespace = 'discarded-by-filter';
    const letters = Array.from({ length: 300 }, (_, n): LetterToWrite => ({
      pageId: `p${n % 2}`,
      conversationId: 'c1',
      label: n < 10 ? 'first' : null,
      deadAtMs: 1_000_000 + n,
    }));
    await writeLetters(used.redis, namespace, letters);
    await using site = await install(used.server, { config: { namespace }, startWorker: false });
    const { deadLetters } = site;
    const filter = { pageId: 'p1', label: 'first' };
    expect(await deadLetters.discard({ filter, dryRun: true })).toEqual({ matched: 5, done: 0, skipped: [] });
    expect(await deadLetters.count()).toBe(300);
    expect(await deadLetters.discard({ filter })).toEqual({ matched: 5, done: 5, skipped: [] });
    expect(await deadLetters.count({ label: 'first' })).toBe(5);
    const stop = new AbortController();
    const result = await deadLetters.discard({ all: true, signal: stop.signal, onProgress: () => stop.abort() });
    expect(result).toEqual({ matched: 100, done: 100, skipped: [] });
    expect(await deadLetters.count()).toBe(195);
    await expect(deadLetters.discard({} as { all: true })).rejects.toMatchObject({ code: 'INVALID_SELECTION' });
  });
});
