import { setImmediate } from 'node:timers/promises';
import type { Receiver } from '../../../src/notify/index.ts';

/** A status, or the code of a failure. */
export type SimulatedAnswer = number | 'ECONNREFUSED' | 'TIMEOUT';

export interface SimulatedReceiver extends Receiver {
  /** The ids of the webhooks, in the order in which their requests began. */
  begun: string[];
  /** The ids of the webhooks that were accepted, in order. */
  accepted: string[];
  /** The most requests that were open at once. */
  mostOpen(): number;
}

/** Answers each request as it is told, after some turns of the event loop. */
export function simulateReceiver(answerOf: (webhookId: string, request: number) => SimulatedAnswer): SimulatedReceiver {
  const begun: string[] = [];
  const accepted: string[] = [];
  let [open, mostOpen, requests] = [0, 0, 0];
  return {
    begun,
    accepted,
    mostOpen: () => mostOpen,
    async post({ id }) {
      begun.push(id);
      requests += 1;
      const request = requests;
      open += 1;
      mostOpen = Math.max(mostOpen, open);
      for (let turn = 0; turn < request % 3; turn += 1) await setImmediate();
      open -= 1;
      const answer = answerOf(id, request);
      if (typeof answer === 'string') return { status: null, failure: answer, retryAfterMs: null, durationMs: 1 };
      if (answer < 300) accepted.push(id);
      return { status: answer, failure: null, retryAfterMs: null, durationMs: 1 };
    },
  };
}
