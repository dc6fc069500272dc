import type { Deadline } from '../redis/deadline.ts';
import { type FoundLetters, findLetters, type LetterPosition, pageKey } from '../lanes/dead/dead-letters.ts';
import { keyPart, laneOf, shardOfPage } from '../lanes/key-names.ts';
import {
  findInLane,
  type FoundInLane,
  LOOKED_AT_ONCE,
  type MessageSet,
  type SetPosition,
} from '../lanes/messages/find-in-lane.ts';
import { readBounded, readNames } from '../lanes/read-bounded.ts';
import { jobKeys, type Shard } from '../lanes/shard.ts';
import { isoTime } from '../model/time.ts';
import type { ReadCommand } from '../redis/pipeline.ts';
import type { Session } from '../session/session.ts';
import { type HistoryPlace, msOf, newestFirst } from './history-order.ts';
import { laneKey } from './page-lanes.ts';
import type { ReadConfig } from './message.ts';

/** A conversation of a page. */
interface Conversation {
  pageId: string;
  conversationId: string;
}

export interface PlacesDeps {
  session: Pick<Session, 'read'>;
  config: ReadConfig;
  /** The deadline for one round trip to Redis. */
  newDeadline(): Deadline;
  /** For callers that would rather show a part than wait. */
  partial?: {
    /** The most messages of each kind (scheduled, open, dead, ended) that are looked at, whosever they are. */
    mostLookedAt: number;
    /** Called if there are more. */
    onCut(): void;
  };
}

/** The messages of a lane whose times are read at once. */
const LANE_CHUNK = 1000;
/** Two chunks overlap by this number, because replayed messages may join the front of the lane between two calls. */
const OVERLAP = 16;
const LETTERS_AT_ONCE = 100;

/**
 * Reads where the conversation's messages are, the newest first. A message goes from scheduled to its lane and from there to the dead or the
 * ended ones; the places are read in this order, so a message that moves meanwhile is found at least once.
 */
export async function readPlaces(deps: PlacesDeps, question: Conversation): Promise<HistoryPlace[]> {
  const places = new Map<string, number>();
  for (const source of [scheduledPlaces, lanePlaces, deadPlaces, endedPlaces]) {
    for await (const { id, storedMs } of source(deps, question)) places.set(id, storedMs);
  }
  return [...places].map(([id, storedMs]) => ({ id, storedMs })).toSorted(newestFirst);
}

/** Asks the shard of a page. */
export async function askPage<T>(
  { session, config, newDeadline }: PlacesDeps,
  pageId: string,
  query: (shard: Shard) => Promise<T>,
): Promise<T> {
  return await session.read(shardOfPage(pageId, config.shards), newDeadline(), query);
}

const scheduledPlaces = (deps: PlacesDeps, question: Conversation) => placesIn('scheduled', deps, question);
const endedPlaces = (deps: PlacesDeps, question: Conversation) => placesIn('ended', deps, question);

async function* placesIn(set: MessageSet, deps: PlacesDeps, question: Conversation): AsyncGenerator<HistoryPlace> {
  const lane = laneOf(question.pageId, question.conversationId);
  let position: SetPosition | null = null;
  let lookedAt = 0;
  do {
    if (isTooMuch(deps, lookedAt)) return;
    const after: SetPosition | null = position;
    const found: FoundInLane = await askPage(deps, question.pageId, (shard) => findInLane(shard, set, lane, after));
    for (const { id, storedAt } of found.messages) yield { id, storedMs: timeOf(storedAt) };
    position = found.next;
    lookedAt += LOOKED_AT_ONCE;
  } while (position !== null);
}

function isTooMuch({ partial }: PlacesDeps, lookedAt: number): boolean {
  if (partial === undefined || lookedAt < partial.mostLookedAt) return false;
  partial.onCut();
  return true;
}

/** Reads a lane from its end: messages leave it at the front, so what moves meanwhile is read twice, not missed. */
async function* lanePlaces(deps: PlacesDeps, question: Conversation): AsyncGenerator<HistoryPlace> {
  const lane = laneOf(question.pageId, question.conversationId);
  const length = await askPage(deps, question.pageId, (shard) => shard.redis.llen(laneKey(shard, lane)));
  for (let end = length; end > 0; end -= LANE_CHUNK) {
    if (isTooMuch(deps, length - end)) return;
    const [from, to] = [Math.max(0, end - LANE_CHUNK), end - 1 + OVERLAP];
    const places = await askPage(deps, question.pageId, async (shard) => {
      const ids = await readNames(shard, ['lrange', laneKey(shard, lane), from, to]);
      const times = await readBounded<string>(
        shard,
        ids.map((id): ReadCommand => ['hget', jobKeys(shard, id).job, 'timestamp']),
      );
      return ids.flatMap((id, n) => {
        const time = times[n] ?? null;
        return time === null ? [] : [{ id, storedMs: timeOf(time) }];
      });
    });
    yield* places;
  }
}

async function* deadPlaces(deps: PlacesDeps, question: Conversation): AsyncGenerator<HistoryPlace> {
  const { pageId, conversationId } = question;
  const filter = { pageId, conversationId };
  let position: LetterPosition | null = null;
  let calls = 0;
  do {
    // A call looks at a thousand letters of the page at most.
    if (isTooMuch(deps, calls * LOOKED_AT_ONCE)) return;
    const search = { order: 'newest', after: position, atMost: LETTERS_AT_ONCE } as const;
    const found: FoundLetters = await askPage(deps, question.pageId, (shard) =>
      findLetters(shard, pageKey(shard, keyPart(pageId)), filter, search),
    );
    for (const { id, payload } of found.letters) yield { id, storedMs: msOf(payload.enqueuedAt) };
    position = found.next;
    calls += 1;
  } while (position !== null);
}

/** As `MessageRecord` has it: what isn't a time is the beginning of 1970. */
function timeOf(text: string): number {
  return msOf(isoTime(Number(text)));
}
