import { headOf, type Model, PAGES, windowSize } from './model.ts';
import type { Snapshot } from './snapshot.ts';

export interface Moment {
  model: Model;
  /** The same model's sizes and Redis's state before the command. */
  before: { seen: Snapshot; fleet: Model['fleet'] };
  /** Pages on which a script has just released what it could. */
  released: readonly string[];
}

/** Where the heads stand and what a page may have released. Returns what is wrong. */
export function pageProblems(moment: Moment): string[] {
  return [
    ...problemsOfHeads(moment.model),
    ...PAGES.flatMap((page) => problemsOfPage(moment.model, page)),
    ...PAGES.flatMap((page) => problemsOfRoom(moment, page)),
    ...PAGES.flatMap((page) => problemsOfTurns(moment, page)),
    ...PAGES.flatMap((page) => problemsOfRest(moment, page)),
    ...problemsOfWait(moment),
    ...problemsOfRecords(moment.model),
  ];
}

/** Whether an operator's hand may explain what looks odd; it may not after a repair. */
function isDisturbed(model: Model, lane: string): boolean {
  const head = model.messages.get(headOf(model.seen, lane) ?? '');
  return model.disturbed.has(lane) || head?.promoted === true;
}

function isPageDisturbed(model: Model, page: string): boolean {
  const lanes = new Set([...model.disturbed, ...Object.keys(model.seen.lanes)]);
  return [...lanes].some((lane) => lane.startsWith(`${page}/`) && isDisturbed(model, lane));
}

/** Each head is in exactly one of ready, window and failing, and nothing else is. */
function problemsOfHeads(model: Model): string[] {
  const { seen, messages } = model;
  const runs = new Set([...seen.wait, ...seen.active, ...seen.failed, ...Object.keys(seen.delayed)]);
  return Object.keys(seen.lanes).flatMap((lane) => {
    const page = lane.split('/')[0] ?? '';
    const head = headOf(seen, lane) ?? '';
    const ready = seen.ready[page]?.filter((other) => other === lane).length ?? 0;
    const window = seen.window[page]?.[head];
    const failing = seen.failing[page]?.[head];
    const places = ready + (window === undefined ? 0 : 1) + (failing === undefined ? 0 : 1);
    if (places > 0 && isDisturbed(model, lane)) return [];
    if (places !== 1) return [`${head}, the head of ${lane}, is in ${places} of ready, window and failing`];
    if (messages.get(head)?.end === 'removed') return [];
    const problems: string[] = [];
    if ((window ?? failing ?? lane) !== lane) problems.push(`${head} is noted with another lane than ${lane}`);
    if (runs.has(head) && ready > 0) problems.push(`${head} is ready and runs`);
    if (!runs.has(head) && ready === 0) problems.push(`${head} is released and waits`);
    const isPutOff = messages.get(head)?.putOff === 'backoff';
    if (isPutOff !== (failing !== undefined)) problems.push(`${head} is ${isPutOff ? 'not' : 'still'} in failing`);
    return problems;
  });
}

function problemsOfPage(model: Model, page: string): string[] {
  const { seen, messages } = model;
  const ready = seen.ready[page] ?? [];
  const noted = [...Object.entries(seen.window[page] ?? {}), ...Object.entries(seen.failing[page] ?? {})];
  const hasWork = ready.length > 0 || noted.length > 0;
  const isListed = seen.pages.includes(page);
  return [
    ...(hasWork && !isListed ? [`${page} has work and is not in pages`] : []),
    ...(isListed && !hasWork && !isPageDisturbed(model, page) ? [`${page} has no work and is in pages`] : []),
    ...noted
      .filter(([id, lane]) => headOf(seen, lane) !== id && messages.get(id)?.end !== 'removed')
      .map(([id, lane]) => `${id} is in ${page}'s window or failing and not the head of ${lane}`),
    ...ready
      .filter((lane) => !seen.lanes[lane] && !isDisturbed(model, lane))
      .map((lane) => `${lane} is ready and empty`),
  ];
}

/** The window grows to its size at most, and not at all while four times as many heads are in backoff. */
function problemsOfRoom({ model, before }: Moment, page: string): string[] {
  const was = Object.keys(before.seen.window[page] ?? {});
  const is = Object.keys(model.seen.window[page] ?? {});
  const size = Math.max(windowSize(before, before.seen.pages.length), windowSize(model, model.seen.pages.length));
  const failing = Object.keys(model.seen.failing[page] ?? {}).length;
  const entered = is.filter((id) => !was.includes(id));
  const released = entered.filter((id) => model.seen.wait.includes(id));
  return [
    ...entered.filter((id) => !model.seen.jobs[id]).map((id) => `${id} is released though its job is gone`),
    ...(is.length > was.length && is.length > size ? [`${page} has ${is.length} released, its window is ${size}`] : []),
    ...(released.length > 0 && failing >= 4 * size ? [`${page} releases more while ${failing} are in backoff`] : []),
  ];
}

/** Lanes are released in the order in which they became ready; a head that comes back from backoff goes first. */
function problemsOfTurns({ model, before }: Moment, page: string): string[] {
  if (isPageDisturbed(model, page)) return [];
  const was = before.seen.ready[page] ?? [];
  const is = model.seen.ready[page] ?? [];
  const waits = was.filter((lane) => is.includes(lane));
  const wasActive = (lane: string): boolean => before.seen.active.includes(headOf(before.seen, lane) ?? '');
  const isPutBack = (lane: string): boolean =>
    wasActive(lane) && headOf(before.seen, lane) === headOf(model.seen, lane);
  const isInTurn =
    waits.every((lane, n) => was[was.length - waits.length + n] === lane) &&
    isAppended(
      was,
      is.filter((lane) => !isPutBack(lane)),
    ) &&
    is.every((lane, n) => !isPutBack(lane) || n === 0);
  return isInTurn ? [] : [`${page}'s ready lanes were ${was.join()} and are ${is.join()}`];
}

/** Jobs are handed out in the order of their release; only those that lost their worker go before. */
function problemsOfWait({ model, before }: Moment): string[] {
  const was = before.seen.wait;
  const is = model.seen.wait.filter((id) => !before.seen.active.includes(id));
  return isAppended(was, is) ? [] : [`the released were ${was.join()} and are ${is.join()}`];
}

/** Whether what is left of a list keeps its order, and what is new comes after it. */
function isAppended(was: readonly string[], is: readonly string[]): boolean {
  const left = was.filter((entry) => is.includes(entry));
  return left.every((entry, n) => is[n] === entry);
}

/** Ready lanes wait only for room. */
function problemsOfRest({ model, before, released }: Moment, page: string): string[] {
  const { seen } = model;
  if (!seen.ready[page] || isPageDisturbed(model, page)) return [];
  const window = Object.keys(seen.window[page] ?? {}).length;
  const failing = Object.keys(seen.failing[page] ?? {}).length;
  if (window + failing === 0) return [`${page} stands still with ${seen.ready[page].join()} ready`];
  const size = Math.min(windowSize(before, before.seen.pages.length), windowSize(model, seen.pages.length));
  if (!released.includes(page) || window >= size || failing >= 4 * size) return [];
  return [`${page} has room for ${size}, ${window} are released and ${seen.ready[page].join()} wait`];
}

function problemsOfRecords({ seen, fleet, keys }: Model): string[] {
  const known = Object.entries(seen.idempotency).map(([name, value]) => `${name}=${value}`);
  const expected = [...keys].map(([name, { value }]) => `${name}=${value}`);
  return [
    ...(known.toSorted().join() === expected.toSorted().join() ? [] : [`the idempotency keys are ${known.join()}`]),
    ...(Number(seen.fleet['concurrency'] ?? 50) === fleet.concurrency ? [] : ['the fleet has another concurrency']),
    ...(Number(seen.fleet['window'] ?? 0) === fleet.window ? [] : ['the fleet has another window']),
    ...seen.others.map((key) => `there is a key ${key}`),
  ];
}
