import { Queue } from 'bullmq';
import { isCluster } from '../redis/cluster.ts';
import { DEAD_QUEUE, SEND_QUEUE, shardPrefix } from './key-names.ts';
import type { Shard } from './shard.ts';

/** The two BullMQ queues of a shard. Only workers and the console open them: loading BullMQ costs more than storing a message. */
export interface ShardQueues {
  send: Queue;
  dead: Queue;
}

/** We don't read BullMQ's event stream, and a dashboard needs only the latest events. */
const MAX_EVENTS = 100;

/**
 * Opens the queues of a shard over its connection. The connection must be ready: BullMQ never recovers from a failed first connection.
 *
 * @param setsUp whether BullMQ writes its settings of the queues. Only its workers read them, so nothing else needs to write here.
 * @throws the error of Redis or of the connection; the call can be repeated.
 */
export async function openQueues(
  { redis, namespace, index }: Shard,
  { setsUp = false }: { setsUp?: boolean } = {},
): Promise<ShardQueues> {
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
  return { send, dead };
}
