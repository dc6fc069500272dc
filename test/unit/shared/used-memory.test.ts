import { expect, it } from 'vitest';
import { usedPartIn } from '../../../src/shared/redis/used-memory.ts';

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
