import fc from 'fast-check';
import { laneOf } from '../../../src/shared/lanes/key-names.ts';
import { hold, type HoldTarget, release } from '../../../src/shared/lanes/holds/hold.ts';
import { checked, command, commandAbout, type LaneCommand } from './command.ts';
import { CONVERSATIONS, count, type Model, PAGES } from './model.ts';
import type { World } from './world.ts';

const page = fc.constantFrom('p0', ...PAGES);
const anyTarget: fc.Arbitrary<HoldTarget> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({}) },
  { weight: 2, arbitrary: fc.record({ page }) },
  { weight: 3, arbitrary: fc.record({ page, conversation: fc.constantFrom('c0', 'c1', ...CONVERSATIONS) }) },
);

/** An operator holds something, which may already be held. */
export const holdCommand = anyTarget.map((target): LaneCommand =>
  command(`hold(${JSON.stringify(target)})`, async (model, world) => {
    const name = nameOf(target);
    const isNew = await hold(world.shard, { ...target, reason: 'operator' });
    if (isNew === model.holds.has(name)) throw new Error(`holding ${name} answers ${isNew}`);
    if (isNew) model.holds.set(name, { ...target, reason: 'operator' });
    count(model, 'hold');
  }),
);

/** Mostly releases something that is held. */
export const releaseCommand = commandAbout(
  'release',
  ({ holds }): HoldTarget[] => [...holds.values(), ...holds.values(), { page: 'p0' }],
  async (model, world, { about }) => await releaseTarget(model, world, about),
);

async function releaseTarget(model: Model, world: World, target: HoldTarget): Promise<void> {
  const name = nameOf(target);
  const wasHeld = await release(world.shard, target);
  if (wasHeld !== model.holds.delete(name)) throw new Error(`releasing ${name} answers ${wasHeld}`);
  if (wasHeld) count(model, 'release');
}

export async function releaseAll(model: Model, world: World): Promise<void> {
  for (const target of model.holds.values()) {
    await checked(model, world, async () => await releaseTarget(model, world, target));
  }
}

function nameOf({ page: pageId, conversation }: HoldTarget): string {
  if (pageId === undefined) return '*';
  return conversation === undefined ? pageId : laneOf(pageId, conversation);
}
