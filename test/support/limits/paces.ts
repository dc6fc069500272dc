import type { Observation } from '../../../src/shared/lanes/fleet/circuits.ts';

/*
 * The pace of a circuit after the API has asked to slow down, as it is meant to be; `lib/pace.lua` is the code.
 */

/** A pace that begins at a time. */
export interface Pace {
  beginsAt: number;
  perSecond: number;
  isGuess: boolean;
}

const STEPS = 200;

/** The messages per second that the pace allows at a time. */
export function paceAt({ beginsAt, perSecond, isGuess }: Pace, atMs: number): number {
  const seconds = Math.max(0, atMs - beginsAt) / 1000;
  return isGuess ? perSecond * 2 ** seconds : perSecond * (1 + 0.15 * ((seconds - 10) / 10) ** 3);
}

/** How many messages the pace allows between two times: Simpson's rule. */
export function allowedBetween(pace: Pace, fromMs: number, toMs: number): number {
  const from = Math.max(pace.beginsAt, fromMs);
  if (toMs <= from) return 0;
  const stepMs = (toMs - from) / STEPS;
  let sum = 0;
  for (let n = 0; n <= STEPS; n += 1) {
    const weight = n === 0 || n === STEPS ? 1 : 2 + 2 * (n % 2);
    sum += weight * paceAt(pace, from + n * stepMs);
  }
  return (sum * stepMs) / 3 / 1000;
}

/** What was refused is the pace at which requests have left, not the one that it has come to since. */
export function paceInSecondBefore(pace: Pace, atMs: number): number {
  const fromMs = Math.max(pace.beginsAt, atMs - 1000);
  return atMs - fromMs < 100 ? paceAt(pace, atMs) : (1000 * allowedBetween(pace, fromMs, atMs)) / (atMs - fromMs);
}

/** What is told of a circuit in tests. */
export const observation: Pick<Observation, 'pauseMs' | 'maxPauseMs' | 'facts'> = {
  facts: { scope: 'api', reason: 'api-down', what: 'HTTP 500', conversations: 5 },
  pauseMs: 1000,
  maxPauseMs: 15_000,
};
