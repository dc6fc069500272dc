import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readHolds, type StandingHold } from '../../../src/shared/lanes/holds/hold.ts';
import type { RedisServer } from '../../../src/testing/redis/redis-handle.ts';
import { startRedisServer } from '../../../src/testing/redis/redis-server.ts';
import { runProcess } from '../../support/command-line.ts';
import { eventually } from '../../support/eventually.ts';
import { manyMessages } from '../../support/messages.ts';
import { backUp } from '../../support/restored-redis.ts';
import { type Arena, openArena } from '../arena.ts';
import { settleAccounts, untilEnded } from '../ledger.ts';
import type { Outcome, Scenario } from '../scenario.ts';

const WORKERS = 3;
/** Longer than what a failover or a crash loses. */
const OLDER_MS = 15_000;
/** Nothing may be sent for this long after the restore, until an operator releases the messages. */
const HELD_MS = 5000;

/** A dump of earlier is put back, while the workers run or before new ones start. */
export function restoredDump(workers: 'run on' | 'are new'): Scenario {
  return {
    name: `restored dump, workers ${workers}`,
    async run(seed) {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'kitechat-state-'));
      await using arena = await openArena({
        seed,
        startRedis: async () => await startRedisServer({ engine: 'path' }),
        workers: WORKERS,
        api: { latencyMs: 100 },
        env: { KITECHAT_ON_UNKNOWN_OUTCOME: 'dead-letter', KITECHAT_STATE_DIR: folder.path },
      });
      return await play(arena, workers === 'are new');
    },
  };
}

async function play(arena: Arena<RedisServer>, areNew: boolean): Promise<Outcome> {
  const { api, fleet, server, shard } = arena;
  await arena.store(manyMessages(150, 20, 6));
  await eventually('a third is delivered', async () => (await api.counts()).accepted > 1000);
  const dump = { open: 0, restore: async () => {} };
  await fleet.whileStopped(async () => {
    dump.open = await countOpen(arena);
    dump.restore = await backUp(server, shard.redis);
  });
  const savedAt = performance.now();
  await untilEnded(arena);
  await delay(OLDER_MS - (performance.now() - savedAt));

  if (areNew) await fleet.endAll();
  await dump.restore();
  fleet.countKill();
  if (areNew) for (let nth = 0; nth < WORKERS; nth += 1) await fleet.start();
  const { restore } = await eventually('everything is held', async () => await restoredHold(arena), 20_000);
  await delay(HELD_MS);
  const unasked = (await api.report()).duplicates.count;

  const released = await runProcess(['release', '--all'], { REDIS_URL: server.url });
  await untilEnded(arena);
  const said = restore?.messages ?? 0;
  const outcome = await settleAccounts(arena, { duplicates: said, dead: fleet.struck.length });
  const { duplicated, dead } = outcome;
  return {
    ...outcome,
    violations: [
      ...(unasked > 0 ? [`${unasked} were sent again before the release`] : []),
      ...(released.exitCode === 0 ? [] : [`release ended with ${released.exitCode}`]),
      ...(said === dump.open ? [] : [`${dump.open} were open in the dump, and it said ${said}`]),
      ...(duplicated + dead === said ? [] : [`it said ${said}; ${duplicated} were sent again, ${dead} died`]),
    ],
    figures: `held: ${said} that may be sent twice; then ${duplicated} were, and ${dead} became dead letters`,
  };
}

async function countOpen({ sendQueue }: Arena): Promise<number> {
  const counts = await sendQueue.getJobCounts('waiting', 'active', 'delayed', 'waiting-children');
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

async function restoredHold({ shard }: Arena): Promise<StandingHold | undefined> {
  return (await readHolds(shard)).find(({ reason }) => reason === 'restored');
}
