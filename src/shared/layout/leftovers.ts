import { fleetRoot, shardRoots } from '../lanes/keys.ts';
import type { LaneRedis } from '../lanes/commands.ts';
import { scanKeys } from '../redis/scan-keys.ts';

const SINGLE = new Set([
  'asleep',
  'backoff',
  'due',
  'fleet',
  'held',
  'left',
  'pages',
  'turns',
  // What was delivered or cancelled: its jobs are removed as well.
  'send:completed',
]);
const FAMILY = /^(?:failing|high|lane|left|rate|ready|sent|slots|turns|window):/;
const JOB = /^send:[0-9a-z]{1,2}-[0-9A-HJKMNP-TV-Z]{26}(?::|$)/;

/**
 * Whether a key of layout 1 means nothing in this layout, or something else, once no message is open.
 *
 * @param name without the root of its shard
 */
export function isLeftover(name: string): boolean {
  return SINGLE.has(name) || FAMILY.test(name) || JOB.test(name);
}

/** Fields of run-time limits that version 0.1 derived from `rate` and `pageRate`. */
const DERIVED_LIMITS = ['rateIntervalMs', 'rateBurst', 'pageRateIntervalMs', 'pageRateBurst'];
const REMOVED_AT_ONCE = 500;
/** A process that stood still in the middle of a take-over must not go on with it later than this. */
const CLEARED_KNOWN_MS = 86_400_000;

// Others may use a shard as soon as it was cleared: then nothing of it is a leftover any more.
const CLEAR = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return 0 end
return redis.call('UNLINK', unpack(KEYS, 2))
`;

/** Removes what layout 1 left behind. Any number of processes may do it at once, and again. */
export async function removeLeftovers(
  redis: LaneRedis,
  namespace: string,
  { shards, token }: { shards: number; token: string },
): Promise<void> {
  const roots = shardRoots(namespace, shards);
  for await (const keys of scanKeys(redis, `{${namespace}:*}:*`, roots)) {
    await Promise.all(
      Array.from(leftoversByRoot(keys), async ([root, leftovers]) => {
        for (let start = 0; start < leftovers.length; start += REMOVED_AT_ONCE) {
          const some = leftovers.slice(start, start + REMOVED_AT_ONCE);
          await redis.eval(CLEAR, 1 + some.length, clearedKey(root), ...some, token);
        }
      }),
    );
  }
  const fleet = fleetRoot(namespace);
  await redis.unlink(`${fleet}rate`);
  await redis.hdel(`${fleet}limits`, ...DERIVED_LIMITS);
  await Promise.all(roots.map((root) => redis.set(clearedKey(root), token, 'PX', CLEARED_KNOWN_MS)));
}

function leftoversByRoot(keys: readonly string[]): Map<string, string[]> {
  const byRoot = new Map<string, string[]>();
  for (const key of keys) {
    const nameAt = key.indexOf('}:') + 2;
    const root = key.slice(0, nameAt);
    if (!isLeftover(key.slice(nameAt))) continue;
    const found = byRoot.get(root) ?? [];
    byRoot.set(root, found);
    found.push(key);
  }
  return byRoot;
}

/** Names the last take-over that has cleared a shard. */
function clearedKey(root: string): string {
  return `${root}cleared`;
}
