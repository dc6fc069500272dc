import { DelayedError, type Job, WaitingChildrenError } from 'bullmq';
import type { Settlement, SettleResult } from '../shared/lanes/settle.ts';

/**
 * What BullMQ is to do with a job after our scripts have done their part. This is the only file that speaks BullMQ's
 * language of sentinel errors: returning completes the job, a `DelayedError` or `WaitingChildrenError` leaves it where
 * it is.
 */

/** The message has ended elsewhere: nothing of it stays in the send queue. */
export function finishGone(job: Job): void {
  job.opts.removeOnComplete = true;
}

/** The job goes on later. BullMQ's clock is this process's, so the wait is counted from here. */
export async function finishLater(job: Job, token: string, delayMs: number): Promise<never> {
  await job.moveToDelayed(Date.now() + delayMs, token);
  throw new DelayedError();
}

/** Thrown for each message: one is enough, since nobody reads its stack. */
const TAKEN_BACK = new WaitingChildrenError();

/** Our script has taken the job from BullMQ already: it waits for its turn, or was delivered. */
export function finishTakenBack(): never {
  throw TAKEN_BACK;
}

/** Another worker has the job: nothing of it may be touched. */
export function finishLost(): never {
  throw new DelayedError();
}

/** After a settlement was carried out, or refused because it no longer was ours to make. */
export async function finishSettled(
  job: Job,
  token: string,
  settlement: Settlement,
  result: SettleResult,
): Promise<void> {
  switch (result.verdict) {
    case 'lost':
      return finishLost();
    case 'settled':
      return;
    case 'done':
      if (settlement.kind === 'delivered') return finishTakenBack();
      return settlement.kind === 'dead' ? finishGone(job) : await finishLater(job, token, result.delayMs);
  }
}
