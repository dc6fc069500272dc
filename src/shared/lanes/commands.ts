import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

type Arguments = (string | number)[];

/** Our scripts as commands of a Redis client, on a client and inside a MULTI. */
export interface LaneCommands<Reply> {
  laneEnqueue(...args: Arguments): Reply;
  laneClaim(...args: Arguments): Reply;
  laneSettle(...args: Arguments): Reply;
  laneBury(...args: Arguments): Reply;
  laneReconcile(...args: Arguments): Reply;
  laneRegister(...args: Arguments): Reply;
}

const read = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8');
const redisClock = read('clock');
const release = read('release');
const letter = read('letter');

const scripts: Record<keyof LaneCommands<unknown>, { lua: string; numberOfKeys: number }> = {
  laneEnqueue: { lua: release + read('enqueue'), numberOfKeys: 1 },
  laneClaim: { lua: release + read('claim'), numberOfKeys: 2 },
  laneSettle: { lua: release + letter + read('settle'), numberOfKeys: 2 },
  laneBury: { lua: release + letter + read('bury'), numberOfKeys: 1 },
  laneReconcile: { lua: release + read('reconcile'), numberOfKeys: 1 },
  laneRegister: { lua: read('register'), numberOfKeys: 1 },
};

/** A Redis client that knows our scripts. */
export type LaneRedis = Redis & LaneCommands<Promise<unknown>>;

/** @param clock the Lua that says what time it is; tests bring one that they can set */
export function withLaneCommands(redis: Redis, clock = redisClock): LaneRedis {
  for (const [name, { lua, numberOfKeys }] of Object.entries(scripts)) {
    redis.defineCommand(name, { lua: clock + lua, numberOfKeys });
  }
  return redis as LaneRedis;
}
