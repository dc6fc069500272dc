import type { Status } from '../../src/shared/reading/status.ts';

/** The status of an installation without messages and workers. */
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
