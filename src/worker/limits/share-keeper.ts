import { setTimeout as delay } from 'node:timers/promises';
import type { LaneRedis } from '../../shared/lanes/commands.ts';
import type { ShardPace } from '../../shared/lanes/fleet/limits.ts';
import type { RateLimit } from '../../shared/model/rate-limit.ts';
import {
  isSame,
  isSlower,
  isWorthIt,
  larger,
  lowered,
  raised,
  type Share,
  shareOut,
  type ShardToShare,
} from './share-out.ts';
import { createShardPaces, type SeenShard } from './shard-paces.ts';

export interface Limits {
  rate: RateLimit | null;
  pageRate: RateLimit | null;
}

/** The lead of a worker over the fleet. */
export interface Lead {
  term: number;
  /** Whether the worker still leads. If not, what it has read may be out of date. */
  isValid(): boolean;
}

/** Writes each shard's limits. */
export interface ShareKeeper {
  /**
   * Shares out the limits; writes only what has changed.
   *
   * @throws the last error of Redis, after all shards have been handled.
   */
  keep(limits: Limits, lead: Lead): Promise<void>;
  /** Whether all shards that answer have limits. */
  isComplete(): Promise<boolean>;
  /** The highest term that a shard had. */
  highestTerm(): number;
}

const NO_LIMIT: Share = { intervalMs: 0, burst: 1 };
/** Number of last looks at a shard that decide whether it is idle. */
const LOOKS_KEPT = 3;

export function createShareKeeper(redis: LaneRedis, shards: readonly { root: string }[]): ShareKeeper {
  const paces = createShardPaces(redis, shards);
  /** The highest share that each shard may have, as far as this worker knows; `undefined` if nothing is known. */
  const known: (Share | null | undefined)[] = shards.map(() => undefined);
  /** For each shard, whether it had nothing to do at each of the last looks. */
  const idleLooks: boolean[][] = shards.map(() => []);
  let calmTicks = 0;

  /** The share of a shard that this worker could not read since it leads: most likely as much as the others have. */
  function assumed(limit: Share): Share {
    return { intervalMs: limit.intervalMs * shards.length, burst: 1 };
  }

  function stateOf(seen: SeenShard | null, index: number, limit: Share): ShardToShare {
    if (seen) known[index] = seen.pace;
    const { pages = 0, waiting = 0 } = seen?.work ?? {};
    const looks = idleLooks[index] ?? [];
    if (seen?.work) looks.push(pages === 0);
    if (looks.length > LOOKS_KEPT) looks.shift();
    const share = known[index];
    return {
      share: share === undefined ? assumed(limit) : share,
      isFixed: seen === null,
      pages,
      waiting,
      isIdle: looks.every(Boolean),
    };
  }

  /** Writes the shares that `needsWrite` names. @returns how far ahead a shard that must slow down has reserved slots at most, in ms. */
  async function writeAll(
    states: ShardToShare[],
    wanted: readonly (Share | null)[],
    {
      pagePace,
      lead,
      needsWrite,
    }: { pagePace: Share; lead: Lead; needsWrite: (index: number, share: Share) => boolean },
  ): Promise<number> {
    const waits = await Promise.all(
      states.map(async (state, index) => {
        const share = wanted[index] ?? null;
        if (state.isFixed || share === null || !needsWrite(index, share)) return 0;
        const pace: ShardPace = { ...share, pageIntervalMs: pagePace.intervalMs, pageBurst: pagePace.burst };
        const { isWritten, reservedMs } = await paces.write(index, lead.term, pace);
        const before = state.share;
        state.share = isWritten ? share : larger(before, share);
        state.isFixed = !isWritten;
        known[index] = state.share;
        return isWritten && isSlower(share, before) ? reservedMs : 0;
      }),
    );
    return Math.max(0, ...waits);
  }

  return {
    async keep({ rate, pageRate }, lead) {
      const limit = rate ?? NO_LIMIT;
      const pagePace = pageRate ?? NO_LIMIT;
      const seen = await paces.look(rate !== null && shards.length > 1);
      if (!lead.isValid()) return;
      const states = seen.map((shard, index) => stateOf(shard, index, limit));
      calmTicks = states.some(({ waiting }) => waiting > 0) ? 0 : calmTicks + 1;
      const targets = shareOut(limit, states);
      const aims = isWorthIt(limit, states, targets, calmTicks)
        ? targets
        : states.map(({ share }, index) => share ?? targets[index] ?? limit);

      const isStale = (index: number): boolean => {
        const shard = seen[index];
        const pace = shard?.pace;
        return (
          shard?.term !== lead.term || pace?.pageIntervalMs !== pagePace.intervalMs || pace.pageBurst !== pagePace.burst
        );
      };
      const first = states.map(({ share }, index) => lowered(share, aims[index] ?? limit));
      const reservedMs = await writeAll(states, first, {
        pagePace,
        lead,
        needsWrite: (index, share) => isStale(index) || !isSame(share, states[index]?.share ?? null),
      });

      const wantsMore = states.some(({ share, isFixed }, index) => !isFixed && !isSame(share, aims[index] ?? null));
      if (wantsMore) {
        // Messages of reserved slots still leave at the old pace.
        if (reservedMs > 0) await delay(reservedMs);
        if (!lead.isValid()) return;
        await writeAll(states, raised(limit, states, aims), {
          pagePace,
          lead,
          needsWrite: (index, share) => !isSame(share, states[index]?.share ?? null),
        });
      }
      paces.throwLastError();
    },
    isComplete: async () => (await paces.look(false)).every((shard) => shard === null || shard.pace !== null),
    highestTerm: paces.highestTerm,
  };
}
