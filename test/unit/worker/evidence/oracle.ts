import type { Inferred, Scope } from '../../../../src/worker/evidence/scope.ts';
import type { Answer } from './histories.ts';

/*
 * The rules of `scope.ts` once more, as a search through a whole history: slow, and with nothing in common with the code.
 */

const WINDOW_MS = { failing: 10_000, limited: 10_000, forbidden: 3_600_000, refusing: 3_600_000 };
const IN_USE_MS = 60_000;

/** How many different conversations must show a trouble. */
export function neededFor(trouble: Inferred, given: { lastedMs?: number; conversations?: number }): number {
  if (given.conversations !== undefined) return given.conversations;
  if (trouble === 'forbidden' && (given.lastedMs ?? 0) < 5000) return 50;
  return { failing: 5, limited: 3, forbidden: 3, refusing: 20 }[trouble];
}

/**
 * Returns the widest scope for which all of this is true: enough different conversations met the trouble in it since its last success,
 * and no narrower scope contains them all, except one that stands for all because no other of its kind is in use.
 */
export function explainedBy(
  history: readonly Answer[],
  trouble: Inferred,
  needed: number,
): { scope: Scope; seenIn: number } {
  const [last] = history.slice(-1) as [Answer];

  const isIn = (scope: Scope, { page, key }: Answer): boolean =>
    scope === 'api' || (scope === 'key' ? key === last.key : page === last.page);

  function metSinceSuccess(scope: Scope): Answer[] {
    const inside = history.filter((answer) => isIn(scope, answer));
    const lastSuccess = inside.findLastIndex(({ result }) => result === 'accepted');
    return inside
      .slice(lastSuccess + 1)
      .filter(({ result, atMs }) => result === 'met' && atMs > last.atMs - WINDOW_MS[trouble]);
  }

  function standsForAll(kind: 'page' | 'key', name: string): boolean {
    const others = history.filter((answer) => answer.result === 'accepted' && answer[kind] !== name);
    return trouble !== 'limited' && others.every(({ atMs }) => atMs <= last.atMs - IN_USE_MS);
  }

  const wide = ['api', 'key', 'page'] as const;
  for (const scope of trouble === 'forbidden' ? wide.slice(1) : wide) {
    const met = metSinceSuccess(scope);
    const seenIn = new Set(met.map(({ page, conversation }) => `${page}/${conversation}`)).size;
    const narrower = ({ api: ['key', 'page'], key: ['page'], page: [] } as const)[scope];
    const isSmallest = narrower.every((kind) => {
      const names = new Set(met.map((answer) => answer[kind]));
      return names.size > 1 || standsForAll(kind, [...names][0] ?? '');
    });
    if (seenIn >= needed && isSmallest) return { scope, seenIn };
  }
  return { scope: 'conversation', seenIn: 1 };
}
