import { type BackoffConfig, backoffDelayMs } from '../shared/retry/backoff.ts';
import type { Result } from './judge.ts';

/** Stops all requests while the receiver is down, except for one probe at a time. */
export interface Gate {
  /** Whether a request may begin now. */
  mayBegin(nowMs: number): boolean;
  /** Notes a request that begins. @returns whether it is a probe */
  begin(): boolean;
  /** Notes how a request ended. */
  end(isProbe: boolean, result: Result, when: { nowMs: number; retryAfterMs: number | null }): void;
  /** When the next probe may begin; `null` if the gate is open, or while a probe is under way. */
  opensAtMs(): number | null;
  isOpen(): boolean;
}

/** Failures in a row, without an event that was accepted, that count as those of the receiver and not of events. */
const FAILURES_TO_CLOSE = 5;

export function createGate(backoff: BackoffConfig, random: () => number = Math.random): Gate {
  let failures = 0;
  /** How often the gate was closed without an answer in between that opens it. */
  let closings = 0;
  let opensAt: number | null = null;
  let isProbing = false;

  function open(): void {
    failures = 0;
    closings = 0;
    opensAt = null;
  }

  function close(nowMs: number, retryAfterMs: number | null): void {
    closings += 1;
    opensAt = nowMs + Math.max(retryAfterMs ?? 0, backoffDelayMs(closings, backoff, random()));
  }

  return {
    mayBegin: (nowMs) => opensAt === null || (!isProbing && nowMs >= opensAt),
    begin() {
      const isProbe = opensAt !== null;
      isProbing ||= isProbe;
      return isProbe;
    },
    end(isProbe, result, { nowMs, retryAfterMs }) {
      if (isProbe) isProbing = false;
      if (result === 'accepted' || result === 'refused') return open();
      failures += 1;
      const isOfReceiver = result !== 'failed' || retryAfterMs !== null || failures >= FAILURES_TO_CLOSE;
      // Requests that were under way when the gate closed say nothing new.
      if (isProbe || (opensAt === null && isOfReceiver)) close(nowMs, retryAfterMs);
      return undefined;
    },
    opensAtMs: () => (isProbing ? null : opensAt),
    isOpen: () => opensAt === null,
  };
}
