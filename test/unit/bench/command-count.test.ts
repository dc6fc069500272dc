import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { callsIn, openCommandCount } from '../../../bench/stage/command-count.ts';
import { startTestRedis } from '../../support/redis.ts';

describe('the number of commands of a Redis', () => {
  it('is the sum of all calls, whatever else the section tells', () => {
    const info = [
      '# Commandstats',
      'cmdstat_evalsha:calls=3,usec=300,usec_per_call=100.00,rejected_calls=0,failed_calls=0',
      'cmdstat_client|setname:calls=2,usec=4,usec_per_call=2.00,rejected_calls=7,failed_calls=0',
      'cmdstat_hget:calls=10,usec=5,usec_per_call=0.50,rejected_calls=0,failed_calls=0',
    ];
    expect(callsIn(info.join('\r\n'))).toBe(15);
    expect(callsIn('# Commandstats\r\n')).toBe(0);
  });

  it('counts what scripts call and what waited, and leaves itself out', async () => {
    await using server = await startTestRedis();
    const redis = new Redis(server.url);
    try {
      await redis.info();
      using count = await openCommandCount(server.url);
      const before = await count.read();
      expect(await count.read()).toBe(before);
      await redis.eval("redis.call('SET', KEYS[1], 1) return redis.call('GET', KEYS[1])", 1, 'key');
      expect(await count.read()).toBe(before + 3);
      await redis.bzpopmin('nothing', 0.01);
      expect(await count.read()).toBe(before + 4);
    } finally {
      redis.disconnect();
    }
  });
});
