import { keyPart, laneOf } from '../lanes/key-names.ts';
import type { OpenCircuit } from '../lanes/fleet/circuits.ts';
import type { HoldInRedis } from '../lanes/holds/hold.ts';

/** Why messages are not sent, and until when. */
export interface Hold {
  scope: 'api' | 'key' | 'page' | 'conversation' | 'all';
  page?: string;
  conversation?: string;
  reason: 'rate-limited' | 'unauthorized' | 'api-down' | 'operator' | 'dead-letter';
  /** The id of the dead letter that the conversation waits for. */
  letter?: string;
  /** When the hold ends, or when the next probe may be sent. Missing if an operator must end it, or if a probe is due. */
  until?: string;
}

const SCOPES: readonly Hold['scope'][] = ['all', 'api', 'key', 'page', 'conversation'];

/**
 * Returns the holds for `status`: each hold once, although a hold of everything is stored in every shard, and without those that have
 * run out.
 *
 * @param nowMs the time on Redis's clock
 */
export function describeHolds(holds: readonly HoldInRedis[], circuits: readonly OpenCircuit[], nowMs: number): Hold[] {
  const all = [
    ...circuits.map((circuit) => holdOfCircuit(circuit, nowMs)),
    ...holds.flatMap((one) => holdOf(one, nowMs)),
  ];
  const unique = new Map(all.map((hold) => [JSON.stringify(hold), hold]));
  return [...unique.values()].toSorted(
    (one, other) =>
      SCOPES.indexOf(one.scope) - SCOPES.indexOf(other.scope) ||
      JSON.stringify(one).localeCompare(JSON.stringify(other)),
  );
}

function holdOfCircuit({ name, probeAt, reason }: OpenCircuit, nowMs: number): Hold {
  return { scope: name === 'api' ? 'api' : 'key', reason, ...untilOf(probeAt, nowMs) };
}

function holdOf({ until, hold }: HoldInRedis, nowMs: number): Hold[] {
  if (until !== null) {
    return until > nowMs ? [{ scope: 'page', page: hold.pageId, reason: hold.reason, ...untilOf(until, nowMs) }] : [];
  }
  const { page, conversation, reason, letter } = hold;
  if (page === undefined) return [{ scope: 'all', reason }];
  return conversation === undefined
    ? [{ scope: 'page', page, reason }]
    : [{ scope: 'conversation', page, conversation, reason, ...(letter === undefined ? {} : { letter }) }];
}

/** Leaves the time out if it has passed: a probe is under way, or there is no message to send as one. */
function untilOf(atMs: number, nowMs: number): { until?: string } {
  return atMs > nowMs ? { until: new Date(atMs).toISOString() } : {};
}

/**
 * Returns until when a lane is held.
 *
 * @returns `null` if an operator must end the hold; `undefined` if the lane is not held.
 */
export function heldUntil(holds: readonly HoldInRedis[], lane: string, nowMs: number): number | null | undefined {
  const ends = holds.flatMap((one) => (isOfLane(one, lane) ? [one.until] : []));
  if (ends.includes(null)) return null;
  const latest = Math.max(...ends.map(Number));
  return latest > nowMs ? latest : undefined;
}

function isOfLane({ until, hold }: HoldInRedis, lane: string): boolean {
  if (until !== null) return isOfPage(lane, hold.pageId);
  if (hold.page === undefined) return true;
  return hold.conversation === undefined ? isOfPage(lane, hold.page) : lane === laneOf(hold.page, hold.conversation);
}

function isOfPage(lane: string, page: string): boolean {
  return lane.startsWith(`${keyPart(page)}/`);
}
