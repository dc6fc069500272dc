import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { Job, JobType, Queue } from 'bullmq';
import type { Shard } from '../../shared/lanes/shard.ts';
import { type DeadReason, deadReasons } from '../../shared/model/dead-letter.ts';
import { HIDDEN } from '../html/hidden-content.ts';
import { boardJobsOf } from './board-jobs.ts';

/** The length in UTF-16 of an id of 256 characters. */
const MAX_ID_LENGTH = 512;
const MESSAGE_TYPE = /^[a-z-]{1,20}$/;

/**
 * A read-only queue for bull-board. Unless content may be shown, jobs are stripped before bull-board gets them, so that none of
 * its views and answers can show the content of a message.
 */
export function createReadOnlyQueue(
  queue: Queue,
  { shard, prefix, showContent }: { shard: Shard; prefix: string; showContent: boolean },
): BullMQAdapter {
  const jobs = boardJobsOf(queue, shard);
  const shownJob = (job: Job): Job => (showContent ? job : stripped(job));
  return Object.assign(new BullMQAdapter(queue, { readOnlyMode: true, allowRetries: false, prefix }), {
    // The original lists all connections of the Redis, also those of other programs, and needs an extra right in Redis.
    getWorkers: async (): Promise<null> => null,
    // Our workers take no notice of BullMQ's pauses and limits, so to show any would be wrong.
    isPaused: async (): Promise<boolean> => false,
    getGlobalConcurrency: async (): Promise<null> => null,
    getActiveRateLimitTtl: async (): Promise<number> => 0,
    async getJob(id: string): Promise<Job | undefined> {
      const job = await jobs.one(id);
      return job && shownJob(job);
    },
    async getJobs(states: readonly JobType[], start = 0, end = 0): Promise<Job[]> {
      return (await jobs.some(states, start, end)).map(shownJob);
    },
    // Our jobs have neither logs nor other jobs; of jobs of others the original would read both whole.
    getJobLogs: async (): Promise<string[]> => [],
    getFlowProducer: async (): Promise<null> => null,
  });
}

/** Strips the job in memory; nothing is written back. */
function stripped(job: Job): Job {
  job.data = strippedData(job.data);
  job.returnvalue = HIDDEN;
  job.progress = 0;
  job.failedReason = isReason(job.failedReason) || !job.failedReason ? job.failedReason : HIDDEN;
  job.stacktrace = [];
  job.deferredFailure = '';
  return job;
}

/** The fields that help to find a message, without its content. Every value is checked, because others can write jobs, too. */
function strippedData(data: unknown): Record<string, unknown> {
  const { reason, label, attemptsUsed, replayOf, request = data } = fieldsOf(data);
  const { pageId, conversationId, message } = fieldsOf(request);
  const { type } = fieldsOf(message);
  return {
    reason: isReason(reason) ? reason : undefined,
    label: plain(label),
    attemptsUsed: plain(attemptsUsed),
    replayOf: plain(replayOf),
    pageId: plain(pageId),
    conversationId: plain(conversationId),
    message: { type: typeof type === 'string' && MESSAGE_TYPE.test(type) ? type : undefined, content: HIDDEN },
  };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function plain(value: unknown): string | number | undefined {
  const isPlain = typeof value === 'number' || (typeof value === 'string' && value.length <= MAX_ID_LENGTH);
  return isPlain ? value : undefined;
}

function isReason(value: unknown): boolean {
  return deadReasons.includes(value as DeadReason);
}
