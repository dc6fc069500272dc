import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import { createFlood } from '../fleet/flood.ts';

/** How much of an id is logged that is none of ours. */
const LONGEST_ID = 100;

/** Returns what logs the ids of jobs that were no messages and are removed. */
export function createForeignJobsLog(logger: WorkerLogger): (ids: readonly string[]) => void {
  const flood = createFlood();
  return (ids) => {
    const jobs = flood(ids.length);
    if (jobs === 0) return;
    logger.warn(
      { id: ids[0]?.slice(0, LONGEST_ID), jobs },
      'removed jobs from the send queue that kitechat-sender did not store; who else writes to this Redis?',
    );
  };
}
