import { setTimeout as delay } from 'node:timers/promises';
import { describeSafely } from '../../shared/errors/safe-cause.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { EventRecord, ReceivedEvent } from '../../shared/model/event.ts';
import { batchesOf } from './batches.ts';

export interface KeepEventsOptions {
  events: AsyncIterable<ReceivedEvent>;
  ledger: Ledger;
  logger: Logger;
  /** Ends it, after the events that have come were kept, if the ledger takes them. */
  signal: AbortSignal;
  /** The wait after a failed write; it doubles with each one, up to 64 times as long. */
  retryMs?: number;
}

/** Events are written together: at most so many, and those of so long. */
const BATCH = { size: 500, waitMs: 200 } as const;
const RETRY_MS = 500;
const LONGEST_RETRY = 64;

/**
 * Keeps events in a ledger, and acknowledges each after it is safe there. While the ledger can't be used, the events wait in Redis.
 */
export async function keepEvents({
  events,
  ledger,
  logger,
  signal,
  retryMs = RETRY_MS,
}: KeepEventsOptions): Promise<void> {
  for await (const batch of batchesOf(events, { ...BATCH, signal })) {
    for (const event of batch) if (event.type === 'gap') warnOfGap(event);
    if (!(await writeUntilKept(batch.map((event) => recordOf(event))))) return;
    await Promise.all(batch.map(async (event) => await event.ack()));
    logger.debug({ events: batch.length }, 'kept events');
  }

  /** @returns whether the events are kept; they are not if the process is to end while the ledger can't be used */
  async function writeUntilKept(batch: readonly EventRecord[]): Promise<boolean> {
    let told: string | undefined;
    for (let pauseMs = retryMs; ; pauseMs = Math.min(2 * pauseMs, LONGEST_RETRY * retryMs)) {
      try {
        await ledger.write(batch);
        if (told !== undefined) logger.info('the ledger can be written again');
        return true;
      } catch (error) {
        told = tell(error, told);
      }
      if (signal.aborted) break;
      await delay(pauseMs, undefined, { signal }).catch(() => {});
    }
    logger.warn(
      { events: batch.length },
      'events could not be kept before the end; the next start of "ledger" keeps them',
    );
    return false;
  }

  /** Tells once what is wrong, and again if something else is. */
  function tell(error: unknown, told: string | undefined): string {
    const what = error instanceof Error ? error.message : describeSafely(error).name;
    if (what !== told) logger.warn({ err: error }, "the ledger can't be written; events wait in Redis until it can");
    return what;
  }

  function warnOfGap({ shard, lost, group }: EventRecord & { type: 'gap' }): void {
    logger.warn(
      { shard, lost, group },
      'events were removed from Redis before they were kept: this group was too far behind',
    );
  }
}

function recordOf(event: ReceivedEvent): EventRecord {
  const { ack: _, ...record } = event;
  return record;
}
