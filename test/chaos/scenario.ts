/** The outcome of one run of a scenario, in the terms of Jepsen's queue checker. */
export interface Outcome {
  messages: number;
  kills: number;
  /** Messages that were stored and never ended. */
  lost: number;
  /** The number of excused losses: only writes that Redis had acknowledged but not written to disk. */
  excusedLost: number;
  /** Repeated acceptances of a message by the API. */
  duplicated: number;
  /** The number of duplicates that the faults excuse. */
  excused: number;
  /** Messages that the API accepted, but that were never enqueued. */
  unexpected: number;
  /** Kills of Redis while it had acknowledged writes that were not yet in the AOF. */
  unwritten: number;
  /** Messages that were delivered although the call could not say whether they were stored. */
  recovered: number;
  /** Messages that were first accepted after a later message of their conversation. */
  inversions: number;
  /** Messages that had neither ended nor moved at the end. */
  stuck: number;
  dead: number;
  /** The number of dead letters that the faults excuse. */
  excusedDead: number;
  repairs: number;
  /** The longest delay that a fault caused, in ms; `null` if there was none. */
  recoveryMs: number | null;
  /** The bound of `recoveryMs`. */
  recoveryLimitMs: number | null;
  /** Other problems that a scenario found. */
  violations?: string[];
  /** Other measurements, in words. */
  figures?: string;
}

export interface Scenario {
  name: string;
  run(seed: number): Promise<Outcome>;
}

/** The violations of the guarantees in an outcome. */
export function violationsOf(outcome: Outcome): string[] {
  const violations: string[] = [...(outcome.violations ?? [])];
  for (const name of ['unexpected', 'inversions', 'stuck'] as const) {
    if (outcome[name] > 0) violations.push(`${name} ${outcome[name]}`);
  }
  if (outcome.lost > outcome.excusedLost) violations.push(`lost ${outcome.lost} > ${outcome.excusedLost}`);
  // A Redis that came back with older data leaves something to repair.
  if (outcome.repairs > 0 && outcome.unwritten === 0) violations.push(`repairs ${outcome.repairs}`);
  if (outcome.duplicated > outcome.excused) violations.push(`duplicated ${outcome.duplicated} > ${outcome.excused}`);
  if (outcome.dead > outcome.excusedDead) violations.push(`dead ${outcome.dead} > ${outcome.excusedDead}`);
  const { recoveryMs, recoveryLimitMs } = outcome;
  if (recoveryMs !== null && recoveryLimitMs !== null && recoveryMs > recoveryLimitMs) {
    violations.push(`recovery ${recoveryMs} ms > ${recoveryLimitMs} ms`);
  }
  return violations;
}

/** The violations that a busy machine can't explain. */
export function isUnforgivable({ lost, excusedLost, unexpected, inversions, stuck }: Outcome): boolean {
  return lost > excusedLost || unexpected + inversions + stuck > 0;
}
