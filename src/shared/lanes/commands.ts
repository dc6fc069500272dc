import type { RedisClient } from '../redis/cluster.ts';
import { readScript } from './read-script.ts';

const read = (...names: string[]): string => names.map((name) => readScript(name)).join('');
const redisClock = read('lib/clock');
const althoughFull = read('lib/although-full');
const lanes = read('lib/alone', 'lib/holds', 'lib/limit', 'lib/places');
const release = lanes + read('lib/turns', 'lib/come-back');
const sleepers = read('lib/sleepers');
const letter = read('lib/dead-letters');
const positions = read('lib/positions');
const lease = read('lib/lease');
const timeline = read('lib/timeline');
const knownEnds = read('lib/known-ends');
const events = read('lib/events');
const eventGroups = read('lib/event-groups');
const circuit = read('lib/circuit', 'lib/pace');

const settleAndTake = ['settle', 'worker-died', 'take', 'settle-and-take'].map((name) => `messages/${name}`);

// The last key of each script is the absent key.
const scripts = {
  laneEnqueue: { lua: lanes + letter + events + read('messages/enqueue'), numberOfKeys: 2 },
  laneTurn: { lua: release + letter + timeline + knownEnds + events + read(...settleAndTake), numberOfKeys: 2 },
  laneFindStalled: { lua: althoughFull + lanes + read('messages/find-stalled'), numberOfKeys: 2 },
  laneTick: {
    lua: release + sleepers + lease + timeline + knownEnds + eventGroups + read('lib/trim-events', 'fleet/tick'),
    numberOfKeys: 2,
  },
  laneBeat: { lua: althoughFull + lanes + lease + timeline + read('fleet/restore', 'fleet/beat'), numberOfKeys: 2 },
  laneCancel: { lua: lanes + events + read('messages/cancel'), numberOfKeys: 2 },
  laneHold: { lua: althoughFull + lanes + sleepers + read('holds/hold'), numberOfKeys: 2 },
  laneFind: { lua: lanes + positions + read('messages/find-in-lane'), numberOfKeys: 2 },
  letterFind: { lua: lanes + letter + positions + read('dead/find'), numberOfKeys: 2 },
  letterDiscard: { lua: lanes + letter + read('dead/discard'), numberOfKeys: 2 },
  letterSettle: { lua: lanes + letter + events + read('dead/settle'), numberOfKeys: 2 },
  letterExpire: { lua: lanes + letter + read('dead/expire'), numberOfKeys: 2 },
  laneReconcile: { lua: althoughFull + lanes + events + read('repair/reconcile'), numberOfKeys: 2 },
  fleetGate: { lua: althoughFull + circuit + read('fleet/ask-circuit'), numberOfKeys: 3 },
  fleetCircuit: { lua: althoughFull + circuit + read('fleet/tell-circuit'), numberOfKeys: 2 },
  fleetEvidence: { lua: althoughFull + read('fleet/tell-evidence'), numberOfKeys: 4 },
  fleetAgree: { lua: althoughFull + read('fleet/agree-on-limits'), numberOfKeys: 3 },
  fleetPace: { lua: althoughFull + read('lib/limit', 'fleet/write-pace'), numberOfKeys: 2 },
  eventsLease: { lua: althoughFull + lanes + eventGroups + read('stream/lease'), numberOfKeys: 2 },
  eventsForget: { lua: althoughFull + eventGroups + read('stream/forget'), numberOfKeys: 2 },
  readBounded: { lua: read('lib/read-bounded'), numberOfKeys: 2 },
  changeKey: { lua: althoughFull + read('lib/change-key'), numberOfKeys: 2 },
};

/** Our scripts as commands of a Redis client. */
export type LaneCommands<Reply> = Record<keyof typeof scripts, (...args: (string | number)[]) => Reply>;

/** A Redis client that knows our scripts. */
export type LaneRedis = RedisClient & LaneCommands<Promise<unknown>>;

/** @param clock the Lua source that defines the clock; tests pass a clock that they can set */
export function withLaneCommands<Client extends RedisClient>(redis: Client, clock = redisClock): Client & LaneRedis {
  for (const [name, { lua, numberOfKeys }] of Object.entries(scripts)) {
    redis.defineCommand(name, { lua: clock + lua, numberOfKeys });
  }
  return redis as Client & LaneRedis;
}
