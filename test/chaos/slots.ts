import { Redis } from 'ioredis';
import type { Arena } from './arena.ts';

/** The slots that the scripts reserved, read from Redis's MONITOR. */
export interface Slots {
  /** The smallest step by which a reservation moved the fleet's limit, which is the cost of one slot. */
  closestMs(): number;
  /** The maximum number of times that one message was put off. */
  mostPutOffs(): number;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function watchSlots({ server }: Arena): Promise<Slots> {
  const redis = new Redis(server.url);
  const monitor = await redis.monitor();
  let closest = Infinity;
  let arrival = 0;
  const putOffs = new Map<string, number>();
  monitor.on('monitor', (_time: string, args: string[]) => {
    const [command = '', key = '', first = '', second = ''] = args;
    // `HSET <shard root>fleet tat <time> wakeAt <time>`: a reservation takes one slot or several.
    if (command.toUpperCase() === 'HSET' && key.endsWith('}:fleet') && first === 'tat') {
      const next = Number.parseFloat(second);
      if (arrival > 0 && next > arrival) closest = Math.min(closest, next - arrival);
      arrival = next;
    }
    // A message that waits for a slot is not put off.
    if (command.toUpperCase() === 'ZADD' && key.endsWith(':send:delayed')) {
      putOffs.set(second, (putOffs.get(second) ?? 0) + 1);
    }
  });
  return {
    closestMs: () => closest,
    mostPutOffs: () => Math.max(0, ...putOffs.values()),
    async [Symbol.asyncDispose]() {
      monitor.disconnect();
      redis.disconnect();
    },
  };
}
