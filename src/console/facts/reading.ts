import { type Deadline, deadlineIn } from '../../shared/redis/deadline.ts';
import { type DeadReason, deadReasons } from '../../shared/model/dead-letter.ts';
import { readStatusNow, type StatusNow } from '../../shared/reading/status.ts';
import { readTraffic, type TrafficBucket } from '../../shared/reading/traffic.ts';
import { askRedis } from '../../shared/session/calls.ts';
import { type OpenCircuit, stoppedOf } from '../../shared/lanes/fleet/circuits.ts';
import { type FleetFacts, readFleet } from '../../shared/lanes/fleet/facts.ts';
import { type DeskDeps, READ_TIMEOUT_MS } from './deps.ts';

/** The fleet, as some pages see it. */
export interface FleetOfPages extends FleetFacts {
  /** For each circuit of a key, the pages among these that it stops. */
  stopped: ReadonlyMap<OpenCircuit, ReadonlySet<string>>;
}

/** Reads that several pages share. Each one settles quickly, also when Redis is away. */

export function soon(): Deadline {
  return deadlineIn(READ_TIMEOUT_MS);
}

const HOUR_MS = 3_600_000;

/** The number of messages that died in the last hour, by reason. */
export async function readLately({ deadLetters }: DeskDeps, nowMs: number): Promise<Record<DeadReason, number>> {
  const since = new Date(nowMs - HOUR_MS);
  const counts = await askRedis(soon(), Promise.all(deadReasons.map((reason) => deadLetters.count({ reason, since }))));
  return Object.fromEntries(deadReasons.map((reason, index) => [reason, counts[index] ?? 0])) as Record<
    DeadReason,
    number
  >;
}

export async function readDeskStatus({ session, config }: DeskDeps): Promise<StatusNow> {
  return await readStatusNow(session, config, soon());
}

export async function readDeskFleet({ session, config }: DeskDeps): Promise<FleetFacts> {
  return await session.read(0, soon(), ({ redis }) => readFleet(redis, config.namespace));
}

/** The fleet, and the pages among these that each key's circuit stops. */
export async function readDeskFleetOf({ session, config }: DeskDeps, pages: readonly string[]): Promise<FleetOfPages> {
  return await session.read(0, soon(), async ({ redis }) => {
    const fleet = await readFleet(redis, config.namespace);
    const ofKeys = fleet.open.filter(({ scope }) => scope === 'key');
    const stopped = await Promise.all(ofKeys.map(({ field }) => stoppedOf(redis, config.namespace, field, pages)));
    return { ...fleet, stopped: new Map(ofKeys.map((circuit, index) => [circuit, new Set(stopped[index])])) };
  });
}

export async function readDeskTraffic({ session, config }: DeskDeps, lastMs: number): Promise<TrafficBucket[]> {
  return await session.read(0, soon(), ({ redis }) => readTraffic(redis, config.namespace, { lastMs }));
}
