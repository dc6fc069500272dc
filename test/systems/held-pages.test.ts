import { describe, expect, it } from 'vitest';
import { tickIn } from '../../src/shared/lanes/fleet/leader.ts';
import { hold, release } from '../../src/shared/lanes/holds/hold.ts';
import { longestSilenceMs } from '../support/pings.ts';
import { tried } from '../support/tried.ts';
import { useLanes } from '../support/use-lanes.ts';
import { useRedis } from '../support/use-redis.ts';
import { leaderTick } from '../support/leader.ts';

/** What Redis may keep others waiting on a busy machine. The code before took seconds. */
const SHORT_MS = 600;

describe('very many pages that are held', () => {
  const used = useRedis();
  const lanes = useLanes(used);
  const everything = { reason: 'operator' } as const;

  /** Pages that a hold of everything has put to sleep, each with one conversation. */
  async function putToSleep(pages: number): Promise<void> {
    await hold(lanes.shard, everything);
    for (let from = 1; from <= pages; from += 10_000) {
      await lanes.redis.eval(
        `for n = ARGV[1], ARGV[2] do
           redis.call('SADD', KEYS[1] .. 'asleep', 'p' .. n)
           redis.call('ZADD', KEYS[1] .. 'heads:p' .. n, 1, 'p' .. n .. '/c1')
         end`,
        1,
        lanes.shard.root,
        from,
        Math.min(pages, from + 9999),
      );
    }
  }

  const countOf = async (key: 'asleep' | 'pages'): Promise<number> =>
    await lanes.redis.scard(`${lanes.shard.root}${key}`);

  it('200,000 of them go on when everything is released, and Redis answers others meanwhile', async () => {
    const pages = 200_000;
    await putToSleep(pages);
    const silentMs = await longestSilenceMs(used.url, async () => {
      expect(await release(lanes.shard, {})).toBe(true);
    });
    expect(silentMs).toBeLessThan(SHORT_MS);
    expect([await countOf('asleep'), await countOf('pages')]).toEqual([0, pages]);
    expect(await lanes.redis.zcard(`${lanes.shard.root}turns`)).toBe(pages);
    tried({
      against: 'redis',
      input: '`release --all` with 200,000 pages asleep',
      result: 'Redis answers others, and all pages go on',
      before: '3.5 s without an answer',
    });
  });

  it('those that are held by themselves stay held', async () => {
    await putToSleep(1000);
    await hold(lanes.shard, { page: 'p7', ...everything });
    expect(await release(lanes.shard, {})).toBe(true);
    expect(await lanes.redis.smembers(`${lanes.shard.root}asleep`)).toEqual(['p7']);
    expect(await release(lanes.shard, { page: 'p7' })).toBe(true);
    expect([await countOf('asleep'), await countOf('pages')]).toEqual([0, 1000]);
  });

  it('go on by the leader if there is no time for all of them', async () => {
    await putToSleep(3000);
    expect(await release(lanes.shard, {}, () => false)).toBe(true);
    expect(await countOf('asleep')).toBeGreaterThan(2000);
    let nextMs = 0;
    for (let ticks = 0; nextMs === 0 && ticks < 20; ticks += 1) {
      const ticked = await tickIn(lanes.shard, leaderTick);
      nextMs = typeof ticked === 'string' ? NaN : ticked.nextMs;
    }
    expect([nextMs, await countOf('asleep')]).toEqual([Infinity, 0]);
  });

  it('go on by the leader, or by another release, if the process that released them ended midway', async () => {
    await putToSleep(3000);
    await lanes.redis.hdel(`${lanes.shard.root}holds`, 'standing:*');
    await tickIn(lanes.shard, leaderTick);
    const woken = await countOf('pages');
    expect(woken).toBeGreaterThan(400);
    expect(woken).toBeLessThan(1000);
    for (let ticks = 0; ticks < 8; ticks += 1) {
      await tickIn(lanes.shard, leaderTick);
    }
    expect([await countOf('asleep'), await countOf('pages')]).toEqual([0, 3000]);
    await putToSleep(600);
    await lanes.redis.hdel(`${lanes.shard.root}holds`, 'standing:*');
    expect(await release(lanes.shard, {})).toBe(false);
    expect(await countOf('asleep')).toBe(0);
  });
});
