import { Queue } from 'bullmq';
import { DEAD_QUEUE, SEND_QUEUE, shardPrefix, shardRoot } from './key-names.ts';
import type { LaneRedis } from './commands.ts';
import { isCluster } from '../redis/cluster.ts';

/** One shard: its two BullMQ queues over one connection, and the start of all its keys. */
export interface Shard {
  index: number;
  namespace: string;
  root: string;
  redis: LaneRedis;
  send: Queue;
  dead: Queue;
}

/** We don't read BullMQ's event stream, and a dashboard needs only the latest events. */
const MAX_EVENTS = 100;

/**
 * Opens a shard. The connection must be ready: BullMQ never recovers from a failed first connection.
 *
 * @param setsUp whether BullMQ writes its settings of the queues. Only its workers read them, so nothing else needs to write here.
 * @throws the error of Redis or of the connection; the call can be repeated.
 */
export async function openShard(
  redis: LaneRedis,
  namespace: string,
  index: number,
  { setsUp = false }: { setsUp?: boolean } = {},
): Promise<Shard> {
  const open = async (name: string): Promise<Queue> => {
    const queue = new Queue(name, {
      connection: redis,
      prefix: shardPrefix(namespace, index),
      streams: { events: { maxLen: MAX_EVENTS } },
      // The check would ask any node, even one that is away or not connected yet.
      skipVersionCheck: isCluster(redis),
      skipMetasUpdate: !setsUp,
    });
    // The connection has its own error listener, but BullMQ would throw without one here.
    queue.on('error', () => {});
    try {
      await queue.waitUntilReady();
      return queue;
    } catch (error) {
      // Otherwise its listeners stay on the connection, and the next call adds those of another queue.
      await queue.close();
      throw error;
    }
  };
  const [send, dead] = await Promise.all([open(SEND_QUEUE), open(DEAD_QUEUE)]);
  return { index, namespace, root: shardRoot(namespace, index), redis, send, dead };
}

/** The keys of a message's job and of the lock that a worker holds on it. */
export function jobKeys(shard: Shard, id: string): { job: string; lock: string } {
  const job = `${shard.root}${SEND_QUEUE}:${id}`;
  return { job, lock: `${job}:lock` };
}
