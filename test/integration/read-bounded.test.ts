import { describe, expect, it } from 'vitest';
import { readBounded, readFields, readName, readNames, scanNames } from '../../src/shared/lanes/read-bounded.ts';
import { useLanes } from '../support/use-lanes.ts';
import { useRedis } from '../support/use-redis.ts';

describe('what is read of keys that others may have written', () => {
  const used = useRedis();
  const lanes = useLanes(used);
  const keyOf = (name: string): string => `${lanes.shard.root}${name}`;

  it('a field comes as it is, up to what ours can have; a longer one comes empty, a missing one as null', async () => {
    const key = keyOf('send:a');
    const fields = { data: 'd'.repeat(262_144), label: '€', lane: 'x'.repeat(4097), empty: '' };
    await lanes.redis.hset(key, fields);
    expect(await readFields(lanes.shard, key, ['data', 'label', 'lane', 'empty', 'none'])).toEqual({
      ...fields,
      lane: '',
      none: null,
    });
    await lanes.redis.hset(key, 'data', 'd'.repeat(262_145), 'history', 'h'.repeat(131_073));
    expect(await readFields(lanes.shard, key, ['history', 'data', 'label'])).toEqual({
      history: '',
      data: '',
      label: '€',
    });
  });

  it('names that are longer than ours are left out, in lists and sets and alone', async () => {
    const { redis, shard } = lanes;
    const long = 'n'.repeat(513);
    await redis.rpush(keyOf('list'), 'a', long, 'b');
    await redis.sadd(keyOf('set'), 'a', long);
    await redis.zadd(keyOf('zset'), 7, long);
    expect(await readNames(shard, ['lrange', keyOf('list'), 0, -1])).toEqual(['a', 'b']);
    expect(await readName(shard, ['lindex', keyOf('list'), 1])).toBeNull();
    expect(await readName(shard, ['lindex', keyOf('list'), 9])).toBeNull();
    expect(await scanNames(shard, keyOf('set'), 10)).toEqual(['a']);
    expect(await readBounded(shard, [['zrange', keyOf('zset'), 0, 0, 'WITHSCORES']])).toEqual([[null, '7']]);
  });

  it('a key of another type keeps nothing else from being read, and other refusals are errors', async () => {
    const { redis, shard } = lanes;
    await redis.set(keyOf('text'), 'x');
    await redis.rpush(keyOf('list'), 'a');
    const asked = await readBounded(shard, [
      ['hmget', keyOf('text'), 'data', 'lane'],
      ['lrange', keyOf('text'), 0, -1],
      ['hlen', keyOf('text')],
      ['lindex', keyOf('list'), 0],
    ]);
    expect(asked).toEqual([[null, null], null, null, 'a']);
    await expect(readBounded(shard, [['lrange', keyOf('list'), 'x', 'y']])).rejects.toThrow('not an integer');
  });
});
