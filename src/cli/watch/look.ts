import type { Config } from '../../shared/config/config.ts';
import { type Deadline, deadlineIn } from '../../shared/redis/deadline.ts';
import type { Session } from '../../shared/session/session.ts';
import type { Counts } from '../../shared/reading/shard-status.ts';
import { readStatusNow } from '../../shared/reading/status.ts';
import { readTraffic } from '../../shared/reading/traffic.ts';
import type { ShownStatus } from '../commands/describe-status.ts';
import { changePerSecond, type CountsAt } from './change-per-second.ts';

/** The status at a moment, and its rates of change. */
export interface Look extends ShownStatus {
  at: Date;
  /** The change of the counts per second, over the last `RATE_WINDOW_MS`. */
  changePerSecond: Counts;
  delivery: Delivery;
}

export interface Delivery {
  perSecond: number;
  /** How long the requests took; `null` if there were none. */
  p50Ms: number | null;
  p95Ms: number | null;
}

/** Long enough for steady rates, short enough to show changes. */
export const RATE_WINDOW_MS = 10_000;
/** Short, so that the view shows that Redis is slow instead of waiting for it. */
const ANSWER_MS = 2000;

/** @returns a function that reads the status once; it throws QueueUnavailableError if Redis does not answer. */
export function createLooks(session: Session, config: Config, site: string): () => Promise<Look> {
  let moments: CountsAt[] = [];
  return async () => {
    const deadline = deadlineIn(ANSWER_MS);
    const found = await readStatusNow(session, config, deadline);
    const delivery = await readDelivery(session, config, deadline);
    const atMs = performance.now();
    moments = [...moments.filter((moment) => atMs - moment.atMs <= RATE_WINDOW_MS), { atMs, counts: found.status }];
    return { at: new Date(), ...found, site, changePerSecond: changePerSecond(moments), delivery };
  };
}

async function readDelivery(session: Session, { namespace }: Config, deadline: Deadline): Promise<Delivery> {
  const buckets = await session.read(0, deadline, ({ redis }) =>
    readTraffic(redis, namespace, { lastMs: RATE_WINDOW_MS }),
  );
  const latest = buckets.findLast(({ p50Ms }) => p50Ms !== null);
  const delivered = buckets.reduce((total, { perSecond }) => total + perSecond.delivered, 0);
  return {
    perSecond: buckets.length === 0 ? 0 : delivered / buckets.length,
    p50Ms: latest?.p50Ms ?? null,
    p95Ms: latest?.p95Ms ?? null,
  };
}
