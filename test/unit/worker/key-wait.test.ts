import { describe, expect, it } from 'vitest';
import { createKeyWait } from '../../../src/worker/message/key-wait.ts';

describe('a message whose encryption key a worker lacks', () => {
  it('waits as long again as it has waited, from a second to half a minute, whatever its job says', () => {
    const waits = [0, 500, 4000, 30_000, 90_000_000, -5, NaN].map((waitedMs) => createKeyWait(() => 7)(waitedMs));
    expect(waits).toEqual([1005, 1005, 4005, 30_005, 30_005, 1005, 1005]);
  });

  it('is looked at later when there are many of them, at most 200 in a second, and at once again when they are few', () => {
    let now = 0;
    const waitMs = createKeyWait(() => now);
    const looks = Array.from({ length: 10_000 }, () => waitMs(0));
    expect(looks.at(-1)).toBe(1000 + 10_000 * 5);
    const inOneSecond = looks.filter((ms) => ms >= 20_000 && ms < 21_000);
    expect(inOneSecond).toHaveLength(200);
    now = 100_000;
    expect(waitMs(0)).toBe(1005);
  });
});
