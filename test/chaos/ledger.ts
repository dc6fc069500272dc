import { setTimeout as delay } from 'node:timers/promises';
import { readRepairs } from '../../src/shared/lanes/repair/reconcile.ts';
import type { DeadLetterEntry } from '../../src/dead-letters/index.ts';
import { type Arena, identityOf } from './arena.ts';
import type { Outcome } from './scenario.ts';

type Stored = Parameters<typeof identityOf>[0];

/** Messages count as stuck if none moves for this long: longer than a lock, a check and a reconcile pass together. */
const STILL_MS = 30_000;
const LOOK_MS = 200;

/** Waits until every message has ended, or none moves any more. @returns the number of open messages. */
export async function untilEnded({ sendQueue, api }: Arena): Promise<number> {
  let lastMove = performance.now();
  let before = '';
  for (;;) {
    const { waiting, active, delayed, 'waiting-children': hidden } = await sendQueue.getJobCounts();
    const open = (waiting ?? 0) + (active ?? 0) + (delayed ?? 0) + (hidden ?? 0);
    if (open === 0) return 0;
    const now = `${open} ${(await api.counts()).accepted}`;
    if (now !== before) lastMove = performance.now();
    before = now;
    if (performance.now() - lastMove > STILL_MS) return open;
    await delay(LOOK_MS);
  }
}

/** What the faults of a scenario excuse; fields that are not set are not excused, or were not measured. */
export interface Excuses {
  duplicates?: number;
  dead?: number;
  recoveryMs?: number | null;
  recoveryLimitMs?: number;
}

/** Compares the stored messages with those that the API accepted and with the dead letters. */
export async function settleAccounts(arena: Arena, excuses: Excuses = {}): Promise<Outcome> {
  const { duplicates = 0, dead: excusedDead = 0, recoveryMs = null, recoveryLimitMs = null } = excuses;
  const stuck = await untilEnded(arena);
  const letters = await arena.deadLetters.list({ limit: 1_000_000 });
  const dead = new Set(letters.map(identityOf));
  const accepted = new Set((await arena.api.accepted()).map(identityOf));
  const report = await arena.api.report();
  const repairs = await readRepairs(arena.shard);
  if (letters.length > excusedDead) for (const line of deathsOf(letters)) console.error(`  ${line}`);
  const missing = [...arena.stored.keys()].filter((identity) => !accepted.has(identity) && !dead.has(identity));
  const { stored: unwritten } = arena.unwritten;
  return {
    messages: arena.stored.size,
    kills: arena.fleet.kills,
    lost: Math.max(0, missing.length - stuck),
    excusedLost: missing.filter((identity) => unwritten.has(identity)).length,
    duplicated: report.duplicates.count,
    // A message whose delivery Redis forgot is sent again.
    excused: duplicates + arena.unwritten.delivered,
    unexpected: [...accepted].filter((identity) => !arena.stored.has(identity)).length,
    unwritten: arena.unwritten.kills,
    recovered: [...arena.uncertain].filter((identity) => accepted.has(identity)).length,
    inversions: report.outOfOrder.count,
    stuck,
    dead: letters.length,
    excusedDead,
    repairs: Object.values(repairs).reduce((total, count) => total + count, 0),
    recoveryMs,
    recoveryLimitMs,
  };
}

function deathsOf(letters: readonly DeadLetterEntry[]): string[] {
  const why = letters.map(({ reason, attempts }) => `${reason}: ${attempts.at(-1)?.detail ?? 'nothing was tried'}`);
  return [...Map.groupBy(why, (text) => text)].map(([text, { length }]) => `${length} × ${text}`);
}

/** The times at which the accepted messages arrived at the API, in order. */
export async function arrivalsOf({ api }: Arena): Promise<number[]> {
  return (await api.accepted()).map(({ arrivedAt }) => arrivedAt).toSorted((one, other) => one - other);
}

/** Messages that the API accepted without a received answer: their senders were gone, or had timed out. */
export async function unansweredBy({ api }: Arena): Promise<number> {
  return (await api.accepted()).filter(({ status }) => status === null).length;
}

/** The time until messages that were being sent at a strike were sent again or died. `null` if there were none. */
export async function recoveryOfStruck({ api, fleet, deadLetters }: Arena): Promise<number | null> {
  const endings = new Map<string, number[]>();
  const note = (identity: string, at: number): void =>
    void endings.set(identity, [...(endings.get(identity) ?? []), at]);
  // A message that is struck again had been sent again before.
  for (const { request, struckAt } of fleet.struck) note(identityOf(request as Stored), struckAt);
  for (const message of await api.accepted()) note(identityOf(message), message.at);
  const letters = await deadLetters.list({ limit: 1_000_000 });
  for (const letter of letters) note(identityOf(letter), Date.parse(letter.deadAt));
  const times = fleet.struck.flatMap(({ request, struckAt }) => {
    const identity = identityOf(request as Stored);
    const after = (endings.get(identity) ?? []).filter((at) => at > struckAt);
    return after.length === 0 ? [] : [Math.min(...after) - struckAt];
  });
  return times.length === 0 ? null : Math.round(Math.max(...times));
}
