import type { AsyncCommand } from 'fast-check';
import { holdProblems } from './holds.ts';
import { messageProblems } from './message-invariants.ts';
import type { Model } from './model.ts';
import { paceProblems } from './pace.ts';
import { pageProblems } from './page-invariants.ts';
import { turnProblems } from './turn-invariants.ts';
import type { World } from './world.ts';

export type LaneCommand = AsyncCommand<Model, World>;

interface Step {
  /** As the counterexample shows it. */
  name: string;
  /** Whether it makes sense now. */
  may?: (model: Model) => boolean;
  act: Act;
}

/** Returns the pages on which a script has released what it could. */
type Act = (model: Model, world: World) => Promise<readonly string[] | string | undefined | void>;

/** A command, after which every invariant is checked against Redis. */
export function command({ name, may = () => true, act }: Step): LaneCommand {
  return {
    toString: () => name,
    check: may,
    run: async (model, world) => await checked(model, world, act),
  };
}

/** Does something and checks every invariant afterwards. */
export async function checked(model: Model, world: World, act: Act): Promise<void> {
  const { fleet } = model;
  const touched = (await act(model, world)) ?? [];
  const released = typeof touched === 'string' ? [touched] : touched;
  // Of what consists of several checked steps, only what came after the last one.
  const before = { seen: model.seen, fleet };
  model.seen = await world.look();
  const moment = { model, before, released };
  const problems = [
    ...messageProblems(model),
    ...pageProblems(moment),
    ...turnProblems(moment),
    ...holdProblems(moment),
    ...paceProblems(model),
  ];
  if (problems.length > 0) throw new Error(problems.join('\n'));
}
