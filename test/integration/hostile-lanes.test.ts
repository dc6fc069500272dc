import { describe, expect, it } from 'vitest';
import { MAX_HISTORY } from '../../src/shared/model/attempts.ts';
import { tickIn } from '../../src/shared/lanes/fleet/leader.ts';
import { absentKey } from '../../src/shared/lanes/key-names.ts';
import { reconcile } from '../../src/shared/lanes/repair/reconcile.ts';
import type { AttemptToSettle, Settlement, Taken } from '../../src/shared/lanes/messages/settle-and-take.ts';
import { longestSilenceMs } from '../support/pings.ts';
import { backoff, ended, letter } from '../support/settlements.ts';
import { tried } from '../support/tried.ts';
import { useLanes } from '../support/use-lanes.ts';
import { useRedis } from '../support/use-redis.ts';
import { leaderTick } from '../support/leader.ts';

/** What Redis may keep others waiting on a busy machine. The code before took seconds. */
const SHORT_MS = 600;

/** Anybody with a producer's user of Redis can write into jobs, lanes and sets of pages. */
describe('what others wrote into a job or a lane', () => {
  const used = useRedis();
  const lanes = useLanes(used);

  const record: NonNullable<AttemptToSettle['record']> = {
    atMs: 1,
    outcome: 'failed',
    detail: null,
    httpStatus: 500,
    durationMs: 1,
    usedAttempt: true,
  };

  describe('a history of 40 million lines', () => {
    const history = '\n'.repeat(40_000_000);
    const jobKey = (id: string): string => `${lanes.sendRoot}${id}`;

    it.each(['before its first attempt', 'after an attempt', 'after the attempt was taken over'])(
      '%s: Redis answers others while the message is settled, and keeps the new entry only',
      async (when) => {
        const id = await lanes.store({ conversation: 'c1' });
        const first = await lanes.takeNext();
        let settled = first;
        if (when === 'after an attempt') {
          await lanes.settle(first, backoff(0), { record });
          settled = await lanes.takeNext({ look: 'due' });
        }
        if (when === 'after the attempt was taken over') {
          await lanes.stall(first);
          await lanes.settle(await lanes.takeNext(), backoff(60_000), { survived: false });
        }
        await lanes.redis.hset(jobKey(id), 'history', history);
        const silentMs = await longestSilenceMs(used.url, async () => {
          await lanes.turn({ places: 0, settlements: [{ ...ended(settled, backoff(0)), record }] });
        });
        expect(silentMs).toBeLessThan(SHORT_MS);
        const kept = await lanes.redis.hget(jobKey(id), 'history');
        expect(kept === null || kept.length > 100 ? kept?.length : kept).toBe(
          JSON.stringify([1, 'failed', null, 500, 1, 1]),
        );
        tried({
          against: 'redis',
          input:
            'a `history` of 40,000,000 line breaks, before and after an attempt, and after the attempt was taken over',
          result: 'settled while Redis answers others; the history begins anew',
          before: 'with half of it: 1.7 s without an answer',
        });
      },
    );

    it('is not given to a worker', async () => {
      const id = await lanes.store({ conversation: 'c1' });
      await lanes.settle(await lanes.takeNext(), backoff(0), { record });
      await lanes.redis.hset(jobKey(id), 'history', history);
      const taken = await lanes.takeNext({ look: 'due' });
      expect([taken.id, taken.history.length]).toEqual([id, 0]);
    });
  });

  it('a history keeps its last entries, in order', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    for (let n = 1; n <= MAX_HISTORY + 3; n += 1) {
      await lanes.settle(await lanes.takeNext({ look: 'due' }), backoff(0), { record: { ...record, atMs: n } });
    }
    const lines = (await lanes.redis.hget(`${lanes.sendRoot}${id}`, 'history'))?.split('\n') ?? [];
    expect(lines.map((line) => (JSON.parse(line) as number[])[0])).toEqual(
      Array.from({ length: MAX_HISTORY }, (_, n) => n + 4),
    );
  });

  /** Each costs at most the messages that it names. */
  const poisons: Readonly<Record<string, (root: string) => (string | number)[]>> = {
    'a waiting message whose lane begins with a slash': (root) => ['HSET', `${root}send:evil`, 'lane', '/x'],
    'a waiting message whose lane is a star': (root) => ['HSET', `${root}send:evil`, 'lane', '*'],
    'a waiting message with no job': (root) => ['ZADD', `${root}send:waiting-children`, 0, 'nothing'],
    'a waiting message that is a text': (root) => ['SET', `${root}send:evil`, 'x'],
    'a put-off message that is a text': (root) => ['ZADD', `${root}send:delayed`, 0, 'evil-text'],
    'a scheduled message without a number': (root) => ['ZADD', `${root}due`, 0, 'evil'],
    'a head of no page': (root) => ['ZADD', `${root}heads:p1`, 0, '/x'],
    'a head of another page': (root) => ['ZADD', `${root}heads:p1`, 0, 'p3/c1'],
    'a page without a name': (root) => ['ZADD', `${root}turns`, 0, ''],
    'a page in the set of pages that has no name': (root) => ['SADD', `${root}pages`, ''],
    'heads of a page that are a text': (root) => ['SET', `${root}heads:evil`, 'x'],
    'a lane that is a text': (root) => ['SET', `${root}lane:p1/evil`, 'x'],
    'a turn that is no number': (root) => ['HINCRBY', `${root}counts`, 'turn', '9223372036854775000'],
    'a number that a sequence can not reach': (root) => ['HINCRBY', `${root}counts`, 'turn', '5000000000000'],
    'a sequence that is none': (root) => ['HSET', `${root}counts`, 'turn', 'x'],
    ...Object.fromEntries(
      ['pages', 'turns', 'paced', 'asleep', 'held', 'due', 'send:wait', 'send:active', 'send:delayed'].map((key) => [
        `${key} that is a text`,
        (root: string) => ['SET', `${root}${key}`, 'x'],
      ]),
    ),
    'a marker that is a text': (root) => ['SET', `${root}send:marker`, 'x'],
    'the time of a page that never comes': (root) => ['SET', `${root}rate:p2`, '0 9e15'],
    'the time of a page that is none': (root) => ['SET', `${root}rate:p2`, 'x y'],
    'the time of a page that is a list': (root) => [
      'EVAL',
      `redis.call('DEL', KEYS[1]) return redis.call('RPUSH', KEYS[1], 'x')`,
      1,
      `${root}rate:p2`,
    ],
    'waiting messages that are a text': (root) => ['SET', `${root}send:waiting-children`, 'x'],
  };

  it.each(Object.keys(poisons))('%s costs itself only, and is gone after the next repair', async (what) => {
    const { redis, shard } = lanes;
    const { root } = shard;
    await lanes.rules({ pageIntervalMs: 0.1, pageBurst: 10 });
    const ids = await lanes.storeInto(['c1', 'c2', 'c2'], { page: 'p2' });
    const putOff = await lanes.takeNext();
    await lanes.settle(putOff, backoff(0));
    await redis
      .multi()
      .zadd(`${root}send:waiting-children`, 1, 'evil')
      .set(`${root}send:evil-text`, 'x')
      .zadd(`${root}heads:p1`, 1, 'p1/evil')
      .sadd(`${root}pages`, 'p1', 'evil')
      .zadd(`${root}turns`, -2, 'p1', -1, 'evil')
      .exec();
    const [command = '', ...args] = (poisons[what] ?? (() => []))(root);
    await redis.call(String(command), ...args);

    let cursor = '0';
    for (let passes = 0; passes < 4; passes += 1) ({ cursor } = await reconcile(shard, cursor));
    const sent: string[] = [];
    // The page may wait for its next slot, which a fast machine reaches after many turns.
    for (let turns = 0; turns < 1000 && !ids.every((id) => sent.includes(id)); turns += 1) {
      const { taken } = await lanes.turn({ look: 'due' });
      for (const one of taken) {
        sent.push(one.id);
        await lanes.settle(one, { kind: 'delivered', elapsedMs: 1 });
      }
    }
    expect(sent.filter((id) => ids.includes(id)).toSorted()).toEqual(ids.toSorted());
    for (let passes = 0; passes < 4; passes += 1) await reconcile(shard, '0');
    expect((await reconcile(shard, '0')).repairs).toBe(0);
    expect((await lanes.keys()).filter((key) => key.includes('evil') && key !== 'send:evil-text')).toEqual([]);
    await lanes.store({ conversation: 'c9' });
    await lanes.settle(await lanes.takeNext(), { kind: 'delivered', elapsedMs: 1 });
    tried({
      against: 'redis',
      input:
        'entries that make no sense: lanes `/x` and `*`, no lane, a head of another page, a page without a name, texts in place of jobs, lanes and sets, a turn at the end of 64 bits',
      result:
        'all other messages are handed out, the leader ticks, and after four passes of the repair the entry is gone',
      before: '26 of the first 46 stopped repairs, takes or ticks',
    });
  });

  it.each(Object.keys(poisons))('%s stops neither the takes nor the leader', async (what) => {
    const { redis, shard } = lanes;
    await lanes.store({ conversation: 'c1', page: 'p2' });
    const [command = '', ...args] = (poisons[what] ?? (() => []))(shard.root);
    await redis.call(String(command), ...args);
    const ticked = await tickIn(shard, leaderTick);
    expect(ticked).toHaveProperty('position');
    const { settled } = await lanes.turn({ look: 'due' });
    expect(settled).toEqual([]);
    tried({
      against: 'redis',
      input:
        'entries that make no sense: lanes `/x` and `*`, no lane, a head of another page, a page without a name, texts in place of jobs, lanes and sets, a turn at the end of 64 bits',
      result:
        'all other messages are handed out, the leader ticks, and after four passes of the repair the entry is gone',
      before: '26 of the first 46 stopped repairs, takes or ticks',
    });
  });

  it('a thousand lanes with a thousand removed messages each: every pass of the repair is short', async () => {
    const { redis, shard } = lanes;
    await redis.eval(
      `for page = 1, 20 do
         redis.call('SADD', KEYS[1] .. 'pages', 'p' .. page)
         for c = 1, 50 do
           local lane, ids = 'p' .. page .. '/c' .. c, {}
           for n = 1, 1000 do ids[n] = page .. '-' .. c .. '-' .. n end
           redis.call('RPUSH', KEYS[1] .. 'lane:' .. lane, unpack(ids))
           redis.call('ZADD', KEYS[1] .. 'heads:p' .. page, 1e13, lane)
         end
       end`,
      1,
      shard.root,
    );
    let cursor = '0';
    const silentMs = await longestSilenceMs(used.url, async () => {
      for (let passes = 0; passes < 5; passes += 1) ({ cursor } = await reconcile(shard, cursor));
    });
    expect(silentMs).toBeLessThan(SHORT_MS);
    tried({
      against: 'redis',
      input: '1,000 lanes, each with 1,000 ids whose jobs are gone',
      result: 'Redis answers others during five passes',
      before: '3.6 s without an answer',
    });
  });

  it('data of 100 MB is not read, and the worker gets a note in its place', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    await lanes.redis.eval(`redis.call('HSET', KEYS[1], 'data', string.rep('x', 1e8))`, 1, `${lanes.sendRoot}${id}`);
    let taken: Taken | null = null;
    const silentMs = await longestSilenceMs(used.url, async () => {
      taken = await lanes.take();
    });
    expect(taken).toMatchObject({ id, verdict: 'go', data: '[not read, it had 100000000 bytes]' });
    expect(silentMs).toBeLessThan(SHORT_MS);
    tried({
      against: 'redis',
      input: '`data` of 100 MB',
      result: 'not read; Redis answers others',
      before: '1 s without an answer',
    });
  });

  it('a lane that is a star is removed as no message of ours, and holds nothing', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    const taken = await lanes.takeNext();
    await lanes.redis.hset(`${lanes.sendRoot}${id}`, 'lane', '*');
    const end: Settlement = { kind: 'dead', letter, holds: true };
    expect(await lanes.settle(taken, end)).toEqual({ verdict: 'lost' });
    await lanes.stall(taken);
    expect(await lanes.turn()).toMatchObject({ taken: [], foreign: [id] });
    expect(await lanes.redis.exists(`${lanes.shard.root}holds`)).toBe(0);
    await lanes.redis.del(`${lanes.shard.root}lane:p1/c1`);
    await lanes.store({ conversation: 'c2' });
    await lanes.takeNext();
    tried({
      against: 'redis',
      input: 'a lane `*` on a message that dies and holds its conversation',
      result: 'removed, and nothing is held',
      before: 'everything',
    });
  });

  it('a lane that no producer names is not stored', async () => {
    const call = async (lane: string): Promise<unknown[]> =>
      (await lanes.redis.laneEnqueue(
        `${lanes.sendRoot}waiting-children`,
        absentKey(lanes.shard),
        lanes.shard.root,
        1000,
        0,
        `0-${lane.length}`,
        lane,
        'text',
        '{}',
        1000,
        1000,
        1,
        '',
      )) as unknown[];
    for (const lane of ['*', 'p1', '/c1', 'p1/', 'p1/c1/c2', 'p 1/c1', `p1/${'c'.repeat(200)}`]) {
      expect((await call(lane))[0]).toBeInstanceOf(Error);
    }
    expect(await call('p1/c1')).toEqual(['stored']);
  });

  it('a job with the id of a dead letter does not overwrite it', async () => {
    const { redis, shard } = lanes;
    const id = await lanes.store({ conversation: 'c1' });
    await lanes.settle(await lanes.takeNext(), { kind: 'dead', letter, holds: false });
    const before = await redis.hgetall(`${shard.root}dead:${id}`);
    await redis.hset(`${lanes.sendRoot}${id}`, { lane: 'p1/c1', exp: 9e15, data: 'x', timestamp: 1, name: 'text' });
    await redis.rpush(`${shard.root}lane:p1/c1`, id);
    await redis.zadd(`${shard.root}heads:p1`, 1, 'p1/c1');
    await redis.zadd(`${shard.root}turns`, 1, 'p1');
    const end: Settlement = { kind: 'dead', letter: { ...letter, reason: 'undecodable' }, holds: true };
    await lanes.settle(await lanes.takeNext(), end);
    expect(await redis.hgetall(`${shard.root}dead:${id}`)).toEqual(before);
    expect(await redis.exists(`${shard.root}holds`)).toBe(0);
    expect(await redis.exists(`${lanes.sendRoot}${id}`)).toBe(0);
    tried({
      against: 'redis',
      input: 'a job with the id of a dead letter',
      result: 'the dead letter stays as it was',
      before: 'overwritten',
    });
  });
});
