import { expect } from 'vitest';
import { mostWithin } from '../chaos/pace.ts';
import type { Installation } from './worker.ts';

/** The time that a busy machine may add to any wait. */
export const BUSY_MS = 30_000;
/** Long enough that late messages, which leave at 1/0.95 of the pace, may on a busy machine also arrive 200 ms late. */
const SPAN_MS = 4000;

type WithApi = Pick<Installation, 'api'>;

/** Waits until the API has accepted a number of messages, for the time that they may take plus that of a busy machine. */
export async function expectAccepted({ api }: WithApi, count: number, withinMs: number): Promise<void> {
  await api.waitForAccepted(count, { timeoutMs: withinMs + BUSY_MS });
}

/** At a step of Redis's clock, the slots that were reserved ahead may be used early. */
const RESERVED_SECONDS = 0.5;

/** Expects that in no four seconds more messages arrived than a tenth over the limit, and what steps of Redis's clock let leave early. */
export function expectPaceKept({ api }: WithApi, perSecond: number, { steps = 0 } = {}): void {
  const arrivals = api.accepted.map(({ at }) => at);
  const early = steps * perSecond * RESERVED_SECONDS;
  expect(mostWithin(arrivals, SPAN_MS)).toBeLessThanOrEqual((1.1 * perSecond * SPAN_MS) / 1000 + early + 1);
}

export function expectSentOnceInOrder({ api }: WithApi): void {
  expect(api.report()).toMatchObject({ duplicates: { count: 0 }, outOfOrder: { count: 0 } });
}
