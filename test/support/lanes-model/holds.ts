import type { StandingHold } from '../../../src/shared/lanes/hold.ts';
import { count, type Message, type Model, type Moment } from './model.ts';

/** Whether an operator holds the page, alone or with everything. */
export function isPageHeld({ holds }: Pick<Model, 'holds'>, page: string): boolean {
  return holds.has('*') || holds.has(page);
}

/** Whether an operator holds the conversation, its page, or everything. */
export function isHeld(model: Pick<Model, 'holds'>, lane: string): boolean {
  return model.holds.has(lane) || isPageHeld(model, lane.split('/')[0] ?? '');
}

/** What holds let through, and what Redis says of them. Returns what is wrong. */
export function holdProblems({ model, before }: Moment): string[] {
  const { seen, holds } = model;
  const released = Object.values(seen.window)
    .flatMap((window) => Object.entries(window))
    .filter(([id, lane]) => seen.wait.includes(id) && !before.seen.window[lane.split('/')[0] ?? '']?.[id]);
  const found = Object.keys(seen.holds).filter((field) => field.startsWith('standing:'));
  const expected = [...holds.keys()].map((name) => `standing:${name}`);
  const said = (name: string): Partial<StandingHold> =>
    JSON.parse(seen.holds[`standing:${name}`] ?? '{}') as Partial<StandingHold>;
  const isSaid = ([name, hold]: [string, StandingHold]): boolean =>
    (['page', 'conversation', 'reason', 'letter'] as const).every((what) => said(name)[what] === hold[what]);
  // Those that have run out may stay: nothing reads them.
  const runOut = ([page, until]: [string, number]): boolean =>
    until > model.now && Number.parseInt(seen.holds[`timed:${page}`] ?? '', 10) !== until;
  return [
    ...released.filter(([, lane]) => isHeld(model, lane)).map(([id]) => `${id} is released though it is held`),
    ...[...model.timed].filter(runOut).map(([page, until]) => `${page} isn't held until ${until}`),
    ...[...holds].filter((one) => !isSaid(one)).map(([name]) => `the hold of ${name} is ${JSON.stringify(said(name))}`),
    ...(found.toSorted().join() === expected.toSorted().join() ? [] : [`the holds are ${found.join()}`]),
  ];
}

/** Once nothing that was begun is left, what is held has no place that others could use. */
export function problemsOfHeldRest({ seen, ...model }: Model): string[] {
  const places = [...Object.values(seen.window), ...Object.values(seen.failing)].flatMap((place) =>
    Object.entries(place),
  );
  const open = [...model.messages.values()].filter(({ end, dueAt }) => end === null && dueAt === null);
  return [
    ...places.filter(([, lane]) => isHeld(model, lane)).map(([id]) => `${id} is held and keeps its place`),
    ...seen.pages.filter((page) => isPageHeld(model, page)).map((page) => `${page} is held and keeps its share`),
    ...open.filter(({ lane }) => !isHeld(model, lane)).map(({ id }) => `${id} isn't held and doesn't end`),
  ];
}

/** A letter that has just been written holds its conversation; a hold that stands already only notes it. */
export function holdForLetter(model: Model, { id, lane, page, conversation }: Message): void {
  count(model, 'hold by a letter');
  const before = model.holds.get(lane);
  const hold = before ?? { page, conversation, reason: 'dead-letter' };
  model.holds.set(lane, { ...hold, letter: hold.letter ?? id });
}

/**
 * The letter is gone, and with it the hold that it stands for, unless that is an operator's or is kept.
 *
 * @returns whether the letter held its conversation, and whether that is over.
 */
export function forgetLetter(model: Model, { id, lane }: Message, isKept = false): 'none' | 'kept' | 'ended' {
  const hold = model.holds.get(lane);
  if (hold?.letter !== id) return 'none';
  const { letter: _letter, ...rest } = hold;
  if (hold.reason === 'dead-letter' && !isKept) model.holds.delete(lane);
  else model.holds.set(lane, rest);
  return model.holds.has(lane) ? 'kept' : 'ended';
}
