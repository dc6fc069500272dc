import { deadlineIn, within } from '../../shared/redis/deadline.ts';
import type { DeadReason } from '../../shared/model/dead-letter.ts';
import type { DeadLetters } from '../../dead-letters/index.ts';
import { readRepairs } from '../../shared/lanes/repair/reconcile.ts';
import { isInternalError } from '../../shared/errors/failed-calls.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Session } from '../../shared/session/session.ts';
import { readStatus, type Status } from '../../shared/reading/status.ts';

/** The state of the whole installation in Redis. */
export interface ScrapedFacts {
  status: Status;
  deadByReason: Record<DeadReason, number>;
  /** The number of repairs since the installation was created, by kind. */
  repairs: Record<string, number>;
}

export interface FactsDeps {
  session: Session;
  deadLetters: Pick<DeadLetters, 'counts'>;
  namespace: string;
  shards: number;
  log: Pick<Logger, 'error'>;
}

/** A scrape must be answered within two seconds. */
const ANSWER_MS = 1500;
/** Redis is asked at most once in this time, however many processes scrape. */
const FRESH_MS = 1000;

/** @returns a reader that returns `null` if Redis does not answer in time. */
export function createFactsReader(deps: FactsDeps, now = () => performance.now()): () => Promise<ScrapedFacts | null> {
  let latest: Promise<ScrapedFacts | null> | null = null;
  let readAt = 0;
  return async () => {
    if (latest === null || now() - readAt >= FRESH_MS) {
      readAt = now();
      latest = within(deadlineIn(ANSWER_MS), readFacts(deps)).catch((error: unknown) => {
        if (isInternalError(error)) deps.log.error({ err: error }, 'could not read the metrics of the installation');
        return null;
      });
    }
    return await latest;
  };
}

async function readFacts({ session, deadLetters, namespace, shards }: FactsDeps): Promise<ScrapedFacts> {
  const deadline = deadlineIn(ANSWER_MS);
  const [status, { byReason }, repairs] = await Promise.all([
    readStatus(session, { namespace, shards }, deadline),
    deadLetters.counts(),
    session.readEach(deadline, readRepairs),
  ]);
  return { status, deadByReason: byReason, repairs: sumOf(repairs) };
}

function sumOf(counts: readonly Record<string, number>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [kind, count] of counts.flatMap((one) => Object.entries(one))) sum[kind] = (sum[kind] ?? 0) + count;
  return sum;
}
