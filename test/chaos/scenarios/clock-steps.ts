import { setTimeout as delay } from 'node:timers/promises';
import { manyMessages } from '../../support/messages.ts';
import { shiftedClock, stepClock } from '../../support/shifted-clock.ts';
import { startSteppingRedis } from '../../support/stepping-redis.ts';
import type { AnyRedis, Arena } from '../arena.ts';
import { inArena, inArenaOn } from '../in-arena.ts';
import { arrivalsOf, settleAccounts, unansweredBy, untilEnded } from '../ledger.ts';
import { longestGapMs } from '../pace.ts';
import type { Outcome, Scenario } from '../scenario.ts';

const TEN_MINUTES_MS = 600_000;
const STEPS = 3;
const PAUSE_MS = 4000;
const RECOVERY_LIMIT_MS = 5000;

type Direction = 'forward' | 'back';

function stepMs(direction: Direction): number {
  return direction === 'forward' ? TEN_MINUTES_MS : -TEN_MINUTES_MS;
}

/** The clock of Redis steps under load, while the workers' clocks go on. */
export function redisClockSteps(direction: Direction): Scenario {
  return inArenaOn({
    name: `clock of Redis ten minutes ${direction}, ${STEPS} times`,
    startRedis: () => startSteppingRedis(),
    workers: 3,
    api: { latencyMs: 20 },
    play: async (arena) => await playSteps(arena, async () => await arena.server.stepClock(stepMs(direction))),
  });
}

/** The clock of one worker after the other steps under load. */
export function workerClockSteps(direction: Direction): Scenario {
  return inArena({
    name: `clock of a worker ten minutes ${direction}, ${STEPS} times`,
    workers: 3,
    api: { latencyMs: 20 },
    env: shiftedClock({ stepMs: stepMs(direction) }),
    play: async (arena) =>
      await playSteps(arena, async (nth) => {
        const worker = arena.fleet.workers()[nth];
        if (worker) await stepClock(worker);
      }),
  });
}

async function playSteps<Server extends AnyRedis>(
  arena: Arena<Server>,
  step: (nth: number) => Promise<void>,
): Promise<Outcome> {
  const storing = arena.storeSlowly(manyMessages(150, 20, 6), (STEPS + 1.5) * PAUSE_MS);
  const steps: number[] = [];
  for (let nth = 0; nth < STEPS; nth += 1) {
    await delay(PAUSE_MS);
    steps.push(Date.now());
    await step(nth);
    arena.fleet.countKill();
  }
  await storing;
  await untilEnded(arena);
  const arrivals = await arrivalsOf(arena);
  return await settleAccounts(arena, {
    duplicates: await unansweredBy(arena),
    recoveryMs: Math.max(...steps.map((at) => longestGapMs(arrivals, at, at + PAUSE_MS / 2))),
    recoveryLimitMs: RECOVERY_LIMIT_MS,
  });
}
