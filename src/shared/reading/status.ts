import { askRedis } from '../session/calls.ts';
import type { Deadline } from '../redis/deadline.ts';
import { describeHolds, type Hold } from './holds.ts';
import { readFleet } from '../lanes/fleet/facts.ts';
import type { Session } from '../session/session.ts';
import { type Counts, readShardStatus, type ShardStatus, type WorkerStatus } from './shard-status.ts';

/** Where everything stands. Its cost doesn't grow with the backlog. */
export interface Status extends Counts {
  /** How long the message that is due for the longest time among the queued ones has waited; 0 if none waits. */
  oldestQueuedMs: number;
  holds: Hold[];
  workers: WorkerStatus[];
}

/** @throws QueueUnavailableError if Redis does not answer before the deadline. */
export async function readStatus(
  session: Session,
  { shards, namespace }: { shards: number; namespace: string },
  deadline: Deadline,
): Promise<Status> {
  const parts: ShardStatus[] = [];
  for (let index = 0; index < shards; index += 1) {
    const shard = await session.shard(index, deadline);
    parts.push(await askRedis(deadline, readShardStatus(shard)));
  }
  const { redis } = await session.shard(0, deadline);
  const { nowMs, circuits } = await askRedis(deadline, readFleet(redis, namespace));
  const sum = (name: keyof Counts): number => parts.reduce((total, { counts }) => total + counts[name], 0);
  return {
    scheduled: sum('scheduled'),
    queued: sum('queued'),
    sending: sum('sending'),
    retrying: sum('retrying'),
    held: sum('held'),
    dead: sum('dead'),
    oldestQueuedMs: Math.max(0, ...parts.map(({ oldestQueuedMs }) => oldestQueuedMs)),
    holds: describeHolds(
      parts.flatMap(({ holds }) => holds),
      circuits,
      nowMs,
    ),
    workers: mergeWorkers(parts.flatMap(({ workers }) => workers)),
  };
}

/** A worker registers in every shard with its share of each. */
function mergeWorkers(workers: readonly WorkerStatus[]): WorkerStatus[] {
  const merged = new Map<string, WorkerStatus>();
  for (const worker of workers) {
    const known = merged.get(worker.id);
    merged.set(worker.id, {
      ...worker,
      concurrency: worker.concurrency + (known?.concurrency ?? 0),
      sending: worker.sending + (known?.sending ?? 0),
    });
  }
  return [...merged.values()].toSorted((one, other) => one.id.localeCompare(other.id));
}
