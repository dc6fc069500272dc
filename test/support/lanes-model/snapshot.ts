import type { RedisClient } from '../../../src/shared/redis-cluster.ts';

/** All that one shard's Redis holds, read in one step. */
export interface Snapshot {
  /** The messages' hashes, by id. */
  jobs: Record<string, Record<string, string>>;
  /** The tokens of the locks, by message id. */
  locks: Record<string, string>;
  waitingChildren: string[];
  /** First to be taken first, as `active` is. */
  wait: string[];
  active: string[];
  /** By the time at which they come back. */
  delayed: Record<string, number>;
  completed: string[];
  failed: string[];
  lanes: Record<string, string[]>;
  ready: Record<string, string[]>;
  high: Record<string, string[]>;
  /** Lanes by message id, by page. */
  window: Record<string, Record<string, string>>;
  failing: Record<string, Record<string, string>>;
  pages: string[];
  /** Pages with work that an operator holds and of which nothing runs. */
  asleep: string[];
  /** Messages that wait for a slot of a limit, by page. */
  slots: Record<string, Record<string, number>>;
  /** Scheduled messages by their time. */
  due: Record<string, number>;
  holds: Record<string, string>;
  backoff: Record<string, number>;
  held: Record<string, number>;
  /** Dead letters that are shown, that are hidden, and that have a hash. */
  letters: string[];
  hiddenLetters: string[];
  letterJobs: string[];
  /** What each letter is found by, and the indexes, by reason and by page; pages by their number of letters. */
  letterPlaces: Record<string, string>;
  lettersByReason: Record<string, string[]>;
  lettersByPage: Record<string, string[]>;
  letterPages: Record<string, number>;
  idempotency: Record<string, string>;
  fleet: Record<string, string>;
  repairs: Record<string, string>;
  /** Keys that are none of the above, nor BullMQ's records. */
  others: string[];
}

const DUMP = `
local dump = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', key)['ok']
  if kind == 'string' then dump[key] = { redis.call('GET', key) }
  elseif kind == 'list' then dump[key] = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'set' then dump[key] = redis.call('SMEMBERS', key)
  elseif kind == 'zset' then dump[key] = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'hash' then dump[key] = redis.call('HGETALL', key) end
end
return cjson.encode(dump)
`;

/** BullMQ's and the workers' records, and what limits count, which say nothing of messages. */
const RECORDS = /^(?:(?:send|dead):(?:meta|id|marker|events)|workers|left|turns|(?:rate|sent|left|turns):.*)$/;

export async function takeSnapshot(redis: RedisClient, root: string): Promise<Snapshot> {
  const dump = JSON.parse((await redis.eval(DUMP, 0)) as string) as Record<string, string[]>;
  const shard = new Map<string, string[]>();
  for (const [key, values] of Object.entries(dump)) {
    if (key.startsWith(root)) shard.set(key.slice(root.length), values);
  }
  const take = (key: string): string[] => {
    const values = shard.get(key) ?? [];
    shard.delete(key);
    return values;
  };
  const takeAll = <T>(prefix: string, read: (values: string[]) => T, suffix = ''): Record<string, T> => {
    const found: Record<string, T> = {};
    for (const key of shard.keys()) {
      if (!key.startsWith(prefix) || !key.endsWith(suffix)) continue;
      found[key.slice(prefix.length, key.length - suffix.length)] = read(take(key));
    }
    return found;
  };
  for (const key of shard.keys()) if (RECORDS.test(key)) shard.delete(key);
  const single = (values: string[]): string => values[0] ?? '';
  const same = (values: string[]): string[] => values;
  return {
    waitingChildren: Object.keys(pairs(take('send:waiting-children'))),
    wait: take('send:wait').toReversed(),
    active: take('send:active').toReversed(),
    delayed: scores(take('send:delayed')),
    completed: Object.keys(pairs(take('send:completed'))),
    failed: Object.keys(pairs(take('send:failed'))),
    letters: Object.keys(pairs(take('dead:failed'))),
    letterPlaces: pairs(take('letters')),
    letterPages: scores(take('letters:pages')),
    lettersByReason: takeAll('letters:reason:', (values) => Object.keys(pairs(values))),
    lettersByPage: takeAll('letters:page:', (values) => Object.keys(pairs(values))),
    hiddenLetters: Object.keys(pairs(take('dead:waiting-children'))),
    pages: take('pages').toSorted(),
    asleep: take('asleep').toSorted(),
    due: scores(take('due')),
    holds: pairs(take('holds')),
    backoff: scores(take('backoff')),
    held: scores(take('held')),
    fleet: pairs(take('fleet')),
    repairs: pairs(take('repairs')),
    lanes: takeAll('lane:', same),
    ready: takeAll('ready:', same),
    high: takeAll('high:', same),
    window: takeAll('window:', pairs),
    failing: takeAll('failing:', pairs),
    slots: takeAll('slots:', scores),
    idempotency: takeAll('idem:', single),
    locks: takeAll('send:', single, ':lock'),
    jobs: takeAll('send:', pairs),
    letterJobs: Object.keys(takeAll('dead:', same)),
    others: [...shard.keys()],
  };
}

function pairs(flat: string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (let at = 0; at < flat.length; at += 2) found[flat[at] ?? ''] = flat[at + 1] ?? '';
  return found;
}

function scores(flat: string[]): Record<string, number> {
  return Object.fromEntries(Object.entries(pairs(flat)).map(([id, score]) => [id, Number(score)]));
}
