import { fleetRoot, shardRoots } from '../lanes/key-names.ts';
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
  // Delivered and cancelled messages; their jobs are removed as well.
  'send:completed',
]);
const FAMILY = /^(?:failing|high|lane|left|rate|ready|sent|slots|turns|window):/;
const JOB = /^send:[0-9a-z]{1,2}-[0-9A-HJKMNP-TV-Z]{26}(?::|$)/;

/**
 * Whether a key of layout 1, once no message is open, has another meaning in this layout, or none.
 *
 * @param name the key without the root of its shard
 */
export function isLeftover(name: string): boolean {
  return SINGLE.has(name) || FAMILY.test(name) || JOB.test(name);
}

/** Fields of run-time limits that version 0.1 derived from `rate` and `pageRate`. */
const DERIVED_LIMITS = ['rateIntervalMs', 'rateBurst', 'pageRateIntervalMs', 'pageRateBurst'];
const REMOVED_AT_ONCE = 500;
/** How long a shard is marked as cleared. A process that goes on with a take-over after a longer standstill could remove keys in use. */
const CLEARED_KNOWN_MS = 86_400_000;

// Once a shard is cleared, other processes may use it, so its keys are no leftovers any more.
const CLEAR = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return 0 end
return redis.call('UNLINK', unpack(KEYS, 2))
`;

/** Removes the keys that layout 1 has left. Several processes may do so at once, and repeatedly. */
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

/** The key with the token of the last take-over that cleared the shard. */
function clearedKey(root: string): string {
  return `${root}cleared`;
}
