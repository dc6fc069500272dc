/** What one run of a scenario came to, in the words of Jepsen's queue checker. */
export interface Outcome {
  messages: number;
  kills: number;
  /** Stored by us, and never ended. */
  lost: number;
  /** How many losses are excused: only where Redis itself had not written what it acknowledged. */
  excusedLost: number;
  /** Accepted by the API more than once, each time after the first. */
  duplicated: number;
  /** How many duplicates the faults excuse. */
  excused: number;
  /** Accepted by the API, but never enqueued. */
  unexpected: number;
  /** Kills that met Redis with a part of its AOF not yet written, though it had acknowledged it. */
  unwritten: number;
  /** Not surely stored when it was enqueued, and delivered all the same. */
  recovered: number;
  /** First accepted after a later one of its conversation. */
  inversions: number;
  /** Neither ended nor moving at the end. */
  stuck: number;
  dead: number;
  /** How many dead letters the faults excuse. */
  excusedDead: number;
  repairs: number;
  /** The longest time that a fault held up what it hit; `null` if there was none. */
  recoveryMs: number | null;
  /** The bound of `recoveryMs`. */
  recoveryLimitMs: number | null;
  /** What else a scenario found to be wrong. */
  violations?: string[];
  /** What else it measured, in words. */
  figures?: string;
}

export interface Scenario {
  name: string;
  run(seed: number): Promise<Outcome>;
}

/** What the promises forbid of an outcome. */
export function violationsOf(outcome: Outcome): string[] {
  const violations: string[] = [...(outcome.violations ?? [])];
  for (const name of ['unexpected', 'inversions', 'stuck'] as const) {
    if (outcome[name] > 0) violations.push(`${name} ${outcome[name]}`);
  }
  if (outcome.lost > outcome.excusedLost) violations.push(`lost ${outcome.lost} > ${outcome.excusedLost}`);
  // A Redis that came back at an earlier moment leaves something to mend.
  if (outcome.repairs > 0 && outcome.unwritten === 0) violations.push(`repairs ${outcome.repairs}`);
  if (outcome.duplicated > outcome.excused) violations.push(`duplicated ${outcome.duplicated} > ${outcome.excused}`);
  if (outcome.dead > outcome.excusedDead) violations.push(`dead ${outcome.dead} > ${outcome.excusedDead}`);
  const { recoveryMs, recoveryLimitMs } = outcome;
  if (recoveryMs !== null && recoveryLimitMs !== null && recoveryMs > recoveryLimitMs) {
    violations.push(`recovery ${recoveryMs} ms > ${recoveryLimitMs} ms`);
  }
  return violations;
}

/** What no busy machine explains. */
export function isUnforgivable({ lost, excusedLost, unexpected, inversions, stuck }: Outcome): boolean {
  return lost > excusedLost || unexpected + inversions + stuck > 0;
}
