import type { Evidence, Finding, Inferred, Place } from '../../../../src/worker/evidence/scope.ts';

/** The answer to a message. */
export interface Answer {
  page: string;
  key: string;
  conversation: string;
  atMs: number;
  /** `met`: the trouble in question; `otherwise`: an answer that shows nothing of it. */
  result: 'met' | 'accepted' | 'otherwise';
}

export type Step =
  /** So many messages of a page meet the trouble, in turn from so many conversations, or each from a new one. */
  | { met: string; times?: number; of?: number }
  | { ok: string }
  | { otherwise: string }
  | { wait: number }
  | { rekey: string; to: string };

/** Returns the answers of a history, a millisecond apart. */
export function play(steps: readonly Step[]): Answer[] {
  const keys = new Map<string, string>();
  const answers: Answer[] = [];
  let atMs = 1_000_000_000;
  const answer = (page: string, result: Answer['result'], conversation: string): void => {
    const key = `key:${keys.get(page) ?? page.slice(0, 1)}`;
    answers.push({ page, key, conversation, atMs: (atMs += 1), result });
  };
  for (const step of steps) {
    if ('wait' in step) atMs += step.wait;
    else if ('rekey' in step) keys.set(step.rekey, step.to);
    else if ('ok' in step) answer(step.ok, 'accepted', 'calm');
    else if ('otherwise' in step) answer(step.otherwise, 'otherwise', 'calm');
    else {
      const { met, times = 1, of } = step;
      for (let n = 0; n < times; n += 1) {
        answer(met, 'met', of === undefined ? `new-${answers.length}` : `c${n % of}`);
      }
    }
  }
  return answers;
}

/** Returns what the fleet knows after the last answer of a history, as Redis keeps it. */
export function evidenceFrom(
  history: readonly Answer[],
  trouble: Inferred,
): Omit<Evidence, 'trouble'> & { place: Place; trouble: Inferred } {
  const findings = new Map<string, Finding>();
  const successes = new Map<string, number>();
  for (const { page, key, conversation, atMs, result } of history) {
    const lane = `${page}/${conversation}`;
    if (result === 'met') findings.set(`${lane} ${key}`, { lane, page, key, atMs });
    if (result === 'accepted') for (const name of [`page:${page}`, key, 'api']) successes.set(name, atMs);
  }
  const last = history.at(-1);
  if (last?.result !== 'met') throw new Error('the last message of a history must meet the trouble');
  const place = { lane: `${last.page}/${last.conversation}`, page: last.page, key: last.key };
  return { trouble, place, findings: [...findings.values()], successes, nowMs: last.atMs };
}
