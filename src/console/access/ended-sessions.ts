import { fleetRoot } from '../../shared/lanes/key-names.ts';
import type { Session } from '../../shared/session/session.ts';
import { soon } from '../facts/reading.ts';

/** The sessions of visitors that have logged out, for all consoles of an installation. */
export interface EndedSessions {
  /** @throws QueueUnavailableError if Redis can't say */
  isEnded(id: string): Promise<boolean>;
  /**
   * Ends a session; this process refuses it from now on in any case.
   *
   * @throws QueueUnavailableError, ChangeUncertainError if the other consoles may not know it.
   */
  end(id: string, endsAtMs: number): Promise<void>;
}

/**
 * Sessions live in their cookies; Redis keeps only those that ended early, until their cookies are no longer valid.
 *
 * @param session for Redis
 */
export function createEndedSessions(session: Session, namespace: string, now = Date.now): EndedSessions {
  const endedHere = new Map<string, number>();
  const keyOf = (id: string): string => `${fleetRoot(namespace)}ended:${id}`;

  function forgetOld(): void {
    for (const [id, endsAtMs] of endedHere) if (endsAtMs <= now()) endedHere.delete(id);
  }

  return {
    async isEnded(id) {
      if (endedHere.has(id)) return true;
      return (await session.read(0, soon(), ({ redis }) => redis.exists(keyOf(id)))) === 1;
    },
    async end(id, endsAtMs) {
      forgetOld();
      endedHere.set(id, endsAtMs);
      const leftMs = Math.max(1, Math.ceil(endsAtMs - now()));
      // Nothing is stored for an installation that no process has set up: there is nothing to see or change.
      await session.changeStored(0, soon(), null, ({ redis }) => redis.set(keyOf(id), '1', 'PX', leftMs));
    },
  };
}
