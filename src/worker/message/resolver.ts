import type { OpenAttempt } from '../../shared/lanes/messages/open-attempt.ts';
import { decodeHistory } from '../../shared/model/attempts.ts';
import type { EngineErrors } from '../fleet/engine-errors.ts';
import type { StopSignal } from '../http/stop-signal.ts';
import type { Attempt, TakenHere } from './attempt.ts';
import type { AskResolveUnknown, Resolution } from './resolve-unknown.ts';
import { uncertainIn } from './uncertain.ts';

/** A message that may have arrived. */
export interface Doubtful extends Pick<Attempt, 'taken' | 'message'> {
  signal: StopSignal;
}

/** Finds out with the hook `resolveUnknown` what became of messages. */
export interface Resolver {
  /**
   * Returns what became of the attempts in a history whose outcomes are unknown.
   *
   * @param lockedUntil when the lock ends under which the message is sent then; infinite if it is not sent
   */
  resolve(doubtful: Doubtful, history: string, lockedUntil: number): Promise<Resolution>;
  /** Returns what is known of an attempt that was found open. */
  openAttemptOf(taken: TakenHere): Promise<OpenAttempt & { openedAtMs: number }>;
}

export interface ResolverDeps {
  ask: AskResolveUnknown;
  readOpenAttempt(id: string): Promise<OpenAttempt>;
  errors: EngineErrors;
}

export function createResolver({ ask, readOpenAttempt, errors }: ResolverDeps): Resolver {
  return {
    async resolve({ taken: { id }, message: { stored, body }, signal }, history, lockedUntil) {
      const uncertain = uncertainIn(decodeHistory(history));
      if (body === null || uncertain === null) return 'unknown';
      return await ask({ id, label: stored?.label ?? null, body, uncertain, signal }, lockedUntil);
    },
    async openAttemptOf({ id, enqueuedAtMs }) {
      let open: OpenAttempt = { openedAtMs: null, isPastCrashed: true };
      try {
        open = await readOpenAttempt(id);
      } catch (error) {
        errors.note(error, 'the worker could not read when a worker that died had begun a request');
      }
      // Rather too early than too late: a hook looks for the message from then on.
      const openedAtMs = open.openedAtMs ?? (Math.max(0, enqueuedAtMs) || 0);
      return { ...open, openedAtMs: Math.min(openedAtMs, Date.now()) };
    },
  };
}
