import { setTimeout as delay } from 'node:timers/promises';
import type { UnknownOutcomePolicy } from '../shared/enqueue-options.ts';
import { type Claim, claim, type FleetWord, type Ticket } from '../shared/lanes/claim.ts';
import type { StoredPayload } from '../shared/payload.ts';
import type { Shard } from '../shared/queues.ts';
import { pausedFor } from './backoff.ts';
import type { Fleet } from './fleet.ts';
import type { Keyring } from './keyring.ts';

/** What the claim of a message came to. */
export interface Admission {
  answer: Exclude<Claim, { verdict: 'ask' }>;
  /** On the clock of `performance.now()`, before the claim: its lock lasts that long from here at least. */
  claimedAt: number;
  /** Whether the request finds out if a circuit can be closed. */
  isProbe: boolean;
}

/** What the fleet has to know of a message. */
export interface Applicant {
  payload: StoredPayload | null;
  onUnknownOutcome: UnknownOutcomePolicy;
}

export type Admit = (shard: Shard, ticket: Ticket, applicant: Applicant) => Promise<Admission>;

/**
 * BullMQ wakes a put-off message some ten milliseconds late, more under load. So it is woken this much earlier, and the rest
 * is waited for here: messages then leave as evenly as their slots lie.
 */
export const WAKE_EARLY_MS = 80;
/** A wait that isn't worth the way through Redis. */
const SHORT_WAIT_MS = 100;
const MAX_SHORT_WAITS = 3;

/** Claims a message, and asks the fleet for leave if that is needed. */
export function createAdmission(fleet: Fleet, keyring: Keyring): Admit {
  async function keyCircuitOf(payload: StoredPayload | null): Promise<string | null> {
    if (payload === null) return null;
    const key = await keyring.keyFor(payload.request.pageId);
    return 'circuit' in key ? key.circuit : null;
  }

  async function admitNow(shard: Shard, ticket: Ticket, { payload, onUnknownOutcome }: Applicant): Promise<Admission> {
    const keyCircuit = fleet.hasRefusedKeys() ? await keyCircuitOf(payload) : null;
    const word = fleet.wordFor(keyCircuit, onUnknownOutcome);
    const first = await claimAt(shard, ticket, word);
    if (first.answer.verdict !== 'ask') return { ...first, answer: first.answer, isProbe: false };
    const gate = await fleet.ask(keyCircuit);
    const second = await claimAt(shard, ticket, gate.verdict === 'probe' ? { verdict: 'go' } : gate);
    if (second.answer.verdict === 'ask') throw new Error('a claim asks for what it was told');
    const isProbe = gate.verdict === 'probe';
    if (isProbe && second.answer.verdict !== 'go') await fleet.giveUpProbe(keyCircuit);
    return { ...second, answer: second.answer, isProbe };
  }

  return async (shard, ticket, applicant) => {
    for (let waits = 0; ; waits += 1) {
      const admission = await admitNow(shard, ticket, applicant);
      const { answer } = admission;
      const isShort = answer.verdict === 'wait' && answer.delayMs <= SHORT_WAIT_MS;
      if (!isShort || waits >= MAX_SHORT_WAITS) return admission;
      await delay(answer.delayMs);
    }
  };
}

async function claimAt(shard: Shard, ticket: Ticket, word: FleetWord): Promise<{ answer: Claim; claimedAt: number }> {
  // Before the claim, not after: a process that was frozen meanwhile reads an answer of long ago.
  const claimedAt = performance.now();
  return { answer: await claim(shard, ticket, word.verdict === 'hold' ? holdFor(word.delayMs) : word), claimedAt };
}

function holdFor(delayMs: number): FleetWord {
  return { verdict: 'hold', delayMs: pausedFor(delayMs, Math.random()) };
}
