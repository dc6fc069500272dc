import { createEngineErrors } from '../../src/worker/fleet/engine-errors.ts';
import type { AttemptRecord, OutcomeKind } from '../../src/shared/model/attempts.ts';
import { type Admission, createFleet, type Fleet } from '../../src/worker/fleet/fleet-view.ts';
import type { RequestFacts, Shown, Told } from '../../src/worker/fleet/told.ts';
import { readableLogger } from '../unit/worker/log-lines.ts';
import { type SimulatedTime, useSimulatedTime } from './limits/simulated-time.ts';

const NAMESPACE = 'fleet';
export const KEY = 'key:one';

const shown = (parts: Partial<Shown>): Shown => ({
  trouble: null,
  works: 'answered',
  what: 'HTTP 200',
  askedMs: null,
  ...parts,
});

/** What requests may show. */
export const works = shown({ works: 'accepted' });
export const nothing = shown({ works: null, what: 'the request was given up' });
export const fails = shown({ trouble: 'failing', works: null, what: 'HTTP 500' });
export const limited = shown({ trouble: 'limited', what: 'HTTP 429' });
export const unauthorized = shown({ trouble: 'unauthorized', what: 'HTTP 401' });
export const forbidden = shown({ trouble: 'forbidden', what: 'HTTP 403' });
export const rejected = shown({ trouble: 'refusing', what: 'HTTP 404' });
export const withoutKey = shown({ trouble: 'no-key', works: null, what: 'no API key', askedMs: 2000 });

/** A worker of the fleet. */
export interface Member extends Fleet {
  /** What it has logged. */
  lines: string[];
  /** Tells of a request that has just begun and ended; of conversation `c` on page `p1`, if not said otherwise. */
  told(what: Shown, facts?: Partial<RequestFacts>): Promise<Told>;
  /** Tells of requests of different conversations, one after the other. @returns what each concerns */
  toldOfAll(what: Shown, conversations: readonly string[], facts?: Partial<RequestFacts>): Promise<Told['scope'][]>;
  /** Whether a message of this page and key may be sent. */
  admitted(pageId: string, key?: string, more?: { wasTried?: boolean; hasFailed?: boolean }): Promise<Admission>;
}

export interface Members {
  time: SimulatedTime;
  namespace: string;
  join(config?: { refusalsToHold?: number }): Promise<Member>;
}

/** Workers of a fleet on a time that a test sets. Called at the top of a file or of a `describe`. */
export function useFleet(): Members {
  const time = useSimulatedTime({ withPerformance: true });
  let messages = 0;

  return {
    time,
    namespace: NAMESPACE,
    async join({ refusalsToHold = 20 } = {}) {
      const { logger, lines } = readableLogger();
      const config = { namespace: NAMESPACE, timeoutMs: 1000, refusalsToHold };
      const keySourceOf = (pageId: string): string => `the variable for ${pageId}`;
      const errors = createEngineErrors({ logger, noted: () => {} });
      const fleet = createFleet({ redis: time.redis, config, errors, logger, keySourceOf });
      await fleet.refresh();

      const told: Member['told'] = async (what, facts) =>
        await fleet.tell({
          id: `m${(messages += 1)}`,
          pageId: 'p1',
          conversationId: 'c',
          key: KEY,
          beganAt: performance.now(),
          shown: what,
          probes: [],
          history: () => [],
          isPrecious: false,
          ...facts,
        });
      return {
        ...fleet,
        lines,
        told,
        async toldOfAll(what, ids, facts) {
          const scopes: Told['scope'][] = [];
          for (const conversationId of ids) {
            scopes.push((await told(what, { ...facts, conversationId })).scope);
          }
          return scopes;
        },
        admitted: async (pageId, key = KEY, more = {}) =>
          await fleet.admit({ id: `m${(messages += 1)}`, pageId, key, wasTried: false, hasFailed: false, ...more }),
      };
    },
  };
}

export function conversations(count: number, prefix = 'c'): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}${n}`);
}

/** A history with one attempt that ended so long ago. */
export function triedBefore(outcome: OutcomeKind, msAgo: number, httpStatus: number | null = null): AttemptRecord {
  const at = new Date(Date.now() - msAgo).toISOString();
  return { at, outcome, detail: null, httpStatus, durationMs: 0, usedAttempt: outcome === 'unknown' };
}
