import { readFileSync } from 'node:fs';
import type { RedisClient } from '../redis-cluster.ts';

const read = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8');
const redisClock = read('clock');
const lanes = read('hold') + read('limit') + read('places');
const release = lanes + read('release') + read('come-back');
const letter = read('letter');
const lease = read('lease');
const circuit = read('circuit');

// The scripts of a shard name the absent key as their last one.
const scripts = {
  laneEnqueue: { lua: lanes + letter + read('enqueue'), numberOfKeys: 2 },
  laneTurn: { lua: release + letter + read('alone') + read('settle') + read('take') + read('turn'), numberOfKeys: 2 },
  laneTick: { lua: release + lease + read('tick'), numberOfKeys: 2 },
  laneBeat: { lua: lanes + lease + read('beat'), numberOfKeys: 2 },
  laneCancel: { lua: lanes + read('cancel'), numberOfKeys: 2 },
  laneHold: { lua: lanes + read('hold-until-released'), numberOfKeys: 2 },
  letterFind: { lua: lanes + letter + read('find'), numberOfKeys: 2 },
  letterDiscard: { lua: lanes + letter + read('discard'), numberOfKeys: 2 },
  letterExpire: { lua: lanes + letter + read('expire'), numberOfKeys: 2 },
  laneReconcile: { lua: lanes + read('reconcile'), numberOfKeys: 2 },
  fleetGate: { lua: circuit + read('gate'), numberOfKeys: 1 },
  fleetNote: { lua: circuit + read('note'), numberOfKeys: 3 },
  fleetAgree: { lua: read('agree'), numberOfKeys: 2 },
  fleetPace: { lua: read('limit') + read('pace'), numberOfKeys: 2 },
};

/** Our scripts as commands of a Redis client. */
export type LaneCommands<Reply> = Record<keyof typeof scripts, (...args: (string | number)[]) => Reply>;

/** A Redis client that knows our scripts. */
export type LaneRedis = RedisClient & LaneCommands<Promise<unknown>>;

/** @param clock the Lua that says what time it is; tests bring one that they can set */
export function withLaneCommands<Client extends RedisClient>(redis: Client, clock = redisClock): Client & LaneRedis {
  for (const [name, { lua, numberOfKeys }] of Object.entries(scripts)) {
    redis.defineCommand(name, { lua: clock + lua, numberOfKeys });
  }
  return redis as Client & LaneRedis;
}
