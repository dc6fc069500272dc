import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

type Arguments = (string | number)[];

/** Our scripts as commands of a Redis client, on a client and inside a MULTI. */
export interface LaneCommands<Reply> {
  laneEnqueue(...args: Arguments): Reply;
  laneClaim(...args: Arguments): Reply;
  laneSettle(...args: Arguments): Reply;
  laneRegister(...args: Arguments): Reply;
}

const read = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8');
const release = read('release');

const scripts: Record<keyof LaneCommands<unknown>, { lua: string; numberOfKeys: number }> = {
  laneEnqueue: { lua: release + read('enqueue'), numberOfKeys: 1 },
  laneClaim: { lua: release + read('claim'), numberOfKeys: 2 },
  laneSettle: { lua: release + read('settle'), numberOfKeys: 2 },
  laneRegister: { lua: release + read('register'), numberOfKeys: 1 },
};

/** A Redis client that knows our scripts. */
export type LaneRedis = Redis & LaneCommands<Promise<unknown>>;

export function withLaneCommands(redis: Redis): LaneRedis {
  for (const [name, script] of Object.entries(scripts)) redis.defineCommand(name, script);
  return redis as LaneRedis;
}
