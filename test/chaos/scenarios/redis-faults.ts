import { setTimeout as delay } from 'node:timers/promises';
import { manyMessages } from '../../support/messages.ts';
import { eventually } from '../../support/eventually.ts';
import type { RedisServer } from '../../../src/testing/redis/redis-handle.ts';
import type { Arena } from '../arena.ts';
import { inArena } from '../in-arena.ts';
import { settleAccounts, unansweredBy, untilEnded } from '../ledger.ts';
import type { Scenario } from '../scenario.ts';

const CONVERSATIONS = 150;
const RECOVERY_LIMIT_MS = 10_000;

interface RedisFault {
  name: string;
  load: { messages: number; overMs: number };
  /** The latency of the API in ms. Default: 20. */
  latencyMs?: number;
  /** The number of strikes, in sequence. */
  strikes: number;
  /** Causes the fault. @returns the time from the return of Redis to the first delivery after it. */
  strike(arena: Arena<RedisServer>): Promise<number>;
}

/** Redis is killed, or frozen, while messages are stored and delivered. */
function redisFault({ name, load: { messages, overMs }, latencyMs = 20, strikes, strike }: RedisFault): Scenario {
  return inArena({
    name,
    workers: 3,
    api: { latencyMs },
    async play(arena) {
      const storing = arena.storeSlowly(manyMessages(CONVERSATIONS, messages / CONVERSATIONS, 6), overMs);
      let recoveryMs = 0;
      for (let nth = 0; nth < strikes; nth += 1) {
        recoveryMs = Math.max(recoveryMs, await strike(arena));
        arena.fleet.countKill();
      }
      await storing;
      await untilEnded(arena);
      return await settleAccounts(arena, {
        // The lock of a message that was being sent when Redis went away may be gone when Redis is back.
        duplicates: arena.fleet.struck.length + (await unansweredBy(arena)),
        recoveryMs,
        recoveryLimitMs: RECOVERY_LIMIT_MS,
      });
    },
  });
}

/** @returns the time until the next delivery, in ms. */
async function nextDeliveryMs({ api }: Arena): Promise<number> {
  const from = Date.now();
  const { accepted: before } = await api.counts();
  await eventually('something is delivered', async () => (await api.counts()).accepted > before, 60_000);
  const accepted = await api.accepted();
  return Math.round((accepted[before]?.at ?? Date.now()) - from);
}

/** Redis delays a write to its AOF for two seconds at most. */
const PUT_OFF_MS = 2000;

async function noteUnwritten({ stored, api, unwritten }: Arena): Promise<void> {
  const from = Date.now() - PUT_OFF_MS;
  unwritten.kills += 1;
  for (const [identity, at] of stored) if (at > from) unwritten.stored.add(identity);
  const accepted = await api.accepted();
  unwritten.delivered += accepted.filter(({ at }) => at > from).length;
}

/** During an fsync, `everysec` acknowledges writes that are only in memory. */
async function hasUnwrittenAof({ shard }: Arena): Promise<boolean> {
  const info = await shard.redis.info('persistence');
  return !/^aof_buffer_length:0\r?$/m.test(info);
}

async function killRedis(arena: Arena<RedisServer>, downMs: number): Promise<number> {
  await arena.fleet.whileStopped(async () => {
    if (await hasUnwrittenAof(arena)) await noteUnwritten(arena);
    await arena.server.kill('SIGKILL');
  });
  await delay(downMs);
  await arena.server.restart();
  return await nextDeliveryMs(arena);
}

export const redisKills = redisFault({
  name: 'Redis SIGKILLs (AOF everysec)',
  load: { messages: 4500, overMs: 30_000 },
  strikes: 8,
  async strike(arena) {
    await delay(1000 + arena.random() * 1500);
    return await killRedis(arena, 200 + arena.random() * 1200);
  },
});

export const redisOutage = redisFault({
  name: 'Redis away for 40 s',
  load: { messages: 1500, overMs: 10_000 },
  // Long, so that many requests are open when Redis goes away.
  latencyMs: 300,
  strikes: 1,
  async strike(arena) {
    await delay(2000);
    return await killRedis(arena, 40_000);
  },
});

export const redisFrozen = redisFault({
  name: 'Redis frozen (SIGSTOP 6 s)',
  load: { messages: 2250, overMs: 15_000 },
  strikes: 2,
  async strike(arena) {
    await delay(2000);
    await arena.fleet.whileStopped(() => arena.server.pause());
    await delay(6000);
    await arena.server.resume();
    return await nextDeliveryMs(arena);
  },
});

export const bothKilled = redisFault({
  name: 'worker and Redis SIGKILLs',
  load: { messages: 4500, overMs: 20_000 },
  strikes: 5,
  async strike(arena) {
    await delay(1000);
    await arena.fleet.killOne();
    await delay(500 + arena.random() * 1000);
    return await killRedis(arena, 200 + arena.random() * 1000);
  },
});
