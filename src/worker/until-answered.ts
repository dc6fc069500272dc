import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { abortSignalOf, type StopSignal } from './stop-signal.ts';

const ASK_AGAIN_MS = 500;

/**
 * Repeats a settlement until Redis takes it or refuses for good. What the API did with a message must not be forgotten
 * because Redis has a bad moment: a failover, no memory.
 *
 * @throws when the signal ends the wait: the worker has to go, or has lost the message.
 */
export async function untilAnswered<T>(settle: () => Promise<T>, logger: Logger, signal: StopSignal): Promise<T> {
  let ended: AbortSignal | undefined;
  for (;;) {
    try {
      return await settle();
    } catch (error) {
      logger.error({ err: error }, 'Redis did not take the end of an attempt; asking again');
      ended ??= abortSignalOf(signal);
      await delay(ASK_AGAIN_MS, undefined, { signal: ended });
    }
  }
}
