import fc from 'fast-check';
import { encodeTime } from 'ulid';
import { describe, expect, it } from 'vitest';
import { changedTerm, latestExpiryMs, type TermFields, type Terms } from '../../../src/shared/sealing/terms.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 22);

const idAt = (timeMs: number): string => `0-${encodeTime(timeMs, 10)}${'0'.repeat(16)}`;

const anyTerms: fc.Arbitrary<Terms> = fc.record({
  ttlMs: fc.integer({ min: 1, max: 10 * DAY_MS }),
  due: fc.option(
    fc.oneof(
      fc.integer({ min: 0, max: DAY_MS }).map((ms) => `+${ms}`),
      fc.integer({ min: -DAY_MS, max: DAY_MS }).map((ms) => String(NOW + ms)),
    ),
    { nil: undefined },
  ),
  isHigh: fc.option(fc.constant(true as const), { nil: undefined }),
  label: fc.option(fc.constantFrom('spring', 'x'), { nil: undefined }),
  policy: fc.option(fc.constantFrom('resend' as const, 'dead-letter' as const), { nil: undefined }),
  replays: fc.option(fc.constant('0-01ARZ3NDEKTSV4RRFFQ69G5FAV'), { nil: undefined }),
});

/** What enqueue.lua writes. */
function stored({ ttlMs, due, ...terms }: Terms, storedAtMs: number): TermFields {
  const dueMs = due === undefined ? storedAtMs : Number(due) + (due.startsWith('+') ? storedAtMs : 0);
  const expiresAt = String(Math.max(storedAtMs, dueMs) + ttlMs);
  return {
    enqueuedAtMs: storedAtMs,
    label: terms.label ?? null,
    policy: terms.policy ?? null,
    replays: terms.replays ?? null,
    times: { expiresAt, due: dueMs > storedAtMs ? String(dueMs) : null, high: terms.isHigh ? '1' : null },
  };
}

describe('the terms of an encrypted message', () => {
  it('are those that were stored, however much the clock of its producer is ahead of that of Redis, or a day behind', () => {
    fc.assert(
      fc.property(anyTerms, fc.integer({ min: -DAY_MS, max: 400 * DAY_MS }), (terms, aheadMs) => {
        const id = idAt(NOW + aheadMs);
        const fields = stored(terms, NOW);
        expect(changedTerm(id, terms, fields)).toBeNull();
        expect(latestExpiryMs(id, terms)).toBeGreaterThanOrEqual(Number(fields.times.expiresAt));
      }),
    );
  });

  it('end a day after the expiry at the latest, whatever times somebody writes', () => {
    fc.assert(
      fc.property(anyTerms, fc.integer({ min: 1, max: 10 * DAY_MS }), (terms, laterMs) => {
        const id = idAt(NOW);
        expect(changedTerm(id, terms, stored(terms, NOW + DAY_MS + laterMs))).toMatch(/stored/);
        const latest = Number(stored(terms, NOW + DAY_MS).times.expiresAt);
        expect(latestExpiryMs(id, terms)).toBe(latest);
      }),
    );
  });
});
