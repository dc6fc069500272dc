import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withLaneCommands } from '../../src/shared/lanes/commands.ts';
import { firstRules, laneCommands } from '../support/lanes-model/commands.ts';
import { drain } from '../support/lanes-model/drain.ts';
import { newModel } from '../support/lanes-model/model.ts';
import { openWorld, TEST_CLOCK_LUA, type World } from '../support/lanes-model/world.ts';
import { useRedis } from '../support/use-redis.ts';

/*
 * Random commands on the real scripts in a real Redis, against a model; see `test/support/lanes-model`. After each command
 * every invariant is checked, and after each run that everything ends.
 *
 * A failing run prints its seed and path, and its commands with a replay path. This runs it again, as it was shrunk:
 *
 *   MODEL_SEED=… MODEL_PATH=… MODEL_REPLAY_PATH=… npm test -- lanes-model
 *
 * The seed alone makes the same runs from the first. `npm run test:model` makes thousands of them.
 */
const { MODEL_RUNS = '25', MODEL_SEED, MODEL_PATH, MODEL_REPLAY_PATH } = process.env;
const runs = Number(MODEL_RUNS);
const MAX_COMMANDS = 60;

/** What must have happened in so many runs; otherwise the commands test less than they seem to. */
const EVERYTHING = `
  stored, duplicate, conflict, full, gone, cancelled, too-late, not-found, scheduled, due,
  go, unknown, crashed, expired, foreign, slot, late, told again, repeated, stalled, locked once more,
  settle delivered, settle dead, settle backoff, settle hold, settle aside, settle back,
  taken together: 3, settled together: 3,
  hold, release, hold by a letter, replay to the front, replay before others,
  discard, discard of a hold, settle, settle of a hold, expire, letter removed, forgotten,
  leads, follows, pace, clock back, tick after the clock was set back,
  disturbance, repair
`
  .trim()
  .split(/,\s+/);

describe('the lanes, whatever happens in whatever order', () => {
  const used = useRedis();
  let redis: Redis;
  let world: World;
  beforeAll(async () => {
    redis = new Redis(used.url, { maxRetriesPerRequest: null, retryStrategy: () => 1 });
    world = await openWorld(withLaneCommands(redis, TEST_CLOCK_LUA));
  });
  afterAll(() => redis.disconnect());

  it('keep their invariants, and every message ends', { timeout: 60_000 + runs * 2000 }, async () => {
    const tally = new Map<string, number>();
    const property = fc.asyncProperty(
      firstRules,
      laneCommands(MAX_COMMANDS, MODEL_REPLAY_PATH),
      async (rules, commands) => {
        await world.begin(rules);
        const model = newModel(await world.look(), rules, tally);
        await fc.asyncModelRun(() => ({ model, real: world }), commands);
        await drain(model, world);
      },
    );
    await fc.assert(property, {
      numRuns: runs,
      ...(MODEL_SEED === undefined ? {} : { seed: Number(MODEL_SEED) }),
      ...(MODEL_PATH === undefined ? {} : { path: MODEL_PATH, endOnFailure: true }),
    });
    // Fewer runs may miss what is rare.
    const isWhole = MODEL_PATH === undefined && runs >= 500;
    if (isWhole) expect([...tally.keys()]).toEqual(expect.arrayContaining(EVERYTHING));
  });
});
