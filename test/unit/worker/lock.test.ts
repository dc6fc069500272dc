import { describe, expect, it } from 'vitest';
import { lockTimes } from '../../../src/worker/bullmq/shard-worker.ts';

describe('lockTimes', () => {
  it.each([
    [100, 5000, 2500],
    [2500, 5000, 2500],
    [10_000, 20_000, 4000],
    [600_000, 1_200_000, 4000],
  ])(
    'covers a request of %i ms with a lock of %i ms, checked every %i ms',
    (timeoutMs, lockDurationMs, stalledIntervalMs) => {
      expect(lockTimes(timeoutMs)).toEqual({ lockDurationMs, stalledIntervalMs });
    },
  );

  it.each([100, 2500, 3333, 10_000, 600_000])(
    'leaves a request of %i ms as much time again to begin in, and checks within a lock',
    (timeoutMs) => {
      const { lockDurationMs, stalledIntervalMs } = lockTimes(timeoutMs);
      expect(lockDurationMs - timeoutMs).toBeGreaterThanOrEqual(timeoutMs);
      expect(stalledIntervalMs).toBeLessThan(lockDurationMs);
    },
  );
});
