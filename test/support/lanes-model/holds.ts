import type { Model, Moment } from './model.ts';

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
  // Those that have run out may stay: nothing reads them.
  const runOut = ([page, until]: [string, number]): boolean =>
    until > model.now && Number.parseInt(seen.holds[`timed:${page}`] ?? '', 10) !== until;
  return [
    ...released.filter(([, lane]) => isHeld(model, lane)).map(([id]) => `${id} is released though it is held`),
    ...[...model.timed].filter(runOut).map(([page, until]) => `${page} isn't held until ${until}`),
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
