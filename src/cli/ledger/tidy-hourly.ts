import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { Logger } from '../../shared/logging/logger.ts';

const EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Removes the days of a ledger that ended more than `keepDays` days ago: now, and every hour. */
export function tidyHourly(ledger: Ledger, keepDays: number, logger: Logger): AsyncDisposable {
  let running = Promise.resolve();

  async function tidy(): Promise<void> {
    try {
      const days = await ledger.expire(Date.now() - keepDays * DAY_MS);
      if (days > 0) logger.info({ days, keepDays }, 'removed old days from the ledger');
    } catch (error) {
      logger.warn({ err: error }, "old days of the ledger can't be removed; the next attempt is in an hour");
    }
  }

  function start(): void {
    running = running.then(tidy);
  }

  start();
  const timer = setInterval(start, EVERY_MS).unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await running;
    },
  };
}
