import { Redis } from 'ioredis';
import type { Arena } from './arena.ts';

/** What the scripts reserved, as Redis's MONITOR shows it. */
export interface Slots {
  /** The least time between two slots of the fleet. */
  closestMs(): number;
  /** The most slots that one message has waited for. */
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
    const [command = '', key = '', first = '', second = '', third = '', fourth = ''] = args;
    if (command.toUpperCase() === 'SET' && key.endsWith(':fleet}:rate')) {
      const next = Number.parseFloat(first);
      if (arrival > 0) closest = Math.min(closest, next - arrival);
      arrival = next;
    }
    // `HSET <job> next <time> pageSlot <time>`; what is late has another time than its slot, and gets no other one.
    if (command.toUpperCase() === 'HSET' && first === 'next' && third.endsWith('Slot') && second === fourth) {
      putOffs.set(key, (putOffs.get(key) ?? 0) + 1);
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
