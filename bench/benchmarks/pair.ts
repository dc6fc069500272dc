import type { Contest, Measurement, Side } from '../benchmark.ts';
import type { Contestant, Enter } from '../contestants/contestant.ts';
import { type PlainApi, startPlainApi } from '../stage/plain-api.ts';

export interface PairOptions {
  baseline: Enter;
  subject: Enter;
  apiLatencyMs: number;
  /** Requests at once. */
  concurrency: number;
}

/** Both contestants on systems of their own; one rests while the other is measured. */
export async function pair(
  { baseline, subject, apiLatencyMs, concurrency }: PairOptions,
  measure: (contestant: Contestant, api: PlainApi) => Promise<Measurement>,
): Promise<Contest> {
  const open = (enter: Enter) => async (): Promise<OpenSide> => {
    await using stack = new AsyncDisposableStack();
    const api = stack.use(await startPlainApi(apiLatencyMs));
    const contestant = stack.use(await enter({ apiUrl: api.url, concurrency }));
    const owned = stack.move();
    return {
      name: contestant.name,
      measure: async () => await measure(contestant, api),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  };
  return await contestOf(open(baseline), open(subject));
}

/** A side whose system stays up from round to round. */
export interface OpenSide extends Side, AsyncDisposable {}

/** Opens both sides, and closes the first one if the second one can't be opened. */
export async function contestOf(
  openBaseline: () => Promise<OpenSide>,
  openSubject: () => Promise<OpenSide>,
): Promise<Contest> {
  await using stack = new AsyncDisposableStack();
  const baseline = stack.use(await openBaseline());
  const subject = stack.use(await openSubject());
  const owned = stack.move();
  return { baseline, subject, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
