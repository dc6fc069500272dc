import type { Status } from '../../src/shared/reading/status.ts';

/** Nothing waits, and nobody works. */
export const calmStatus: Status = {
  scheduled: 0,
  queued: 0,
  sending: 0,
  retrying: 0,
  held: 0,
  dead: 0,
  oldestQueuedMs: 0,
  holds: [],
  workers: [],
};
