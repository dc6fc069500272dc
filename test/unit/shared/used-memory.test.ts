import type { Redis } from 'ioredis';
import { expect, it, vi } from 'vitest';
import { createMemoryLook, usedPartIn } from '../../../src/shared/redis/used-memory.ts';

it.each([
  [
    'what is in use, without the buffers that Redis does not count',
    0.5,
    { used_memory: 600, mem_not_counted_for_evict: 100, maxmemory: 1000 },
  ],
  ['no limit', 0, { used_memory: 600, maxmemory: 0 }],
  ['a Redis that evicts keys', 0, { used_memory: 600, maxmemory: 1000, maxmemory_policy: 'volatile-lru' }],
  ['an answer without these fields', 0, { loading: 0, maxmemory_policy: '' }],
])('of %s, %d of the memory limit is used', (_what, part, fields) => {
  const info = Object.entries({ maxmemory_policy: 'noeviction', ...fields }).map(
    ([name, value]) => `${name}:${value}\r\n`,
  );
  expect(usedPartIn(`# Memory\r\n${info.join('')}`)).toBe(part);
});

it('is asked for once a second, and not at all if Redis itself is to refuse', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const info = vi.fn(
    async () => await Promise.resolve('maxmemory:10\r\nmaxmemory_policy:noeviction\r\nused_memory:9\r\n'),
  );
  const look = createMemoryLook({ isCluster: false, info } as unknown as Redis, 'key');
  expect(await look.usedPart(1)).toBe(0);
  expect(info).not.toHaveBeenCalled();
  for (let call = 0; call < 2; call += 1) expect(await look.usedPart(0.8)).toBe(0.9);
  expect(info).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(1000);
  expect(await look.usedPart(0.8)).toBe(0.9);
  expect(info).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});
