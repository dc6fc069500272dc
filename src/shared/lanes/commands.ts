import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

const read = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8');
const redisClock = read('clock');
const lanes = read('hold') + read('release');
const limit = read('limit');
const letter = read('letter');
const circuit = read('circuit');

const scripts = {
  laneEnqueue: { lua: lanes + letter + read('enqueue'), numberOfKeys: 1 },
  laneClaim: { lua: lanes + limit + read('claim'), numberOfKeys: 2 },
  laneSettle: { lua: lanes + letter + read('settle'), numberOfKeys: 2 },
  laneCancel: { lua: lanes + read('cancel'), numberOfKeys: 1 },
  laneDue: { lua: lanes + read('due'), numberOfKeys: 1 },
  laneHold: { lua: lanes + read('hold-until-released'), numberOfKeys: 1 },
  laneBury: { lua: lanes + letter + read('bury'), numberOfKeys: 1 },
  letterFind: { lua: lanes + letter + read('find'), numberOfKeys: 1 },
  letterDiscard: { lua: lanes + letter + read('discard'), numberOfKeys: 1 },
  letterExpire: { lua: lanes + letter + read('expire'), numberOfKeys: 1 },
  laneReconcile: { lua: lanes + read('reconcile'), numberOfKeys: 1 },
  laneRegister: { lua: read('register'), numberOfKeys: 1 },
  fleetGate: { lua: limit + circuit + read('gate'), numberOfKeys: 3 },
  fleetNote: { lua: circuit + read('note'), numberOfKeys: 3 },
};

/** Our scripts as commands of a Redis client, on a client and inside a MULTI. */
export type LaneCommands<Reply> = Record<keyof typeof scripts, (...args: (string | number)[]) => Reply>;

/** A Redis client that knows our scripts. */
export type LaneRedis = Redis & LaneCommands<Promise<unknown>>;

/** @param clock the Lua that says what time it is; tests bring one that they can set */
export function withLaneCommands(redis: Redis, clock = redisClock): LaneRedis {
  for (const [name, { lua, numberOfKeys }] of Object.entries(scripts)) {
    redis.defineCommand(name, { lua: clock + lua, numberOfKeys });
  }
  return redis as LaneRedis;
}
