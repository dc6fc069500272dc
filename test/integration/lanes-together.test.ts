import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Claim, claim } from '../../src/shared/lanes/claim.ts';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import { reconcile } from '../../src/shared/lanes/reconcile.ts';
import { registerWorker } from '../../src/shared/lanes/register.ts';
import { connectPatiently } from '../../src/shared/redis.ts';
import type { RedisServer } from '../../src/testing/redis-handle.ts';
import { delivered, type Lanes, openLanes, type Taken } from '../support/lanes.ts';
import { startTestRedis } from '../support/redis.ts';

const CONVERSATIONS = ['c1', 'c2', 'c3', 'c4', 'c5'];

describe('messages that are claimed or settled at the same moment', () => {
  let server: RedisServer;
  let redis: LaneRedis;
  let lanes: Lanes;
  beforeAll(async () => {
    server = await startTestRedis();
    redis = connectPatiently(server.url);
  });
  beforeEach(async () => {
    lanes = await openLanes(redis);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  /** Stores a message in each conversation, and takes all that is released. */
  async function takeAll(conversations: readonly string[] = CONVERSATIONS): Promise<Taken[]> {
    for (const conversation of conversations) await lanes.store({ conversation });
    const all: Taken[] = [];
    for (let taken = await lanes.take(); taken; taken = await lanes.take()) all.push(taken);
    return all;
  }

  const claimAll = (all: readonly Taken[]) => Promise.allSettled(all.map((taken) => lanes.claim(taken, taken.id)));
  const settleAll = (all: readonly Taken[]) =>
    Promise.allSettled(all.map((taken) => lanes.settle(taken, taken.id, delivered)));
  const laneKey = (conversation: string): string => `${lanes.shard.root}lane:p1/${conversation}`;

  /** What stands in the way of a conversation is another's; whoever touches it is refused by Redis. */
  async function spoil(conversation: string): Promise<void> {
    await redis.set(laneKey(conversation), 'what is this?');
  }

  async function scriptsRun(): Promise<number> {
    const stats = await redis.info('commandstats');
    return ['eval', 'evalsha'].reduce((sum, name) => {
      return sum + Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    }, 0);
  }

  it('take one script for the claims and one for the settlements, and each gets what it would get alone', async () => {
    await claimAll(await takeAll(['warm-up']));
    const all = await takeAll();
    const next = await lanes.store({ conversation: 'c3' });
    const before = await scriptsRun();
    expect((await claimAll(all)).map(verdictOf)).toEqual(['go', 'go', 'go', 'go', 'go']);
    const between = await scriptsRun();
    expect((await settleAll(all)).map(verdictOf)).toEqual(['done', 'done', 'done', 'done', 'done']);
    expect([between - before, (await scriptsRun()) - between]).toEqual([1, 1]);
    expect(await lanes.released()).toEqual([next]);
  });

  it('fail alone: a claim that Redis refuses keeps no other from being carried out', async () => {
    const all = await takeAll();
    await spoil('c3');
    const answers = await claimAll(all);
    expect(answers.map(verdictOf)).toEqual(['go', 'go', 'WRONGTYPE', 'go', 'go']);
    expect(answers[2]).toMatchObject({ reason: { name: 'ReplyError' } });
    expect(await Promise.all(all.map(({ id }) => isOpen(id)))).toEqual([true, true, false, true, true]);
  });

  it('fail alone: a settlement that Redis refuses keeps no other from being carried out', async () => {
    const all = await takeAll();
    const next: string[] = [];
    for (const conversation of CONVERSATIONS) next.push(await lanes.store({ conversation }));
    await claimAll(all);
    await spoil('c3');
    expect((await settleAll(all)).map(verdictOf)).toEqual(['done', 'done', 'WRONGTYPE', 'done', 'done']);
    expect(await lanes.released()).toEqual(next.filter((_, n) => n !== 2));

    // The message was delivered all the same: whoever asks again hears so, and the next repair frees its place.
    await redis.del(laneKey('c3'));
    expect((await settleAll(all.slice(2, 3))).map(verdictOf)).toEqual(['done']);
    const [, , refused] = all;
    expect(await lanes.window()).toContain(refused?.id);
    await reconcile(lanes.shard, '0');
    expect(await lanes.window()).not.toContain(refused?.id);
  });

  it('are carried out whole or not at all when Redis has no memory left', async () => {
    const all = await takeAll();
    await redis.config('SET', 'maxmemory', '1');
    try {
      expect((await claimAll(all)).map(verdictOf)).toEqual(['OOM', 'OOM', 'OOM', 'OOM', 'OOM']);
    } finally {
      await redis.config('SET', 'maxmemory', '0');
    }
    expect(await Promise.all(all.map(({ id }) => isOpen(id)))).toEqual([false, false, false, false, false]);
    expect((await claimAll(all)).map(verdictOf)).toEqual(['go', 'go', 'go', 'go', 'go']);
  });

  it('know each other’s locks and attempts: only one of two that have the same message may send it', async () => {
    const [taken] = await takeAll(['c1']);
    if (!taken) throw new Error('nothing is released');
    const thief = { id: taken.id, token: 'another' };
    const answers = await Promise.all([
      lanes.claim(thief, 'a'),
      lanes.claim(taken, 'b'),
      lanes.claim(taken, 'c'),
      lanes.claim(taken, 'b'),
    ]);
    expect(answers.map(({ verdict }) => verdict)).toEqual(['lost', 'go', 'unknown', 'go']);
    const ends = await Promise.all([
      lanes.settle(taken, 'c', delivered),
      lanes.settle(thief, 'b', delivered),
      lanes.settle(taken, 'b', delivered),
      lanes.settle(taken, 'b', delivered),
    ]);
    expect(ends.map(({ verdict }) => verdict)).toEqual(['lost', 'lost', 'done', 'done']);
    expect(await redis.zrange(`${lanes.shard.root}send:completed`, 0, '-1')).toEqual([taken.id]);
  });

  it('share what limits allow: the first one goes, the others get a slot each', async () => {
    const all = await takeAll();
    const pageLimit = { count: 1, unit: 's' as const, intervalMs: 1000, burst: 1 };
    await registerWorker(lanes.shard, 'w', null, { window: 0, pageLimit, limit: null });
    const answers = await Promise.all(all.map((taken) => lanes.claim(taken, taken.id)));
    expect(answers.map(waitOf)).toEqual([0, 1000, 2000, 3000, 4000]);
  });

  it('see the holds that came with one of them: a page is held for the longest time that was asked for', async () => {
    const all = await takeAll();
    const [first, second, ...others] = all;
    if (!first || !second) throw new Error('nothing is released');
    await claimAll([first, second]);
    const page = { pageId: 'p1', reason: 'rate-limited' as const };
    await Promise.all([
      lanes.settle(first, first.id, { kind: 'hold', delayMs: 50_000, page }),
      lanes.settle(second, second.id, { kind: 'hold', delayMs: 30_000, page }),
    ]);
    const answers = await Promise.all(others.map((taken) => lanes.claim(taken, taken.id)));
    for (const answer of answers) expect(waitOf(answer)).toBeGreaterThan(40_000);
  });

  it('share a page’s window: each place that one leaves is taken once', async () => {
    await lanes.limitWindow(2);
    const ids: string[] = [];
    for (const conversation of CONVERSATIONS) ids.push(await lanes.store({ conversation }));
    const pair = [await lanes.take(), await lanes.take()].filter((taken) => taken !== null);
    await claimAll(pair);
    const [first, second] = pair;
    if (!first || !second) throw new Error('nothing is released');
    await Promise.all([
      lanes.settle(first, first.id, { kind: 'backoff', delayMs: 1000 }),
      lanes.settle(second, second.id, delivered),
    ]);
    expect(await lanes.released()).toEqual([ids[2], ids[3]]);
    expect(await lanes.window()).toEqual(ids.slice(2, 4).toSorted());
  });

  it('see who has come into backoff: a page on which eight of them fail at once releases no more', async () => {
    await lanes.store({ page: 'p2', conversation: 'c1' });
    const failing = Array.from({ length: 8 }, (_, n) => `failing-${n}`);
    const [elsewhere, ...others] = await takeAll(failing);
    if (!elsewhere) throw new Error('nothing is released');
    await claimAll([elsewhere, ...others]);
    await lanes.limitWindow(2);
    const next = [await lanes.store({ conversation: 'c1' }), await lanes.store({ conversation: 'c2' })];
    await Promise.all([
      lanes.settle(elsewhere, elsewhere.id, delivered),
      ...others.map((taken) => lanes.settle(taken, taken.id, { kind: 'backoff', delayMs: 1000 })),
    ]);
    // After seven of them there was room for one more.
    expect(await lanes.released()).toEqual(next.slice(0, 1));
  });

  it('of several shards are asked of each by itself', async () => {
    const others = await openLanes(redis);
    const [here] = await takeAll(['c1']);
    await others.store({ conversation: 'c1' });
    const there = await others.take();
    if (!here || !there) throw new Error('nothing is released');
    const answers = await Promise.all([
      claim(lanes.shard, { ...here, attempt: 'a' }),
      claim(others.shard, { ...there, attempt: 'a' }),
      claim(others.shard, { ...here, attempt: 'a' }),
    ]);
    expect(answers.map(({ verdict }) => verdict)).toEqual(['go', 'go', 'lost']);
  });

  async function isOpen(id: string): Promise<boolean> {
    return (await redis.hexists(`${lanes.shard.root}send:${id}`, 'open')) === 1;
  }
});

/** What was answered, or the code with which Redis refused. */
function verdictOf(answer: PromiseSettledResult<{ verdict: string }>): string {
  if (answer.status === 'fulfilled') return answer.value.verdict;
  return answer.reason instanceof Error ? (answer.reason.message.split(' ')[0] ?? '') : '';
}

/** How long a message has to wait; 0 if it may be sent. */
function waitOf(answer: Claim): number {
  if (answer.verdict === 'go') return 0;
  return answer.verdict === 'wait' ? answer.delayMs : Number.NaN;
}
