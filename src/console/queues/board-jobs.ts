import { Job, type JobJson, type JobType, type Queue } from 'bullmq';
import { readFields, readNames } from '../../shared/lanes/read-bounded.ts';
import type { Shard } from '../../shared/lanes/shard.ts';

const FIELDS = ['name', 'data', 'timestamp', 'processedOn', 'finishedOn', 'failedReason', 'returnvalue'] as const;
const LISTS: ReadonlySet<string> = new Set(['wait', 'active', 'paused']);

/** Reads jobs for a board. BullMQ would read them whole, whatever others have written into them, and show none if one makes no sense. */
export interface BoardJobs {
  /** Returns a job with the fields that ours have. */
  one(id: string): Promise<Job | undefined>;
  /** Returns the jobs of some states; of each state those from `start` to `end`. */
  some(states: readonly JobType[], start: number, end: number): Promise<Job[]>;
}

export function boardJobsOf(queue: Queue, shard: Shard): BoardJobs {
  async function one(id: string): Promise<Job | undefined> {
    const fields = await readFields(shard, queue.toKey(id), FIELDS);
    return FIELDS.some((field) => fields[field] !== null) ? jobOf(queue, id, fields) : undefined;
  }

  async function idsIn(state: JobType, start: number, end: number): Promise<string[]> {
    const set = state === 'waiting' ? 'wait' : state;
    const command = LISTS.has(set) ? 'lrange' : 'zrevrange';
    return await readNames(shard, [command, queue.toKey(set), start, end]);
  }

  return {
    one,
    async some(states, start, end) {
      const ids = await Promise.all(states.map((state) => idsIn(state, start, end)));
      const jobs = await Promise.all([...new Set(ids.flat())].map(one));
      return jobs.filter((job) => job !== undefined);
    },
  };
}

function jobOf(queue: Queue, id: string, fields: Record<(typeof FIELDS)[number], string | null>): Job {
  const json: JobJson = {
    id,
    name: fields.name ?? '',
    data: asJson(fields.data),
    opts: {},
    progress: 0,
    attemptsMade: 0,
    attemptsStarted: 0,
    timestamp: Number(fields.timestamp),
    processedOn: Number(fields.processedOn),
    finishedOn: Number(fields.finishedOn),
    failedReason: fields.failedReason ?? '',
    returnvalue: asJson(fields.returnvalue),
    stalledCounter: 0,
  };
  return Job.fromJSON(queue, json, id);
}

/** Returns what is JSON unchanged. */
function asJson(text: string | null): string {
  try {
    JSON.parse(text ?? '');
    return text ?? '';
  } catch {
    return 'null';
  }
}
