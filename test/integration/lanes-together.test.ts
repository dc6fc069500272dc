import { describe, expect, it } from 'vitest';
import { BACKOFF, IN_FLIGHT } from '../../src/shared/lanes/lib/places.ts';
import { readRepairs, reconcile } from '../../src/shared/lanes/repair/reconcile.ts';
import type { Settlement, Taken, TurnAnswer } from '../../src/shared/lanes/messages/settle-and-take.ts';
import { hold, readHolds } from '../../src/shared/lanes/holds/hold.ts';
import { backoff, delivered, ended, letter } from '../support/settlements.ts';
import { useLanes } from '../support/use-lanes.ts';
import { withoutMemory } from '../support/without-memory.ts';

const CONVERSATIONS = ['c1', 'c2', 'c3', 'c4', 'c5'];

describe('messages that are taken or settled in one call', () => {
  const lanes = useLanes();

  /** Stores a message in each conversation, and takes them. */
  async function storeAndTake(conversations: readonly string[] = CONVERSATIONS): Promise<Taken[]> {
    await lanes.storeInto(conversations);
    return (await lanes.turn()).taken;
  }

  /** Settles all of them in one call, which takes nothing. */
  const settleAll = async (all: readonly Taken[]): Promise<TurnAnswer> =>
    await lanes.turn({ places: 0, settlements: all.map((taken) => ended(taken)) });
  const placeOf = (id: string) => lanes.redis.hget(`${lanes.sendRoot}${id}`, 'place');
  const jobsIn = (list: 'active' | 'wait') => lanes.redis.lrange(`${lanes.sendRoot}${list}`, 0, -1);

  /** What stands in the way of a message is another’s; whoever touches it is refused by Redis. @returns what ends that. */
  async function spoil(key: string): Promise<() => Promise<void>> {
    const kept = `${key}:kept`;
    await lanes.redis.rename(key, kept);
    await lanes.redis.set(key, 'what is this?');
    return async () => void (await lanes.redis.rename(kept, key));
  }

  it('get each what it would get alone, and what has become ready is taken in the same call', async () => {
    const all = await storeAndTake();
    expect(all.map(({ verdict }) => verdict)).toEqual(['go', 'go', 'go', 'go', 'go']);
    expect(new Set(all.map(({ attempt }) => attempt)).size).toBe(5);
    const next = await lanes.store({ conversation: 'c3' });
    const { settled, taken } = await lanes.turn({ settlements: all.map((one) => ended(one)) });
    expect(settled).toEqual(all.map(() => ({ verdict: 'done', delayMs: 0 })));
    expect(taken.map(({ id }) => id)).toEqual([next]);
    expect(await jobsIn('active')).toEqual([next]);
  });

  it('fail alone: one that Redis refuses to hand out keeps no other from being taken, and goes later', async () => {
    const ids = await lanes.storeInto(CONVERSATIONS);
    const [, , bad = ''] = ids;
    const mend = await spoil(`${lanes.sendRoot}${bad}`);
    const { taken, refused } = await lanes.turn();
    expect(taken.map(({ id }) => id)).toEqual(ids.filter((id) => id !== bad));
    expect(refused).toMatchObject([{ id: bad, error: { name: 'ReplyError' } }]);
    expect(refused[0]?.error.message).toMatch(/^WRONGTYPE/);
    expect((await jobsIn('active')).toSorted()).toEqual(ids.filter((id) => id !== bad));

    await mend();
    await reconcile(lanes.shard, '0');
    expect((await lanes.turn()).taken).toMatchObject([{ id: bad, verdict: 'go' }]);
  });

  it('fail alone: a settlement that Redis refuses keeps no other from being carried out', async () => {
    const all = await storeAndTake();
    const [, , bad] = all;
    if (!bad) throw new Error('there is nothing to send');
    const next = await lanes.storeInto(CONVERSATIONS);
    const mend = await spoil(`${lanes.sendRoot}${bad.id}`);
    const { settled } = await settleAll(all);
    expect(settled.map(verdictOf)).toEqual(['done', 'done', 'WRONGTYPE', 'done', 'done']);
    expect(await lanes.takeAll()).toEqual(next.filter((_, n) => n !== 2));

    await mend();
    expect((await settleAll([bad])).settled.map(verdictOf)).toEqual(['done']);
    expect(await lanes.takeAll()).toEqual([next[2]]);
  });

  it('have ended, each with its word, also if Redis refuses what comes after that', async () => {
    const all = await storeAndTake();
    const [, , bad] = all;
    if (!bad) throw new Error('there is nothing to send');
    const mend = await spoil(`${lanes.shard.root}lane:p1/c3`);
    const { settled } = await settleAll(all);
    expect(settled.map(verdictOf)).toEqual(['done', 'done', 'WRONGTYPE', 'done', 'done']);

    // The message was delivered all the same: whoever says so again hears it, and the next repair frees its place.
    await mend();
    expect((await settleAll([bad])).settled.map(verdictOf)).toEqual(['done']);
    expect(await lanes.heads()).toEqual({ 'p1/c3': IN_FLIGHT });
    await reconcile(lanes.shard, '0');
    expect(await lanes.heads()).toEqual({});
    expect(await readRepairs(lanes.shard)).toEqual({ 'forgotten-end': 1 });
    expect((await lanes.redis.zrange(`${lanes.sendRoot}completed`, 0, '-1')).toSorted()).toEqual(
      all.map(({ id }) => id),
    );
  });

  it('keep a lane that another key stands in the way of from stopping other conversations', async () => {
    const ids = await lanes.storeInto(CONVERSATIONS);
    await spoil(`${lanes.shard.root}lane:p1/c3`);
    expect(await lanes.takeAll()).toEqual(ids.filter((_, n) => n !== 2));
  });

  it.each([
    ['without a limit', {}],
    ['under a limit of the fleet', { intervalMs: 1 }],
  ])('are taken and settled although Redis has no memory left, %s, so that it has some again', async (_what, rules) => {
    await lanes.rules(rules);
    const ids = await lanes.storeInto(CONVERSATIONS);
    const given: string[] = [];
    await withoutMemory(lanes.redis, async () => {
      for (let calls = 0; given.length < ids.length && calls < 50; calls += 1) {
        const { taken, refused, slotsMs } = await lanes.turn({ places: 2 });
        const atSlots = slotsMs.length > 0 ? await lanes.turn({ places: 2, dueSlots: slotsMs.length }) : null;
        for (const one of [...taken, ...(atSlots?.taken ?? [])]) {
          given.push(one.id);
          expect(await lanes.settle(one, delivered)).toEqual({ verdict: 'done', delayMs: 0 });
        }
        expect(refused).toEqual([]);
      }
    });
    expect(given).toEqual(ids);
    expect(await lanes.redis.zrange(`${lanes.sendRoot}completed`, 0, '-1')).toHaveLength(ids.length);
  });

  it('are settled although Redis has no memory left, and make way for others in the same call', async () => {
    const all = await storeAndTake();
    const next = await lanes.storeInto(CONVERSATIONS);
    await withoutMemory(lanes.redis, async () => {
      const { settled, taken } = await lanes.turn({ settlements: all.map((one) => ended(one)) });
      expect(settled.map(verdictOf)).toEqual(['done', 'done', 'done', 'done', 'done']);
      expect(taken.map(({ id, verdict }) => [id, verdict])).toEqual(next.map((id) => [id, 'go']));
    });
    expect(await lanes.redis.zcard(`${lanes.sendRoot}completed`)).toBe(5);
    for (const id of next) expect(await lanes.redis.exists(`${lanes.sendRoot}${id}:lock`)).toBe(1);
  });

  it('are given to one worker each, however many ask', async () => {
    const ids = await lanes.storeInto(CONVERSATIONS);
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((token) => lanes.turn({ token, places: 2, attemptPrefix: `${token}.` })),
    );
    const taken = answers.flatMap((answer) => answer.taken.map(({ id }) => id));
    expect(taken.toSorted()).toEqual(ids);
    for (const [n, token] of ['a', 'b', 'c'].entries()) {
      for (const { id, attempt } of answers[n]?.taken ?? []) {
        expect(await lanes.redis.get(`${lanes.sendRoot}${id}:lock`)).toBe(token);
        expect(attempt).toMatch(new RegExp(`^${token}\\.`));
      }
    }
  });

  it('know each other’s attempts: of several words about one message the first true one counts', async () => {
    const [taken] = await storeAndTake(['c1']);
    if (!taken) throw new Error('there is nothing to send');
    const thief = { id: taken.id, attempt: 'another' };
    const settlements = [ended(thief), ended(taken), ended(taken), ended(thief)];
    const { settled } = await lanes.turn({ places: 0, settlements });
    expect(settled.map(verdictOf)).toEqual(['late', 'done', 'done', 'ended']);
    expect(await lanes.redis.zrange(`${lanes.sendRoot}completed`, 0, '-1')).toEqual([taken.id]);
  });

  it('see the holds that came with one of them: a dead letter holds what follows in its conversation', async () => {
    const [first, second] = await storeAndTake(['c1', 'c2']);
    if (!first || !second) throw new Error('there is nothing to send');
    await lanes.store({ conversation: 'c1' });
    const other = await lanes.store({ conversation: 'c2' });
    const request = { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'hello' } } as const;
    const holding: Settlement = { kind: 'dead', letter: { ...letter, request }, holds: true };
    const { taken } = await lanes.turn({ settlements: [ended(first, holding), ended(second)] });
    expect(taken.map(({ id }) => id)).toEqual([other]);
    expect((await lanes.turn()).taken).toEqual([]);
    expect(await readHolds(lanes.shard)).toEqual([
      { page: 'p1', conversation: 'c1', reason: 'dead-letter', letter: first.id },
    ]);
  });

  it('keep their place in the window when they are put off by a hold, and hold no other conversation', async () => {
    await lanes.rules({ window: 2 });
    const ids = await lanes.storeInto(CONVERSATIONS);
    const [first, second] = (await lanes.turn()).taken;
    if (!first || !second) throw new Error('there is nothing to send');
    const settlements = [ended(first, { kind: 'hold', delayMs: 50_000 }), ended(second)];
    expect(await lanes.takeAll({ settlements })).toEqual([ids[2]]);
    expect(await readHolds(lanes.shard)).toEqual([]);
    expect(await placeOf(first.id)).toBe('put-off');
    expect(await lanes.heads()).toMatchObject({ 'p1/c1': IN_FLIGHT, 'p1/c3': IN_FLIGHT });
  });

  it('are taken back by a hold if they were released for slots that lie ahead', async () => {
    await lanes.rules({ intervalMs: 100 });
    const ids = await lanes.storeInto(CONVERSATIONS);
    const { taken, slotsMs } = await lanes.turn();
    const [first] = taken;
    if (!first) throw new Error('there is nothing to send');
    expect(slotsMs).toHaveLength(4);
    expect(await jobsIn('wait')).toHaveLength(4);
    await hold(lanes.shard, { page: 'p1', reason: 'operator' });
    expect(await jobsIn('wait')).toEqual([]);
    expect((await lanes.turn({ dueSlots: 4 })).taken).toEqual([]);
    expect(await lanes.redis.zcard(`${lanes.sendRoot}waiting-children`)).toBe(ids.length - 1);
  });

  it('share a page’s window: each place that one leaves is taken once', async () => {
    await lanes.rules({ window: 2 });
    const ids = await lanes.storeInto(CONVERSATIONS);
    const [first, second] = (await lanes.turn()).taken;
    if (!first || !second) throw new Error('there is nothing to send');
    const settlements = [ended(first, backoff(1000)), ended(second)];
    expect(await lanes.takeAll({ settlements })).toEqual([ids[2], ids[3]]);
    expect(await lanes.heads()).toMatchObject({ 'p1/c1': BACKOFF, 'p1/c3': IN_FLIGHT, 'p1/c4': IN_FLIGHT });
  });

  it('see who has come into backoff: a page on which eight of them fail at once gives out no more', async () => {
    const failing = await storeAndTake(Array.from({ length: 8 }, (_, n) => `failing-${n}`));
    await lanes.rules({ window: 2 });
    const next = await lanes.store({ conversation: 'c1' });
    const fail = (all: readonly Taken[]) => all.map((taken) => ended(taken, backoff(1000)));
    const elsewhere = await lanes.store({ page: 'p2', conversation: 'c1' });
    expect((await lanes.turn({ settlements: fail(failing) })).taken.map(({ id }) => id)).toEqual([elsewhere]);
    expect(await placeOf(next)).toBeNull();
  });
});

/** What was answered, or the code with which Redis refused. */
function verdictOf(answer: TurnAnswer['settled'][number]): string {
  return answer instanceof Error ? (answer.message.split(' ')[0] ?? '') : answer.verdict;
}
