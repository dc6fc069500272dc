import { readFileSync } from 'node:fs';
import type { RedisClient } from '../redis-cluster.ts';

const read = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8');
const redisClock = read('clock');
const lanes = read('hold') + read('release');
const limit = read('limit');
const letter = read('letter');
const circuit = read('circuit');
const alone = read('alone');

// The scripts of a shard name the absent key as their last one.
const scripts = {
  laneEnqueue: { lua: lanes + letter + read('enqueue'), numberOfKeys: 2 },
  laneClaim: { lua: lanes + limit + alone + read('claim'), numberOfKeys: 2 },
  laneSettle: { lua: lanes + letter + alone + read('settle'), numberOfKeys: 2 },
  laneCancel: { lua: lanes + read('cancel'), numberOfKeys: 2 },
  laneDue: { lua: lanes + read('due'), numberOfKeys: 2 },
  laneHold: { lua: lanes + read('hold-until-released'), numberOfKeys: 2 },
  laneBury: { lua: lanes + letter + read('bury'), numberOfKeys: 2 },
  letterFind: { lua: lanes + letter + read('find'), numberOfKeys: 2 },
  letterDiscard: { lua: lanes + letter + read('discard'), numberOfKeys: 2 },
  letterExpire: { lua: lanes + letter + read('expire'), numberOfKeys: 2 },
  laneReconcile: { lua: lanes + read('reconcile'), numberOfKeys: 2 },
  laneRegister: { lua: read('register'), numberOfKeys: 2 },
  fleetGate: { lua: limit + circuit + read('gate'), numberOfKeys: 3 },
  fleetNote: { lua: circuit + read('note'), numberOfKeys: 3 },
};

/** Our scripts as commands of a Redis client, on a client and inside a MULTI. */
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
