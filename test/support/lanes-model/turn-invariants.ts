import { HIGH_BELOW } from '../../../src/shared/lanes/lib/places.ts';
import type { Moment } from './moment.ts';
import { headOf, PAGES } from './model.ts';
import { whereIs } from './page-invariants.ts';
import type { Snapshot } from './snapshot.ts';

/** Conversations get their turns in the right order. Returns the violations. */
export function turnProblems(moment: Moment): string[] {
  if (moment.model.wasDisturbed) return [];
  return PAGES.flatMap((page) => problemsOfTurns(moment, page).concat(problemsOfFirst(moment, page)));
}

/** Ready conversations are served in the order of their scores; as a probe, one that was never tried goes before those that were. */
function problemsOfTurns({ model, before }: Moment, page: string): string[] {
  const [was, is] = [before.seen.heads[page] ?? {}, model.seen.heads[page] ?? {}];
  const hasHistory = (seen: Snapshot, lane: string): boolean =>
    seen.jobs[headOf(seen, lane) ?? '']?.['history'] !== undefined;
  const kept = Object.entries(was).filter(([lane, score]) => whereIs(score) === 'ready' && is[lane] === score);
  return Object.entries(was).flatMap(([lane, score]) => {
    const isTaken = whereIs(score) === 'ready' && whereIs(is[lane] ?? 0) === 'in flight';
    const goesFirst = model.isProbing && !hasHistory(before.seen, lane);
    // What a late settlement has noted in the same call counts.
    const isBehind = kept.some(([other, first]) => first < score && !(goesFirst && hasHistory(model.seen, other)));
    return isTaken && isBehind ? [`${lane} has left before others of ${page}`] : [];
  });
}

/** A head that had a turn and could not use it, or had to wait, comes before all heads that had no turn. */
function problemsOfFirst({ model, before }: Moment, page: string): string[] {
  const [was, is] = [before.seen.heads[page] ?? {}, model.seen.heads[page] ?? {}];
  const hasItsHead = (lane: string): boolean => headOf(before.seen, lane) === headOf(model.seen, lane);
  const ready = Object.entries(is).filter(([, score]) => whereIs(score) === 'ready');
  const others = ready.filter(([lane, score]) => was[lane] === score);
  return ready.flatMap(([lane, score]) => {
    const hadTurn = hasItsHead(lane) && was[lane] !== undefined && whereIs(was[lane]) !== 'ready';
    const isHigh = score < HIGH_BELOW;
    const isBehind = others.some(([, other]) => other < HIGH_BELOW === isHigh && other < score);
    return hadTurn && isBehind ? [`${lane} had its turn and is behind others of ${page}`] : [];
  });
}
