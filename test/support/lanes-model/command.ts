import fc, { type AsyncCommand } from 'fast-check';
import { holdProblems } from './hold-invariants.ts';
import { letterProblems } from './letter-invariants.ts';
import { messageProblems } from './message-invariants.ts';
import { type Model, pick } from './model.ts';
import { paceProblems } from './pace.ts';
import { pageProblems } from './page-invariants.ts';
import { turnProblems } from './turn-invariants.ts';
import type { World } from './world.ts';

export type LaneCommand = AsyncCommand<Model, World>;

type Act = (model: Model, world: World) => Promise<unknown>;

/** A command, after which every invariant is checked against Redis. @param name the name in counterexamples */
export function command(name: string, act: Act): LaneCommand {
  return { toString: () => name, check: () => true, run: async (model, world) => await checked(model, world, act) };
}

/** A command about one of several things; it can't run while there are none. @param act gets the chosen one */
export function commandAbout<T>(
  name: string,
  among: (model: Model) => readonly T[],
  act: (model: Model, world: World, one: { about: T; n: number }) => Promise<unknown>,
): fc.Arbitrary<LaneCommand> {
  return fc.nat(30).map((n) => ({
    toString: () => `${name}(${n})`,
    check: (model) => among(model).length > 0,
    run: async (model, world) => {
      const about = pick(among(model), n);
      if (about !== undefined) await checked(model, world, async () => await act(model, world, { about, n }));
    },
  }));
}

/** Runs a step and checks every invariant afterwards. */
export async function checked(model: Model, world: World, act: Act): Promise<void> {
  const { rules } = model;
  await act(model, world);
  // If a command consists of several checked steps, only the changes after the last one.
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
  // A call that is repeated is checked with the first one.
  model.isProbing = false;
  if (problems.length > 0) throw new Error(problems.join('\n'));
}
