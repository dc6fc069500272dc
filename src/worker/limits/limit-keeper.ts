import { setTimeout as delay } from 'node:timers/promises';
import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import type { LaneRedis } from '../../shared/lanes/commands.ts';
import {
  type AgreedLimit,
  type Agreement,
  agreeOnLimits,
  type AgreeRequest,
  leaveLimits,
} from '../../shared/lanes/fleet/limits.ts';
import { NO_LIMIT, parseRateLimit, type RateLimit } from '../../shared/model/rate-limit.ts';
import { createShareKeeper, type Limits } from './share-keeper.ts';
import { createLimitWarnings } from './limit-warnings.ts';

export interface LimitKeeperDeps {
  redis: LaneRedis;
  namespace: string;
  /** All shards of the installation, also those that this worker does not serve. */
  shards: readonly { root: string }[];
  workerId: string;
  /** The limits of this worker's variables. */
  rateLimit: string | undefined;
  pageRateLimit: string | undefined;
  logger: WorkerLogger;
}

/**
 * A worker's part in the limits of the fleet: the worker asks for the limits of its variables, and while it leads the fleet, it writes
 * each shard's limits.
 */
export interface LimitKeeper {
  /** Resolves when all shards that answer have limits. */
  start(): Promise<void>;
  /** Tells the fleet that this worker lives, and which limits it asks for. To be called every ten seconds. */
  beat(): Promise<void>;
  /** Shares out the limits if this worker leads the fleet, and takes the lead if no worker has it. To be called every second. */
  tick(): Promise<void>;
  /** The limits of the fleet, as of the last beat or tick; `null` is no limit. */
  inForce(): Limits;
  /** Withdraws the limits that this worker asks for, and gives up its lead. */
  stop(): Promise<void>;
}

/** How long a starting worker waits for the leader to write limits to all shards before it takes the lead. */
const LEADER_PATIENCE_MS = 2000;
const LOOK_MS = 50;
/** A worker that doesn't lead looks for a leader at this interval, times the number of other workers: their beats find out as well. */
const LOOK_FOR_LEADER_MS = 2000;

export function createLimitKeeper(deps: LimitKeeperDeps): LimitKeeper {
  const { redis, namespace, shards, workerId, logger } = deps;
  const asks = { rate: deps.rateLimit ?? NO_LIMIT, pageRate: deps.pageRateLimit ?? NO_LIMIT };
  const shares = createShareKeeper(redis, shards);
  const warnings = createLimitWarnings(asks, logger);
  let agreement: Agreement | null = null;
  let leadsUntil = 0;
  let nextLookAt = 0;
  let others = 0;
  const stopping = new AbortController();

  async function agree(word: AgreeRequest['word']): Promise<void> {
    const askedAt = performance.now();
    const agreed = await agreeOnLimits(redis, namespace, {
      workerId,
      word,
      asks,
      highestTerm: shares.highestTerm(),
    });
    if (agreement) logChange(agreement, agreed);
    agreement = agreed;
    // Counted from the question, because how long the answer took is unknown.
    leadsUntil = askedAt + agreed.leadsForMs;
    if (word === 'beat') others = agreed.others;
    nextLookAt = askedAt + LOOK_FOR_LEADER_MS * Math.max(1, others);
    warnings.compare(agreed);
  }

  function logChange(before: Agreement, { rate, pageRate, term }: Agreement): void {
    const isChanged = rate.text !== before.rate.text || pageRate.text !== before.pageRate.text;
    if (isChanged && term !== null) {
      logger.info({ rate: rate.text, pageRate: pageRate.text }, 'the limits of the fleet have changed');
    }
  }

  function inForce(): Limits {
    return { rate: limitOf(agreement?.rate), pageRate: limitOf(agreement?.pageRate) };
  }

  async function keepShares(): Promise<void> {
    const term = agreement?.term ?? null;
    if (term === null) return;
    const isValid = (): boolean =>
      !stopping.signal.aborted && agreement?.term === term && performance.now() < leadsUntil;
    if (isValid()) await shares.keep(inForce(), { term, isValid });
  }

  /** @returns whether all shards got limits within `LEADER_PATIENCE_MS`. */
  async function untilTold(): Promise<boolean> {
    const startedAt = performance.now();
    while (!stopping.signal.aborted && performance.now() - startedAt < LEADER_PATIENCE_MS) {
      if (await shares.isComplete()) return true;
      await delay(LOOK_MS);
    }
    return stopping.signal.aborted;
  }

  return {
    async start() {
      await agree('beat');
      if (agreement?.term === null && !(await untilTold())) await agree('take');
      await keepShares();
    },
    beat: async () => await agree('beat'),
    async tick() {
      if (stopping.signal.aborted || (agreement?.term === null && performance.now() < nextLookAt)) return;
      await agree('look');
      await keepShares();
    },
    inForce,
    async stop() {
      stopping.abort();
      await leaveLimits(redis, namespace, workerId);
    },
  };
}

function limitOf(agreed: AgreedLimit | undefined): RateLimit | null {
  return agreed === undefined ? null : parseRateLimit(agreed.text);
}
