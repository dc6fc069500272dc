import { decodeTime } from 'ulid';
import { shardOfId } from '../lanes/key-names.ts';
import type { SettledEvent } from '../model/event.ts';
import { type HistoryPlace, msOf, newestFirst } from './history-order.ts';
import { type MessageRecord, openedRequest, type ReadConfig } from './message.ts';

/** All that a ledger has of one message, the newest event first. */
export interface LedgerEntry extends HistoryPlace {
  events: SettledEvent[];
}

/** Reads events of one conversation, the newest first. */
export type ReadEvents = (question: { beforeMs?: number; limit: number }) => Promise<SettledEvent[]>;

/** The events of one query, as long as not all of them have the same time. */
const AT_ONCE = 200;

/**
 * Turns a ledger's events, which come by the time at which they happened, into messages by the time at which they were stored. No message
 * ends before it is stored, so a message is complete once all events since its storing were read. What waits in memory are messages that
 * were stored before the oldest event read so far.
 *
 * @param atOnce the events of one query
 */
export async function* ledgerHistory(read: ReadEvents, atOnce = AT_ONCE): AsyncGenerator<LedgerEntry> {
  const waiting = new Map<string, SettledEvent[]>();
  const seen = new Set<string>();
  const told = new Set<string>();

  function* takeStoredAfter(ms: number): Generator<LedgerEntry> {
    const complete = [...waiting]
      .map(([id, events]): LedgerEntry => ({ id, storedMs: storedMsOf(id, events), events }))
      .filter(({ storedMs }) => storedMs > ms)
      .toSorted(newestFirst);
    for (const entry of complete) {
      waiting.delete(entry.id);
      told.add(entry.id);
      yield entry;
    }
  }

  let limit = atOnce;
  let oldestMs = Infinity;
  for (;;) {
    // The events of the oldest millisecond are read again: the last query may have ended between them.
    const events = await read({ limit, ...(oldestMs === Infinity ? {} : { beforeMs: oldestMs + 1 }) });
    const unseen = events.filter(({ id }) => !seen.has(id));
    for (const event of unseen) {
      seen.add(event.id);
      // A message is told once, whatever others have written into the ledger.
      if (told.has(event.messageId)) continue;
      waiting.set(event.messageId, [...(waiting.get(event.messageId) ?? []), event]);
    }
    if (events.length < limit) break;
    if (unseen.length === 0) limit *= 2;
    else oldestMs = Math.min(oldestMs, ...unseen.map(({ at }) => msOf(at)));
    yield* takeStoredAfter(oldestMs);
  }
  yield* takeStoredAfter(-Infinity);
}

function storedMsOf(id: string, events: readonly SettledEvent[]): number {
  const known = events.find(({ enqueuedAt }) => enqueuedAt !== null)?.enqueuedAt ?? null;
  if (known !== null) return msOf(known);
  // A message's id says when it was made by the producer's clock.
  if (shardOfId(id) !== null) return decodeTime(id.slice(id.indexOf('-') + 1));
  return Math.min(...events.map(({ at }) => msOf(at)));
}

/** Returns the one record of all events of a message. */
export function recordOfEntry({ id, storedMs, events }: LedgerEntry, config: ReadConfig): MessageRecord | null {
  const resolved = events.find(({ type }) => type === 'resolved');
  const replayed = events.find(({ type }) => type === 'replayed');
  // By itself a message ends once; what an operator found out comes after that.
  const end = events.find(({ type }) => type !== 'resolved' && type !== 'replayed');
  const told = end ?? resolved ?? replayed;
  if (told === undefined) return null;
  const stored = events.find(({ request }) => request !== undefined)?.request;
  const request = stored === undefined ? null : openedRequest(config.sealing, id, stored);
  const known = {
    id,
    pageId: told.pageId,
    conversationId: told.conversationId,
    enqueuedAt: new Date(storedMs).toISOString(),
    attemptsUsed: told.attemptsUsed,
    attemptsAllowed: config.attempts,
    attempts: told.attempts,
    nextAttemptAt: null,
    label: told.label,
    replayOf: null,
    request,
  };
  const unproved = { proof: null, provedBy: null, answer: null };
  const found = resolved && { proof: resolved.proof ?? 'operator', provedBy: resolved.by ?? null, answer: null };
  if (resolved?.outcome === 'delivered') {
    return { ...known, status: 'delivered', endedAt: resolved.at, ...(found ?? unproved) };
  }
  if (told.type === 'delivered') {
    const { proof = 'api', by = null, answer = null } = told;
    return { ...known, status: 'delivered', endedAt: told.at, proof, provedBy: by, answer };
  }
  if (told.type === 'cancelled' || told.type === 'superseded') {
    return { ...known, status: told.type, endedAt: told.at, ...unproved };
  }
  return {
    ...known,
    status: 'dead',
    endedAt: told.at,
    deadAt: told.at,
    reason: told.reason ?? 'undecodable',
    response: null,
    expiresAt: null,
    replayedAs: replayed?.replayedAs ?? null,
    ...(found ?? unproved),
  };
}
