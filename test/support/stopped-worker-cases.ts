import type { OutcomeKind } from '../../src/producer/index.ts';
import type { Fault } from '../../src/testing/index.ts';
import type { End } from './stopped-worker-end.ts';
import type { WorkerPoint } from './stopped-worker.ts';

/** The points at which the tests stop a worker, in the order in which the worker reaches them. */
export const points = {
  idle: { command: 'laneTurn', when: 'before', at: 'any' },
  /** Redis has handed out the target, and the worker doesn't know yet. */
  givenOut: { command: 'laneTurn', when: 'sent', at: 'first' },
  taken: { command: 'take', when: 'answered' },
  aboutToSend: { command: 'post', when: 'before' },
  sending: 'request',
  /** The API has answered, and Redis doesn't know yet. */
  answered: { command: 'laneTurn', when: 'before' },
  settling: { command: 'laneTurn', when: 'sent' },
  settled: { command: 'laneTurn', when: 'answered' },
} as const satisfies Record<string, WorkerPoint>;

/** What the API does with the target. */
export const faults = {
  ignores: { kind: 'hang' },
  ignoresOnce: { kind: 'hang', times: 1 },
  /** The API accepts the message, and doesn't answer. */
  swallows: { kind: 'hang', accept: true },
  swallowsOnce: { kind: 'hang', accept: true, times: 1 },
  failsOnce: { kind: 'status', status: 500, times: 1 },
  refuses: { kind: 'status', status: 400 },
  refusesOnce: { kind: 'status', status: 400, times: 1 },
} as const satisfies Record<string, Fault>;

/** The end of a target that the stopped worker never had. */
export const neverTaken: End = { outcomes: ['delivered'], requests: 1 };

const takenAsNext: readonly OutcomeKind[] = ['unknown', 'delivered'];

/** Ends of a target that the stopped worker has settled. */
export const settledAs = {
  delivered: { outcomes: ['delivered'], requests: 1, next: takenAsNext },
  dead: { outcomes: ['rejected'], reason: 'rejected', requests: 1, next: takenAsNext },
} as const satisfies Record<string, End>;

/** Ends of a target that another worker took over from the stopped one and sent. */
export const sent = {
  once: { outcomes: ['unknown', 'delivered'], requests: 1 },
  again: { outcomes: ['unknown', 'delivered'], requests: 2 },
  /** The API had already accepted the target. */
  twice: { outcomes: ['unknown', 'delivered'], requests: 2, duplicates: 1 },
} as const satisfies Record<string, End>;
