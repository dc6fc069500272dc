import { headOf, type Model, type Moment, PAGES } from './model.ts';
import { isPageDisturbed } from './disturbed.ts';

/** In which order lanes and messages get their turns. Returns what is wrong. */
export function turnProblems(moment: Moment): string[] {
  return [
    ...PAGES.flatMap((page) => (['high', 'ready'] as const).flatMap((list) => problemsOfTurns(moment, page, list))),
    ...PAGES.flatMap((page) => problemsOfPriority(moment, page)),
    ...problemsOfWait(moment),
  ];
}

/** Lanes are released in the order in which they became ready; a head that had its turn and couldn't use it goes first. */
function problemsOfTurns({ model, before }: Moment, page: string, list: 'high' | 'ready'): string[] {
  if (isPageDisturbed(model, page)) return [];
  const was = before.seen[list][page] ?? [];
  const is = model.seen[list][page] ?? [];
  const hasItsHead = (lane: string): boolean => headOf(before.seen, lane) === headOf(model.seen, lane);
  const kept = was.filter((lane) => hasItsHead(lane) && is.includes(lane));
  const firstKept = was.indexOf(kept[0] ?? '');
  const overtook = was.filter((lane, n) => hasItsHead(lane) && !is.includes(lane) && kept.length > 0 && n > firstKept);
  const first = is.filter((lane) => hasItsHead(lane) && (hadItsTurn(before, lane) || isReleased(before, model, lane)));
  const others = is.filter((lane) => !first.includes(lane));
  const isInTurn =
    overtook.length === 0 && first.every((lane, n) => is[n] === lane) && kept.every((lane, n) => others[n] === lane);
  return isInTurn ? [] : [`${page}'s ${list} lanes were ${was.join()} and are ${is.join()}`];
}

function hadItsTurn({ seen }: Moment['before'], lane: string): boolean {
  return seen.active.includes(headOf(seen, lane) ?? '');
}

/** It was taken out of turn while an operator held its conversation. */
function isReleased(before: Moment['before'], { holds }: Model, lane: string): boolean {
  const wasReady = [before.seen.ready, before.seen.high].some((list) => list[lane.split('/')[0] ?? '']?.includes(lane));
  return !wasReady && `standing:${lane}` in before.seen.holds && !holds.has(lane);
}

/** No head of a page is released while one with high priority waits. */
function problemsOfPriority({ model, before }: Moment, page: string): string[] {
  const { seen, messages } = model;
  const waited = (seen.high[page] ?? []).filter((lane) => before.seen.high[page]?.includes(lane)).join();
  if (waited === '' || isPageDisturbed(model, page)) return [];
  return Object.keys(seen.window[page] ?? {})
    .filter((id) => seen.wait.includes(id) && !before.seen.window[page]?.[id] && !messages.get(id)?.isHigh)
    .map((id) => `${id} is released though ${waited} waits with high priority`);
}

/** Jobs are handed out in the order of their release; only those that lost their worker go before. */
function problemsOfWait({ model, before }: Moment): string[] {
  const was = before.seen.wait;
  // When limits change those that wait for slots come back, too.
  const is = model.seen.wait.filter((id) => !before.seen.active.includes(id) && !(id in before.seen.delayed));
  const left = was.filter((id) => is.includes(id));
  return left.every((id, n) => is[n] === id) ? [] : [`the released were ${was.join()} and are ${is.join()}`];
}
