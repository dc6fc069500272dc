import fc from 'fast-check';
import { encodeTime } from 'ulid';
import { describe, expect, it } from 'vitest';
import { messageId } from '../../../src/shared/lanes/key-names.ts';
import type { SettledEvent, SettledType } from '../../../src/shared/model/event.ts';
import { type HistoryPlace, isBefore, mergeHistory, newestFirst } from '../../../src/shared/reading/history-order.ts';
import { ledgerHistory, type ReadEvents } from '../../../src/shared/reading/ledger-history.ts';
import { settledEvent } from '../../support/settled-events.ts';

const START_MS = Date.parse('2026-11-22T10:00:00.000Z');

/** Few times, so that many are equal. */
const ms = fc.integer({ min: 0, max: 12 });
const ends = fc.constantFrom<SettledType>('delivered', 'dead', 'cancelled', 'superseded');
const message = fc.record({
  storedMs: ms,
  /** What the ledger has: the end and, for some, what came after it. */
  end: fc.option(fc.record({ type: ends, afterMs: ms, toldAgainAfterMs: fc.option(ms), hasStored: fc.boolean() })),
  isInRedis: fc.boolean(),
});
type Message = (typeof message extends fc.Arbitrary<infer Value> ? Value : never) & HistoryPlace;

const installation = fc.array(message, { maxLength: 40 }).map((all) =>
  all.map((one, n): Message => {
    const storedMs = START_MS + one.storedMs;
    // The ids of several producers: not in the order of storing within a millisecond.
    const random = ((n * 7919) % 1000).toString().padStart(16, '0');
    return { ...one, storedMs, id: messageId(0, encodeTime(storedMs, 10) + random) };
  }),
);

function eventsOf({ id, storedMs, end }: Message): SettledEvent[] {
  if (end === null) return [];
  const at = storedMs + end.afterMs;
  const enqueuedAt = end.hasStored ? new Date(storedMs).toISOString() : null;
  const event = (type: SettledType, atMs: number) =>
    settledEvent({ type, messageId: id, at: new Date(atMs).toISOString(), enqueuedAt });
  const more = end.toldAgainAfterMs === null ? [] : [event('resolved', at + end.toldAgainAfterMs)];
  return [event(end.type, at), ...more];
}

/** A ledger with these events. */
function ledgerOf(messages: readonly Message[]): ReadEvents {
  const events = messages.flatMap(eventsOf).toSorted((one, other) => Date.parse(other.at) - Date.parse(one.at));
  return async ({ beforeMs = Infinity, limit }) => events.filter(({ at }) => Date.parse(at) < beforeMs).slice(0, limit);
}

async function historyOf(
  messages: readonly Message[],
  atOnce: number,
  isWanted: (place: HistoryPlace) => boolean = () => true,
): Promise<{ id: string; storedMs: number; events: number | null }[]> {
  const known = messages.filter((one) => one.isInRedis || one.end === null).toSorted(newestFirst);
  const found = [];
  for await (const { place, isKnown, entry } of mergeHistory(
    known.filter(isWanted),
    wanted(ledgerHistory(ledgerOf(messages), atOnce), isWanted),
  )) {
    expect(isKnown).toBe(known.some(({ id }) => id === place.id));
    found.push({ id: place.id, storedMs: place.storedMs, events: entry?.events.length ?? null });
  }
  return found;
}

async function* wanted<Place extends HistoryPlace>(
  places: AsyncIterable<Place>,
  isWanted: (place: HistoryPlace) => boolean,
): AsyncGenerator<Place> {
  for await (const place of places) if (isWanted(place)) yield place;
}

const atOnce = fc.integer({ min: 1, max: 7 });

describe('the history of a conversation', () => {
  it('has every message once, in the order of storing, however it is spread over Redis and the ledger', async () => {
    await fc.assert(
      fc.asyncProperty(installation, atOnce, async (messages, size) => {
        const expected = messages
          .toSorted(newestFirst)
          .map((one) => ({ id: one.id, storedMs: one.storedMs, events: eventsOf(one).length || null }));
        expect(await historyOf(messages, size)).toEqual(expected);
      }),
    );
  });

  it('is the same page by page', async () => {
    await fc.assert(
      fc.asyncProperty(installation, atOnce, fc.integer({ min: 1, max: 9 }), async (messages, size, limit) => {
        const whole = await historyOf(messages, size);
        const paged: typeof whole = [];
        for (;;) {
          const last = paged.at(-1);
          const before = last && { id: last.id, enqueuedAt: new Date(last.storedMs).toISOString() };
          const rest = await historyOf(messages, size, (place) => before === undefined || isBefore(place, before));
          paged.push(...rest.slice(0, limit));
          if (rest.length <= limit) break;
        }
        expect(paged).toEqual(whole);
      }),
    );
  });

  it('before a time has the messages that were stored before it', async () => {
    await fc.assert(
      fc.asyncProperty(installation, atOnce, ms, async (messages, size, cut) => {
        const before = new Date(START_MS + cut);
        const found = await historyOf(messages, size, (place) => isBefore(place, before));
        const whole = await historyOf(messages, size);
        expect(found).toEqual(whole.filter(({ storedMs }) => storedMs < before.getTime()));
      }),
    );
  });
});
