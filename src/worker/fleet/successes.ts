import { IN_USE_MS, nameOf } from '../evidence/scope.ts';

/** The most pages that are reported at once. Evidence about the others is found out by a probe. */
const MOST_REPORTED = 100;
const MOST_REMEMBERED = 2000;

/** When messages of this worker were accepted, by `page:<page>`, by key, and as `api`. */
export interface Successes {
  note(pageId: string, key: string): void;
  /** Notes an answer that accepts no message, but shows that the API works. */
  noteAnswer(pageId: string, key: string): void;
  /** Returns what is new since the last report: names, and how long ago, in ms. */
  report(): [name: string, msAgo: number][];
  /** Returns the times of the fleet with those of this worker, on the clock of `nowMs`. */
  mergedInto(fleet: ReadonlyMap<string, number>, nowMs: number): Map<string, number>;
  /** Returns the times with answers as successes, because they show that something works. */
  withAnswers(times: ReadonlyMap<string, number>, nowMs: number): Map<string, number>;
}

export function createSuccesses(): Successes {
  const times = new Map<string, number>();
  const unreported = new Set<string>();
  const answers = new Map<string, number>();

  function noteOne(name: string, at: number): void {
    times.set(name, at);
    if (unreported.size < MOST_REPORTED) unreported.add(name);
  }

  return {
    note(pageId, key) {
      const at = performance.now();
      if (times.size > MOST_REMEMBERED) times.clear();
      noteOne('api', at);
      noteOne(key, at);
      noteOne(nameOf('page', { page: pageId, key }), at);
    },
    noteAnswer(pageId, key) {
      if (answers.size > MOST_REMEMBERED) answers.clear();
      for (const name of ['api', key, nameOf('page', { page: pageId, key })]) answers.set(name, performance.now());
    },
    report() {
      const now = performance.now();
      const names = [...unreported].map((name): [string, number] => [name, now - (times.get(name) ?? now)]);
      unreported.clear();
      return names;
    },
    mergedInto: (fleet, nowMs) => merged(fleet, times, nowMs),
    withAnswers: (given, nowMs) => merged(given, answers, nowMs),
  };
}

/** Adds times on the clock of `performance.now()` to those of the fleet; the latest counts. */
function merged(
  fleet: ReadonlyMap<string, number>,
  own: ReadonlyMap<string, number>,
  nowMs: number,
): Map<string, number> {
  const all = new Map(fleet);
  const toRedis = nowMs - performance.now();
  for (const [name, at] of own) {
    const atMs = at + toRedis;
    if (atMs > nowMs - IN_USE_MS && atMs > (all.get(name) ?? -Infinity)) all.set(name, atMs);
  }
  return all;
}
