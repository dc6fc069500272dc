import type { Deadline } from '../redis/deadline.ts';
import { describeHolds, type Hold } from './holds.ts';
import { isCluster, type RedisClient } from '../redis/cluster.ts';
import { infoField } from '../redis/info.ts';
import { readCircuits } from '../lanes/fleet/circuits.ts';
import type { ForeignSettings } from '../lanes/foreign-settings.ts';
import { isoTime } from '../model/time.ts';
import { combineRestores, describeRestore } from './restores.ts';
import { shardsKey } from '../lanes/key-names.ts';
import type { Session } from '../session/session.ts';
import { type Counts, readShardStatus, type ShardStatus, type WorkerStatus } from './shard-status.ts';

/** The status of an installation. The cost of reading it doesn't grow with the backlog. */
export interface Status extends Counts {
  /** How long the oldest queued message has been due, in ms; 0 if none is queued. */
  oldestQueuedMs: number;
  holds: Hold[];
  workers: WorkerStatus[];
  /** That Redis may have gone back to an earlier state in the last day, although nothing is held for it. */
  suspectedRestore?: { since: string; evidence: string };
  /** BullMQ's settings that somebody else has changed, which has no effect; missing if there are none. */
  foreignSettings?: ForeignSettings[];
}

/** A status, and when it was read, on Redis's clock. */
export interface StatusNow {
  status: Status;
  /** Whether any process has used the namespace; what only reads does not count. */
  isUsed: boolean;
  /** Whether this Redis is a replica, through which nothing can be stored or sent. */
  isReplica: boolean;
  nowMs: number;
}

/** @throws QueueUnavailableError if Redis does not answer before the deadline. */
export async function readStatus(
  session: Session,
  config: { shards: number; namespace: string },
  deadline: Deadline,
): Promise<Status> {
  return (await readStatusNow(session, config, deadline)).status;
}

/** @throws QueueUnavailableError if Redis does not answer before the deadline. */
export async function readStatusNow(
  session: Session,
  { shards, namespace }: { shards: number; namespace: string },
  deadline: Deadline,
): Promise<StatusNow> {
  const parts: ShardStatus[] = [];
  const [circuits, stamps, isReplica] = await session.read(0, deadline, async ({ redis }) =>
    Promise.all([readCircuits(redis, namespace), redis.exists(shardsKey(namespace)), readIsReplica(redis)]),
  );
  for (let index = 0; index < shards; index += 1) {
    parts.push(await session.read(index, deadline, (shard) => readShardStatus(shard, circuits)));
  }
  const sum = (name: keyof Counts): number => parts.reduce((total, { counts }) => total + counts[name], 0);
  const status = {
    scheduled: sum('scheduled'),
    queued: sum('queued'),
    sending: sum('sending'),
    retrying: sum('retrying'),
    held: sum('held'),
    dead: sum('dead'),
    oldestQueuedMs: Math.max(0, ...parts.map(({ oldestQueuedMs }) => oldestQueuedMs)),
    holds: [
      ...describeHolds(
        parts.flatMap(({ holds }) => holds),
        circuits,
      ),
      ...parts.flatMap(({ conversations }) => conversations),
    ],
    workers: mergeWorkers(parts.flatMap(({ workers }) => workers)),
    ...suspectedIn(parts),
    ...foreignIn(parts),
  };
  return { status, isUsed: stamps > 0, isReplica, nowMs: circuits.nowMs };
}

async function readIsReplica(redis: RedisClient): Promise<boolean> {
  // A cluster's client writes to the primaries.
  if (isCluster(redis)) return false;
  try {
    return infoField(await redis.info('replication'), 'role') === 'slave';
  } catch {
    // The user may lack the right, and a proxy the command.
    return false;
  }
}

function suspectedIn(parts: readonly ShardStatus[]): Pick<Status, 'suspectedRestore'> {
  const found = parts.flatMap(({ suspected }) => suspected ?? []);
  if (found.length === 0) return {};
  const whole = combineRestores(found);
  return { suspectedRestore: { since: isoTime(whole.since), evidence: describeRestore(whole) } };
}

function foreignIn(parts: readonly ShardStatus[]): Pick<Status, 'foreignSettings'> {
  const foreignSettings = parts.flatMap(({ foreign }) => foreign);
  return foreignSettings.length === 0 ? {} : { foreignSettings };
}

/** Adds up the records of each worker, which registers in every shard that it serves with its places there. */
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
