import type { AsyncCommand } from 'fast-check';
import { holdProblems } from './hold-invariants.ts';
import { letterProblems } from './letter-invariants.ts';
import { messageProblems } from './message-invariants.ts';
import type { Model } from './model.ts';
import { paceProblems } from './pace.ts';
import { pageProblems } from './page-invariants.ts';
import type { Snapshot } from './snapshot.ts';
import { turnProblems } from './turn-invariants.ts';
import type { World } from './world.ts';

export type LaneCommand = AsyncCommand<Model, World>;

/** A step of the model, for invariants that compare. */
export interface Moment {
  model: Model;
  /** The same before the command. */
  before: { seen: Snapshot; rules: Model['rules'] };
}

type Act = (model: Model, world: World) => Promise<unknown>;

interface Step {
  /** As the counterexample shows it. */
  name: string;
  /** Whether it makes sense now. */
  may?: (model: Model) => boolean;
  act: Act;
}

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
  const { rules } = model;
  await act(model, world);
  // Of what consists of several checked steps, only what came after the last one.
  const before = { seen: model.seen, rules };
  model.seen = await world.look();
  const moment = { model, before };
  const problems = [
    ...messageProblems(model),
    ...letterProblems(model),
    ...holdProblems(model),
    ...paceProblems(model),
    ...pageProblems(moment),
    ...turnProblems(moment),
  ];
  if (problems.length > 0)
    throw new Error(
      problems.join('\n') +
        (process.env['DBG']
          ? JSON.stringify({
              b: [before.seen.heads, before.seen.turns, before.seen.wait, before.seen.hidden, before.seen.pages],
              a: [model.seen.heads, model.seen.turns, model.seen.wait, model.seen.lanes],
            })
          : ''),
    );
}
