import { askRedis } from '../../shared/session/calls.ts';
import type { Config } from '../../shared/config/config.ts';
import { type Deadline, deadlineIn } from '../../shared/redis/deadline.ts';
import type { Session } from '../../shared/session/session.ts';
import type { Counts } from '../../shared/reading/shard-status.ts';
import { readStatus, type Status } from '../../shared/reading/status.ts';
import { readTraffic } from '../../shared/reading/traffic.ts';
import { changePerSecond, type CountsAt } from './change-per-second.ts';

/** What `status` shows at a moment, and how it moves. */
export interface Look {
  at: Date;
  status: Status;
  /** How fast the counts change, over the last seconds. */
  changePerSecond: Counts;
  delivery: Delivery;
}

export interface Delivery {
  perSecond: number;
  /** How long the requests took; `null` if there were none. */
  p50Ms: number | null;
  p95Ms: number | null;
}

/** Long enough to be steady, short enough to follow. */
export const RATE_WINDOW_MS = 10_000;
/** Whoever watches wants to see that Redis is slow, not to wait for it. */
const ANSWER_MS = 2000;

/** @returns what looks once; it throws QueueUnavailableError if Redis does not answer. */
export function createLooks(session: Session, config: Config): () => Promise<Look> {
  let moments: CountsAt[] = [];
  return async () => {
    const deadline = deadlineIn(ANSWER_MS);
    const status = await readStatus(session, config, deadline);
    const delivery = await readDelivery(session, config, deadline);
    const atMs = performance.now();
    moments = [...moments.filter((moment) => atMs - moment.atMs <= RATE_WINDOW_MS), { atMs, counts: status }];
    return { at: new Date(), status, changePerSecond: changePerSecond(moments), delivery };
  };
}

async function readDelivery(session: Session, { namespace }: Config, deadline: Deadline): Promise<Delivery> {
  const { redis } = await session.shard(0, deadline);
  const buckets = await askRedis(deadline, readTraffic(redis, namespace, { lastMs: RATE_WINDOW_MS }));
  const latest = buckets.findLast(({ p50Ms }) => p50Ms !== null);
  const delivered = buckets.reduce((total, { perSecond }) => total + perSecond.delivered, 0);
  return {
    perSecond: buckets.length === 0 ? 0 : delivered / buckets.length,
    p50Ms: latest?.p50Ms ?? null,
    p95Ms: latest?.p95Ms ?? null,
  };
}
