import type { StandingHold } from '../../../src/shared/lanes/holds/hold.ts';
import type { Model } from './model.ts';

/** Whether an operator holds the page, alone or with everything. */
export function isPageHeld({ holds }: Pick<Model, 'holds'>, page: string): boolean {
  return holds.has('*') || holds.has(page);
}

/** Whether an operator holds the conversation, its page, or everything. */
export function isHeld(model: Pick<Model, 'holds'>, lane: string): boolean {
  return model.holds.has(lane) || isPageHeld(model, lane.split('/')[0] ?? '');
}

/** Checks what holds let through, and what Redis stores about them. Returns the violations. */
export function holdProblems(model: Model): string[] {
  const { seen, holds } = model;
  const found = Object.keys(seen.holds);
  const expected = [...holds.keys()].map((name) => `standing:${name}`);
  const said = (name: string): Partial<StandingHold> =>
    JSON.parse(seen.holds[`standing:${name}`] ?? '{}') as Partial<StandingHold>;
  const isSaid = ([name, hold]: [string, StandingHold]): boolean =>
    (['page', 'conversation', 'reason', 'letter'] as const).every((what) => said(name)[what] === hold[what]);
  const released = Object.entries(seen.jobs).flatMap(([id, { place, lane = '' }]) =>
    place === 'released' && isHeld(model, lane) ? [id] : [],
  );
  return [
    ...(model.isDisturbed ? [] : released.map((id) => `${id} is released though it is held`)),
    ...[...holds].filter((one) => !isSaid(one)).map(([name]) => `the hold of ${name} is ${JSON.stringify(said(name))}`),
    ...(found.toSorted().join() === expected.toSorted().join() ? [] : [`the holds are ${found.join()}`]),
  ];
}

/** Once all started messages have ended, all open ones must be held. Returns those that aren't. */
export function problemsOfHeldRest(model: Model): string[] {
  const open = [...model.messages.values()].filter(({ place }) => place === 'waiting' || place === 'put-off');
  return open.filter(({ lane }) => !isHeld(model, lane)).map(({ id }) => `${id} isn't held and doesn't end`);
}
