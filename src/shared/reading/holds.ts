import { isoTime } from '../model/time.ts';
import type { RestoreNotice } from '../lanes/lib/timeline.ts';
import { combineRestores, describeRestore } from './restores.ts';
import { keyPart, laneOf } from '../lanes/key-names.ts';
import { type Circuits, type OpenCircuit, readCircuits } from '../lanes/fleet/circuits.ts';
import { readHolds, type StandingHold } from '../lanes/holds/hold.ts';
import type { Shard } from '../lanes/shard.ts';

/** Why messages are not sent, since when and until when. */
export interface Hold {
  scope: 'api' | 'key' | 'page' | 'conversation' | 'all';
  page?: string;
  conversation?: string;
  /** The fingerprint of the key: the first characters of its SHA-256 in base64url. */
  key?: string;
  reason:
    | 'rate-limited'
    | 'unauthorized'
    | 'api-down'
    | 'refusing'
    | 'no-encryption-key'
    | 'operator'
    | 'dead-letter'
    | 'restored';
  /** The id of the dead letter that the conversation waits for. */
  letter?: string;
  /** What has shown that the hold is needed, such as `HTTP 403 from 5 conversations of page p7`. */
  evidence?: string;
  since?: string;
  /** When the hold ends, or when the next probe may be sent. Missing if an operator must end it, or if a probe is due. */
  until?: string;
  /** Whether messages leave, at a pace that the API has accepted before. */
  isPaced?: true;
  /** For a key: the variable, file or hook that it comes from. */
  keySource?: string;
  /** For a key: some of the pages that wait for it. */
  pages?: string[];
  /** For a key: the number of pages that wait for it. */
  pageCount?: number;
}

/** Whether a page is held because it has no API key that can be used; otherwise a status of the API has shown that it must be held. */
export function lacksKey({ scope, reason, evidence = '' }: Hold): boolean {
  return scope === 'page' && reason === 'unauthorized' && !evidence.startsWith('HTTP ');
}

/** The holds of one shard, and those of the whole fleet, as Redis has them now. */
export interface CurrentHolds extends Circuits {
  standing: StandingHold[];
}

export async function readCurrentHolds(shard: Shard): Promise<CurrentHolds> {
  const [standing, circuits] = await Promise.all([readHolds(shard), readCircuits(shard.redis, shard.namespace)]);
  return { ...circuits, standing };
}

const SCOPES: readonly Hold['scope'][] = ['all', 'api', 'key', 'page', 'conversation'];

/** Returns the holds for `status`: each hold once, although a hold of everything is stored in every shard. */
export function describeHolds(standing: readonly StandingHold[], { open, nowMs }: Circuits): Hold[] {
  const restores = standing.flatMap(({ restore }) => restore ?? []);
  const all = [
    ...open.map((circuit) => holdOfCircuit(circuit, nowMs)),
    ...standing.flatMap((hold) => (hold.restore ? [] : [holdOf(hold)])),
    ...(restores.length === 0 ? [] : [holdOfRestore(restores)]),
  ];
  const unique = new Map(all.map((hold) => [JSON.stringify(hold), hold]));
  return [...unique.values()].toSorted(
    (one, other) =>
      SCOPES.indexOf(one.scope) - SCOPES.indexOf(other.scope) ||
      JSON.stringify(one).localeCompare(JSON.stringify(other)),
  );
}

/** Returns the holds of everything, of pages and of conversations, without those of the API and of keys. */
export function pageHolds({ standing, open, nowMs }: CurrentHolds): Hold[] {
  return describeHolds(standing, { open: open.filter(({ scope }) => scope === 'page'), nowMs });
}

function holdOfCircuit(circuit: OpenCircuit, nowMs: number): Hold {
  const { scope, field, page, reason, since, probeAt, triedAt = 0, isPaced, keySource, pages } = circuit;
  const leavesAt = Math.max(probeAt, triedAt);
  return {
    scope,
    ...(page === undefined ? {} : { page }),
    ...(scope === 'key' ? { key: field.slice(field.indexOf('key:') + 'key:'.length) } : {}),
    reason,
    evidence: evidenceOf(circuit),
    since: isoTime(since),
    // A time that has passed is left out: a probe is under way, or there is no message to send as one.
    ...(leavesAt > nowMs ? { until: isoTime(leavesAt) } : {}),
    ...(isPaced ? { isPaced } : {}),
    ...(keySource === undefined ? {} : { keySource }),
    ...(pages === undefined ? {} : { pages: pages.named, pageCount: pages.count }),
  };
}

function evidenceOf({ what, conversations, scope, page }: OpenCircuit): string {
  if (conversations === 0) return what;
  const where = scope === 'page' ? ` of page ${page}` : '';
  return `${what} from ${conversations} ${conversations === 1 ? 'conversation' : 'conversations'}${where}`;
}

/** The hold of the fleet after a restore: each shard has noticed the restore by itself. */
function holdOfRestore(restores: readonly RestoreNotice[]): Hold {
  const whole = combineRestores(restores);
  return { scope: 'all', reason: 'restored', evidence: describeRestore(whole), since: isoTime(whole.since) };
}

function holdOf({ page, conversation, reason, letter }: StandingHold): Hold {
  if (page === undefined) return { scope: 'all', reason };
  return conversation === undefined
    ? { scope: 'page', page, reason }
    : { scope: 'conversation', page, conversation, reason, ...(letter === undefined ? {} : { letter }) };
}

/**
 * Returns until when a lane is held by a hold of its page or conversation, or of everything.
 *
 * @returns `null` if an operator must end the hold; `undefined` if the lane is not held.
 */
export function heldUntil({ standing, open, nowMs }: CurrentHolds, lane: string): number | null | undefined {
  if (standing.some((hold) => isOfLane(hold, lane))) return null;
  const ends = open.flatMap(({ page, probeAt, isPaced }) =>
    page !== undefined && isOfPage(lane, page) && !(isPaced && probeAt <= nowMs) ? [Math.max(nowMs, probeAt)] : [],
  );
  return ends.length === 0 ? undefined : Math.max(...ends);
}

function isOfLane({ page, conversation }: StandingHold, lane: string): boolean {
  if (page === undefined) return true;
  return conversation === undefined ? isOfPage(lane, page) : lane === laneOf(page, conversation);
}

function isOfPage(lane: string, page: string): boolean {
  return lane.startsWith(`${keyPart(page)}/`);
}
