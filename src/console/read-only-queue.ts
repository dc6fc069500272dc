import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { Job, Queue } from 'bullmq';
import { type DeadReason, deadReasons } from '../shared/dead-letter.ts';
import { HIDDEN } from './content.ts';

/**
 * A queue for bull-board that can only be looked at. Unless content may be shown, jobs are stripped before bull-board gets them, so
 * that none of its views and answers can show what a message says.
 */
export function createReadOnlyQueue(queue: Queue, prefix: string, showContent: boolean): BullMQAdapter {
  const shown = Object.assign(new BullMQAdapter(queue, { readOnlyMode: true, allowRetries: false, prefix }), {
    // It would list all connections of the Redis, of others too, and a Redis user needs a right of its own for that.
    getWorkers: async (): Promise<null> => null,
  });
  if (showContent) return shown;
  const readOne = shown.getJob.bind(shown);
  const readMany = shown.getJobs.bind(shown);
  return Object.assign(shown, {
    async getJob(id: string): Promise<Job | undefined> {
      const job = await readOne(id);
      return job && stripped(job);
    },
    async getJobs(...range: Parameters<typeof readMany>): Promise<Job[]> {
      return (await readMany(...range)).map(stripped);
    },
    getJobLogs: async (): Promise<string[]> => [],
    // It would read jobs by itself.
    getFlowProducer: async (): Promise<null> => null,
  });
}

/** The job as it was read; nothing of it is written back. */
function stripped(job: Job): Job {
  job.data = strippedData(job.data);
  job.returnvalue = HIDDEN;
  job.progress = 0;
  job.failedReason = isReason(job.failedReason) || !job.failedReason ? job.failedReason : HIDDEN;
  job.stacktrace = [];
  return job;
}

/** What helps to find a message, and nothing of what it says. */
function strippedData(data: unknown): Record<string, unknown> {
  if (typeof data !== 'object' || data === null) return { hidden: HIDDEN };
  const { reason, label, attemptsUsed, replayOf, request } = data as Record<string, unknown>;
  const { pageId, conversationId, message } = (request ?? {}) as Record<string, unknown>;
  const { type } = (message ?? {}) as Record<string, unknown>;
  return { reason, label, attemptsUsed, replayOf, pageId, conversationId, message: { type, content: HIDDEN } };
}

function isReason(text: string | undefined): boolean {
  return deadReasons.includes(text as DeadReason);
}
