import { isDisturbed, isPageDisturbed } from './disturbed.ts';
import { isPageHeld } from './holds.ts';
import { maxSlots } from './pace.ts';
import { headOf, type Model, type Moment, PAGES, windowSize } from './model.ts';

/** Where the heads stand and what a page may have released. Returns what is wrong. */
export function pageProblems(moment: Moment): string[] {
  return [
    ...problemsOfHeads(moment.model),
    ...PAGES.flatMap((page) => problemsOfPage(moment.model, page)),
    ...PAGES.flatMap((page) => problemsOfRoom(moment, page)),
    ...PAGES.flatMap((page) => problemsOfRest(moment, page)),
    ...problemsOfRecords(moment.model),
  ];
}

/** Each head is in exactly one of high, ready, window and failing, or in none while its conversation is held. */
function problemsOfHeads(model: Model): string[] {
  const { seen, messages } = model;
  const runs = new Set([...seen.wait, ...seen.active, ...seen.failed, ...Object.keys(seen.delayed)]);
  return Object.keys(seen.lanes).flatMap((lane) => {
    const page = lane.split('/')[0] ?? '';
    const head = headOf(seen, lane) ?? '';
    const listed = (lists: Record<string, string[]>): number =>
      lists[page]?.filter((other) => other === lane).length ?? 0;
    const ready = listed(seen.ready) + listed(seen.high);
    const window = seen.window[page]?.[head];
    const failing = seen.failing[page]?.[head];
    const places = ready + (window === undefined ? 0 : 1) + (failing === undefined ? 0 : 1);
    if (places > 0 && isDisturbed(model, lane)) return [];
    if (places === 0 && model.holds.has(lane)) return [];
    if (places !== 1) return [`${head}, the head of ${lane}, is in ${places} of high, ready, window and failing`];
    if (messages.get(head)?.end === 'removed') return [];
    const problems: string[] = [];
    if ((window ?? failing ?? lane) !== lane) problems.push(`${head} is noted with another lane than ${lane}`);
    const isInTheRightList = ready === 0 || listed(seen.high) > 0 === messages.get(head)?.isHigh;
    if (!isInTheRightList) problems.push(`${lane} is in the wrong list`);
    if (runs.has(head) && ready > 0) problems.push(`${head} is ready and runs`);
    if (!runs.has(head) && ready === 0) problems.push(`${head} is released and waits`);
    const isPutOff = messages.get(head)?.putOff === 'backoff';
    if (isPutOff !== (failing !== undefined)) problems.push(`${head} is ${isPutOff ? 'not' : 'still'} in failing`);
    return problems;
  });
}

function problemsOfPage(model: Model, page: string): string[] {
  const { seen, messages } = model;
  const ready = [...(seen.high[page] ?? []), ...(seen.ready[page] ?? [])];
  const noted = [...Object.entries(seen.window[page] ?? {}), ...Object.entries(seen.failing[page] ?? {})];
  // One that may not send has a share only as long as something of it runs.
  const hasWork = noted.length > 0 || (ready.length > 0 && !isPageHeld(model, page));
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
  const slots = Object.keys(model.seen.slots[page] ?? {}).length;
  const ahead = Math.max(maxSlots(before, before.seen.pages.length), maxSlots(model, model.seen.pages.length));
  const entered = is.filter((id) => !was.includes(id));
  const released = entered.filter((id) => model.seen.wait.includes(id));
  return [
    ...entered.filter((id) => !model.seen.jobs[id]).map((id) => `${id} is released though its job is gone`),
    ...(is.length > was.length && is.length > size ? [`${page} has ${is.length} released, its window is ${size}`] : []),
    ...(released.length > 0 && slots >= ahead ? [`${page} releases more while ${slots} wait for slots`] : []),
    ...(released.length > 0 && failing >= 4 * size ? [`${page} releases more while ${failing} are in backoff`] : []),
  ];
}

/** Ready lanes wait only for room. */
function problemsOfRest({ model, before, released }: Moment, page: string): string[] {
  const { seen } = model;
  const ready = [...(seen.high[page] ?? []), ...(seen.ready[page] ?? [])].join();
  if (ready === '' || isPageHeld(model, page) || isPageDisturbed(model, page)) return [];
  const window = Object.keys(seen.window[page] ?? {}).length;
  const failing = Object.keys(seen.failing[page] ?? {}).length;
  if (window + failing === 0) return [`${page} stands still with ${ready} ready`];
  const size = Math.min(windowSize(before, before.seen.pages.length), windowSize(model, seen.pages.length));
  const slots = Object.keys(seen.slots[page] ?? {}).length;
  const ahead = Math.min(maxSlots(before, before.seen.pages.length), maxSlots(model, seen.pages.length));
  const entered = Object.keys(seen.window[page] ?? {}).filter((id) => !before.seen.window[page]?.[id]).length;
  if (!released.includes(page) || window >= size || entered >= ahead - slots || failing >= 4 * size) return [];
  return [`${page} has room for ${size}, ${window} are released and ${ready} wait`];
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
