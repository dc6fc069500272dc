/** What one side came to in one round. */
export interface Measurement {
  value: number;
  /** What helps to understand the value; shown, but never judged. */
  details: Readonly<Record<string, number>>;
}

export interface Side {
  name: string;
  measure(): Promise<Measurement>;
}

/** Two sides on systems that are up and stay up: the ratio is `subject / baseline`. */
export interface Contest extends AsyncDisposable {
  baseline: Side;
  subject: Side;
}

/** Bounds are ratios unless said otherwise: a time that passes on one machine says nothing about another. */
export interface Limit {
  atLeast?: number;
  atMost?: number;
}

export interface Benchmark {
  name: string;
  /** What is measured, as a sentence for people. */
  measures: string;
  /** The unit of both sides' values. */
  unit: string;
  limit: Limit;
  /** Of the details: those whose ratios are judged, too. */
  also?: Readonly<Record<string, Limit>>;
  /** Bounds of the subject's own details, for what doesn't depend on the machine. */
  marks?: Readonly<Record<string, Limit>>;
  /** How many rounds tell enough, where they take very long; otherwise it is up to whoever runs it. */
  rounds?: number;
  /** Rounds before those that count, for compilers, caches and connections to get warm. Default 1. */
  warmUpRounds?: number;
  prepare(): Promise<Contest>;
}
