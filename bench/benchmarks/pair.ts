import type { Contest, Measurement } from '../benchmark.ts';
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
  await using stack = new AsyncDisposableStack();
  const side = async (enter: Enter) => {
    const api = stack.use(await startPlainApi(apiLatencyMs));
    const contestant = stack.use(await enter({ apiUrl: api.url, concurrency }));
    return { name: contestant.name, measure: async () => await measure(contestant, api) };
  };
  const sides = { baseline: await side(baseline), subject: await side(subject) };
  const owned = stack.move();
  return { ...sides, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
