import type { LaneRedis } from '../../../src/shared/lanes/commands.ts';
import type { Shard } from '../../../src/shared/queues.ts';
import { openLanes } from '../lanes.ts';

/** A copy of the model's Redis, on which the same can be done in another way. */
export interface Twin {
  shard: Shard;
  /** From now on it holds what the model's Redis holds. */
  copy(): Promise<void>;
  /** The keys that are not the same in both. */
  differences(): Promise<string[]>;
}

const DATABASE = 1;

const COPY = `
for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', key, key, 'DB', ${DATABASE}) end
`;

/** What has no order of its own is put into one. */
const DUMP = `
local dump = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', key)['ok']
  local values = { kind }
  if kind == 'string' then values[2] = redis.call('GET', key)
  elseif kind == 'list' then values = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'set' then values = redis.call('SMEMBERS', key)
  elseif kind == 'zset' then values = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'hash' then
    for _, field in ipairs(redis.call('HKEYS', key)) do
      table.insert(values, field .. '=' .. redis.call('HGET', key, field))
    end
  end
  if kind == 'set' or kind == 'hash' then table.sort(values) end
  dump[key] = table.concat(values, ' ')
end
return cjson.encode(dump)
`;

/** @param other a connection to the second database of the model's Redis */
export async function openTwin(redis: LaneRedis, other: LaneRedis, namespace: string): Promise<Twin> {
  const { shard } = await openLanes(other, namespace);
  await other.select(DATABASE);
  const dumpOf = async (from: LaneRedis): Promise<Record<string, string>> =>
    JSON.parse((await from.eval(DUMP, 0)) as string) as Record<string, string>;

  return {
    shard,
    async copy() {
      await other.flushdb();
      await redis.eval(COPY, 0);
    },
    async differences() {
      const [one, two] = [await dumpOf(redis), await dumpOf(other)];
      return [...new Set([...Object.keys(one), ...Object.keys(two)])]
        .filter((key) => one[key] !== two[key])
        .map((key) => `${key} is ${one[key]}, and with all at once ${two[key]}`);
    },
  };
}
