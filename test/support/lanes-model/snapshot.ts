import type { RedisClient } from '../../../src/shared/redis/cluster.ts';

/** Everything that one shard holds in Redis, read in one step. */
export interface Snapshot {
  /** The messages' hashes, by id. */
  jobs: Record<string, Record<string, string>>;
  /** The tokens of the locks, by message id. */
  locks: Record<string, string>;
  hidden: string[];
  /** In the order of taking, like `active`. */
  wait: string[];
  active: string[];
  /** Sets by the time of coming back, by the time of the end, and by the time when messages are due. */
  delayed: Record<string, number>;
  completed: Record<string, number>;
  due: Record<string, number>;
  /** Messages that a hold has put off. */
  held: string[];
  lanes: Record<string, string[]>;
  /** Scores of the lanes of each page. */
  heads: Record<string, Record<string, number>>;
  pages: string[];
  asleep: string[];
  turns: Record<string, number>;
  paced: Record<string, number>;
  holds: Record<string, string>;
  /** Dead letters by the time of death, and their jobs. */
  letters: Record<string, number>;
  letterJobs: Record<string, Record<string, string>>;
  /** The index entries of each letter, the indexes by reason and by page, and pages by their number of letters. */
  letterPlaces: Record<string, string>;
  lettersByReason: Record<string, string[]>;
  lettersByPage: Record<string, string[]>;
  letterPages: Record<string, number>;
  idempotency: Record<string, string>;
  fleet: Record<string, string>;
  repairs: Record<string, string>;
  /** Whether a waiting worker is woken. */
  isMarked: boolean;
  /** All other keys, without BullMQ's records. */
  others: string[];
}

const DUMP = `
local dump = {}
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  local kind = redis.call('TYPE', key)['ok']
  local values
  if kind == 'string' then values = { redis.call('GET', key) }
  elseif kind == 'list' then values = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'set' then values = redis.call('SMEMBERS', key)
  elseif kind == 'zset' then values = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'hash' then values = redis.call('HGETALL', key) end
  dump[string.sub(key, #ARGV[1] + 1)] = values
end
return cjson.encode(dump)
`;

/** BullMQ's and the workers' records and the state of limits, which hold nothing about messages. */
const RECORDS = /^(?:(?:send|dead):(?:meta|id|events|stalled-check)|workers|counts|events|keyless|rate:.*)$/;

export async function takeSnapshot(redis: RedisClient, root: string): Promise<Snapshot> {
  const dump = JSON.parse((await redis.eval(DUMP, 0, root)) as string) as Record<string, string[]>;
  const shard = new Map(Object.entries(dump).filter(([key]) => !RECORDS.test(key)));
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
  const names = (values: string[]): string[] => Object.keys(pairs(values));
  const single = (values: string[]): string => values[0] ?? '';
  const same = (values: string[]): string[] => values;
  return {
    hidden: names(take('send:waiting-children')),
    wait: take('send:wait').toReversed(),
    active: take('send:active').toReversed(),
    delayed: scores(take('send:delayed')),
    completed: scores(take('send:completed')),
    due: Object.fromEntries(Object.entries(scores(take('due'))).map(([member, at]) => [member.slice(17), at])),
    held: take('held'),
    isMarked: take('send:marker').length > 0,
    letters: scores(take('dead:failed')),
    letterPlaces: pairs(take('letters')),
    letterPages: scores(take('letters:pages')),
    lettersByReason: takeAll('letters:reason:', names),
    lettersByPage: takeAll('letters:page:', names),
    pages: take('pages').toSorted(),
    asleep: take('asleep').toSorted(),
    turns: scores(take('turns')),
    paced: scores(take('paced')),
    holds: pairs(take('holds')),
    fleet: pairs(take('fleet')),
    repairs: pairs(take('repairs')),
    lanes: takeAll('lane:', same),
    heads: takeAll('heads:', scores),
    idempotency: takeAll('idem:', single),
    locks: takeAll('send:', single, ':lock'),
    jobs: takeAll('send:', pairs),
    letterJobs: takeAll('dead:', pairs),
    others: [...shard.keys()],
  };
}

function pairs(flat: string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (let at = 0; at < flat.length; at += 2) found[flat[at] ?? ''] = flat[at + 1] ?? '';
  return found;
}

function scores(flat: string[]): Record<string, number> {
  return Object.fromEntries(Object.entries(pairs(flat)).map(([name, score]) => [name, Number(score)]));
}
