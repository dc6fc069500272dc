import fc from 'fast-check';
import { command, type LaneCommand } from './command.ts';
import { count, type Model, newName, pick, type Worker } from './model.ts';
import { store } from './producer-commands.ts';
import { claimWork, DELIVERED, type Outcome, settleWork } from './worker-steps.ts';
import type { World } from './world.ts';

/**
 * Redis has no memory left while one script runs: it may do all it should or nothing, but not a part of it. What BullMQ
 * does by itself is not ours to test.
 */
export async function withoutMemory<T>({ redis }: World, act: () => Promise<T>): Promise<T | undefined> {
  await redis.config('SET', 'maxmemory', '1');
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('OOM')) throw error;
    return undefined;
  } finally {
    await redis.config('SET', 'maxmemory', '0');
  }
}

export const enqueueWithoutMemoryCommand = fc.constant(
  command({
    name: 'enqueueWithoutMemory()',
    act: async (model, world) => {
      const order = { id: newName(model, 'm'), page: 'p0', conversation: 'c0', ttlMs: 3_600_000, maxQueued: 1_000_000 };
      if (await withoutMemory(world, async () => await store(model, world, order))) throw new Error('there was memory');
    },
  }),
);

/** A worker's claim or settlement, whichever is next. */
export const workWithoutMemoryCommand = fc
  .tuple(fc.nat(2), fc.constantFrom<Outcome['kind']>('delivered', 'dead', 'backoff', 'hold'))
  .map(([n, kind]): LaneCommand => {
    const find = ({ workers }: Model): Worker | undefined =>
      pick(
        workers.filter(
          ({ work }) =>
            work && (!work.claim || work.claim.verdict === 'ask' || ('claimed' in work.claim && !work.result)),
        ),
        n,
      );
    return command({
      name: `workWithoutMemory(${n}, ${kind})`,
      may: (model) => find(model) !== undefined,
      act: async (model, world) => {
        const worker = find(model);
        const { work } = worker ?? {};
        if (!worker || !work) return undefined;
        count(model, 'work without memory');
        const outcome: Outcome = { ...DELIVERED, kind, delayMs: 1000, usedAttempt: true };
        return await withoutMemory(world, async () =>
          work.claim && work.claim.verdict !== 'ask'
            ? await settleWork(model, world, worker, { work, outcome })
            : await claimWork(model, world, worker, work),
        );
      },
    });
  });
