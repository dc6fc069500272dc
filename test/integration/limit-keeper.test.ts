import { beforeEach, describe, expect, it, vi } from 'vitest';
import { limitInForce, readLimits, readPace, writeLimits, writePace } from '../../src/shared/lanes/fleet/limits.ts';
import { createKeeper, type KeeperOfTest, type KeeperOptions, shardRoots } from '../support/limits/keepers.ts';
import { useSimulatedTime } from '../support/limits/simulated-time.ts';

const NAMESPACE = 'keeper';
const ASKS = `{${NAMESPACE}:fleet}:asks`;
const [{ root: ROOT } = { root: '' }] = shardRoots(NAMESPACE, 1);

describe('the limits that a fleet agrees on', () => {
  const time = useSimulatedTime({ withPerformance: true });

  const keeper = (workerId: string, options: KeeperOptions = {}): KeeperOfTest =>
    createKeeper(time.redis, NAMESPACE, workerId, options);

  async function join(workerId: string, options: KeeperOptions = {}): Promise<KeeperOfTest> {
    const joined = keeper(workerId, options);
    await joined.start();
    return joined;
  }

  const inForce = async (): Promise<(string | null)[]> => {
    const limits = await readLimits(time.redis, NAMESPACE);
    return [limitInForce(limits, 'rate', undefined).limit, limitInForce(limits, 'pageRate', undefined).limit];
  };
  const paceOf = async (): Promise<string> => {
    const { pace } = await readPace(time.redis, ROOT);
    return pace === null ? 'nothing' : `${pace.intervalMs}/${pace.burst} ${pace.pageIntervalMs}/${pace.pageBurst}`;
  };

  describe('which one counts', () => {
    it('is that of the first worker, until the last one that asks for it has left', async () => {
      const [first, same] = [await join('a', { rate: '20/s' }), await join('b', { rate: '20/s' })];
      const other = await join('c', { rate: '10/s', pageRate: '5/s' });
      expect([await inForce(), await paceOf()]).toEqual([['20/s', null], '50/1 0/1']);
      await first.stop();
      await other.beat();
      expect(await inForce()).toEqual(['20/s', null]);
      await same.stop();
      expect(await inForce()).toEqual(['20/s', null]);
      await other.beat();
      await other.tick();
      expect([await inForce(), await paceOf()]).toEqual([['10/s', '5/s'], '100/1 200/1']);
      expect(other.inForce()).toMatchObject({ rate: { count: 10 }, pageRate: { count: 5 } });
    });

    it('ends with a worker that is silent for half a minute', async () => {
      await join('dead', { rate: '20/s' });
      const alive = await join('alive', { rate: '10/s' });
      for (const expected of ['20/s', '20/s', '20/s', '10/s']) {
        await time.pass(10_000);
        await alive.beat();
        expect(await inForce()).toEqual([expected, null]);
      }
      expect(await time.redis.hkeys(ASKS)).toEqual(['alive']);
    });

    it.each([
      ['was away for an hour', 3_600_000],
      ['had its clock set ten minutes ahead', 600_000],
      ['had its clock set ten minutes back', -600_000],
    ])('stays when Redis %s: no worker fell silent by that', async (_what, ms) => {
      const [first, other] = [await join('a', { rate: '20/s' }), await join('b', { rate: '10/s' })];
      await time.pass(10_000);
      await first.beat();
      await time.goTo(time.nowMs() + ms);
      await other.beat();
      await time.pass(10_000);
      await other.beat();
      expect(await inForce()).toEqual(['20/s', null]);
      await first.beat();
      await first.stop();
      await other.beat();
      expect(await inForce()).toEqual(['10/s', null]);
    });

    it('is that of a worker that comes back with another variable, if no other one asks for the old one', async () => {
      await join('a', { rate: '20/s' });
      await join('a', { rate: '10/s' });
      expect([await inForce(), await paceOf()]).toEqual([['10/s', null], '100/1 0/1']);
    });

    it('is that of the operator, as long as there is one', async () => {
      const worker = await join('a', { rate: '20/s', pageRate: '7/s' });
      await writeLimits(time.redis, NAMESPACE, { rate: '4/s burst 3', pageRate: 'none' });
      await worker.tick();
      expect([await inForce(), await paceOf()]).toEqual([['4/s burst 3', null], '250/3 0/1']);
      await writeLimits(time.redis, NAMESPACE, { rate: null });
      await worker.tick();
      expect([await inForce(), await paceOf()]).toEqual([['20/s', null], '50/1 0/1']);
    });

    it('can be no limit', async () => {
      const none = await join('none');
      const other = await join('other', { rate: '20/s' });
      expect([await inForce(), await paceOf()]).toEqual([[null, null], '0/1 0/1']);
      expect(other.inForce()).toEqual({ rate: null, pageRate: null });
      await none.stop();
      await other.beat();
      expect(await inForce()).toEqual(['20/s', null]);
    });
  });

  describe('a worker whose variable does not count', () => {
    const warnings = ({ lines }: KeeperOfTest): string[] => lines.filter((line) => line.includes('"warn"'));

    it('says so once, and again when another limit counts', async () => {
      const first = await join('a', { rate: '20/s' });
      const other = await join('b', { rate: '10/s' });
      await other.beat();
      expect(warnings(first)).toEqual([]);
      expect(warnings(other)).toEqual([expect.stringMatching(/KITECHAT_RATE_LIMIT.*"10\/s".*"20\/s".*other workers/)]);
      await writeLimits(time.redis, NAMESPACE, { rate: '3/s' });
      for (const worker of [first, other, first, other]) await worker.beat();
      expect(warnings(first)).toEqual([expect.stringMatching(/"3\/s".*limits set --rate default/)]);
      expect(warnings(other)).toHaveLength(2);
      await writeLimits(time.redis, NAMESPACE, { rate: null });
      await first.stop();
      await other.beat();
      expect(warnings(other)).toHaveLength(2);
    });

    it('says so if it has none and others have one, but not when an operator has set one', async () => {
      await join('a', { pageRate: '20/s' });
      const [line = ''] = warnings(await join('b'));
      expect(JSON.parse(line)).toMatchObject({
        variable: 'KITECHAT_PAGE_RATE_LIMIT',
        value: 'none',
        inForce: '20/s',
      });
      await writeLimits(time.redis, NAMESPACE, { pageRate: '3/s' });
      expect(warnings(await join('c'))).toEqual([]);
    });

    it('says nothing if it only writes the same limit in another way', async () => {
      await join('a', { rate: '1/s' });
      expect(warnings(await join('b', { rate: '60/min' }))).toEqual([]);
    });
  });

  describe('the leader', () => {
    it('is one, and another one when it has not been heard of for five seconds', async () => {
      const [first, other] = [await join('a', { rate: '20/s' }), await join('b', { rate: '20/s' })];
      await writeLimits(time.redis, NAMESPACE, { rate: '10/s' });
      await time.pass(4000);
      await other.tick();
      expect(await paceOf()).toBe('50/1 0/1');
      await first.tick();
      expect(await paceOf()).toBe('100/1 0/1');
      await writeLimits(time.redis, NAMESPACE, { rate: '5/s' });
      await time.pass(4000);
      await other.tick();
      expect(await paceOf()).toBe('100/1 0/1');
      await time.pass(2000);
      await other.tick();
      expect(await paceOf()).toBe('200/1 0/1');
    });

    it('is found at once after it has left', async () => {
      const [first, other] = [await join('a'), await join('b')];
      await writeLimits(time.redis, NAMESPACE, { rate: '10/s' });
      await first.stop();
      await time.pass(2000);
      await other.tick();
      expect(await paceOf()).toBe('100/1 0/1');
    });

    it('is another one soon after Redis stepped back, and no lease lasts for the time of the step', async () => {
      const [first, other] = [await join('a'), await join('b')];
      await time.pass(600_000);
      await first.tick();
      await time.goTo(time.nowMs() - 600_000);
      await writeLimits(time.redis, NAMESPACE, { rate: '10/s' });
      await other.tick();
      expect(await paceOf()).toBe('100/1 0/1');
    });

    it('writes nothing any more when a later one has written', async () => {
      await join('a');
      const { term } = await readPace(time.redis, ROOT);
      const slow = { intervalMs: 1000, burst: 1, pageIntervalMs: 0, pageBurst: 1 };
      expect(await writePace(time.redis, ROOT, term + 1, slow)).toMatchObject({ term: term + 1 });
      expect(await writePace(time.redis, ROOT, term, { ...slow, intervalMs: 5 })).toMatchObject({ term: term + 1 });
      expect(await paceOf()).toBe('1000/1 0/1');
    });

    it('goes on when a shard has a higher term than its own, as after the fleet was forgotten', async () => {
      const leader = await join('a', { rate: '10/s' });
      await writePace(time.redis, ROOT, 57, { intervalMs: 7, burst: 1, pageIntervalMs: 0, pageBurst: 1 });
      for (let n = 0; n < 3; n += 1) await leader.tick();
      expect([await paceOf(), (await readPace(time.redis, ROOT)).term]).toEqual(['100/1 0/1', 58]);
    });

    it('writes anew what a shard has lost, and nothing else', async () => {
      const leader = await join('a', { rate: '10/s' });
      await time.redis.del(`${ROOT}fleet`);
      await leader.tick();
      expect(await paceOf()).toBe('100/1 0/1');
      const write = vi.spyOn(time.redis, 'fleetPace');
      for (let n = 0; n < 10; n += 1) await leader.tick();
      expect(write).not.toHaveBeenCalled();
      write.mockRestore();
    });
  });

  describe('a worker that starts', () => {
    beforeEach(() => vi.useRealTimers());

    it('waits for the leader, and takes the lead if that one writes nothing', async () => {
      await keeper('dying', { rate: '20/s' }).beat();
      expect(await paceOf()).toBe('nothing');
      const next = await join('next', { rate: '20/s' });
      expect(await paceOf()).toBe('50/1 0/1');
      await writeLimits(time.redis, NAMESPACE, { rate: '10/s' });
      await next.tick();
      expect(await paceOf()).toBe('100/1 0/1');
    });

    it('does not lead if a leader has told the shards', async () => {
      const leader = await join('a', { rate: '20/s' });
      const { term } = await readPace(time.redis, ROOT);
      await Promise.all(['b', 'c', 'd'].map((id) => join(id, { rate: '20/s' })));
      await leader.tick();
      expect((await readPace(time.redis, ROOT)).term).toBe(term);
    });
  });
});
