import { expect, it } from 'vitest';
import { createFlood } from '../../../src/worker/fleet/flood.ts';

it('a flood of events leaves one line at once and one a minute, each with the number since the last one', () => {
  let now = 0;
  const flood = createFlood(() => now);
  const lines: (readonly [atMs: number, events: number])[] = [];
  expect(flood(0)).toBe(0);
  for (; now <= 120_000; now += 10) {
    const events = flood(2);
    if (events > 0) lines.push([now, events]);
  }
  expect(lines).toEqual([
    [0, 2],
    [60_000, 12_000],
    [120_000, 12_000],
  ]);
});
