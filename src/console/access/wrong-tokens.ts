import type { Logger } from '../../shared/logging/logger.ts';

const EVERY_MS = 10_000;

/** Logs wrong tokens: one line in ten seconds, with the number since the line before, since anybody can send them. */
export function createWrongTokenLog(log: Logger, now: () => number = Date.now): (action: string) => void {
  let count = 0;
  let loggedAt = -Infinity;
  return (action) => {
    count += 1;
    if (now() - loggedAt < EVERY_MS) return;
    log.warn({ who: 'nobody', action, result: 'wrong token', count }, 'console: refused');
    loggedAt = now();
    count = 0;
  };
}
