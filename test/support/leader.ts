import type { TickRequest } from '../../src/shared/lanes/fleet/leader.ts';

/** A leader's tick that keeps what ended for a short time. */
export const leaderTick: TickRequest = {
  workerId: 'w',
  keepDoneMs: 1000,
  keepDone: 1000,
  keepEvents: 1000,
  lockMs: 1000,
};
