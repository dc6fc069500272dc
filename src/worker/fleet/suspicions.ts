import { nameOf } from '../evidence/scope.ts';

/**
 * Failures that seem to concern more than their message, and wait for a success that shows the opposite. Requests that left together
 * end together, and failures are often noticed first.
 */
export interface Suspicions {
  /** Waits for a success under the given name. @returns whether one came in time */
  isCleared(name: string, isPrecious: boolean): Promise<boolean>;
  noteSuccess(pageId: string, key: string): void;
  /** Whether nothing may be taken meanwhile, so that an API that breaks doesn't turn a row of messages into dead letters. */
  areStopping(): boolean;
}

export const STOPPING_MS = 100;
/** Messages that can be sent again go on being sent while a success is waited for. */
const PATIENT_MS = 300;

export function createSuspicions(): Suspicions {
  const open = new Set<{ name: string; clear(): void }>();
  let stopping = 0;

  return {
    async isCleared(name, isPrecious) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const suspicion = { name, clear: (): void => resolve(true) };
      open.add(suspicion);
      if (isPrecious) stopping += 1;
      const timer = setTimeout(resolve, isPrecious ? STOPPING_MS : PATIENT_MS, false);
      const cleared = await promise;
      clearTimeout(timer);
      if (isPrecious) stopping -= 1;
      open.delete(suspicion);
      return cleared;
    },
    noteSuccess(pageId, key) {
      if (open.size === 0) return;
      const names = new Set(['api', key, nameOf('page', { page: pageId, key })]);
      for (const { name, clear } of open) if (names.has(name)) clear();
    },
    areStopping: () => stopping > 0,
  };
}
