import { describe, expect, it } from 'vitest';
import type { Shard } from '../../../src/shared/lanes/shard.ts';
import { createProgress, type WorkerProgress } from '../../../src/worker/fleet/progress.ts';

const [one, other] = [{ index: 0 }, { index: 1 }] as unknown as [Shard, Shard];

interface TestControls {
  at(ms: number): void;
  /** Each shard says whether messages may leave that nobody takes. */
  ticked(isWaiting: { one?: boolean; other?: boolean }): void;
}

/** A worker of two shards with two places in each, and a clock that is set by hand. */
function progressAt(): Omit<WorkerProgress, 'ticked'> & TestControls {
  let nowMs = 0;
  const config = { workerId: 'w', concurrency: 4, timeoutMs: 1000, shutdownMs: 1000 };
  const progress = createProgress(config, () => nowMs);
  return {
    ...progress,
    ticked(isWaiting) {
      progress.ticked(one, isWaiting.one ?? false, 2);
      progress.ticked(other, isWaiting.other ?? false, 2);
    },
    at: (ms) => void (nowMs = ms),
  };
}

describe('the progress of a worker', () => {
  it('is starving while messages of a shard wait that it has a place for, until it takes one', () => {
    const worker = progressAt();
    worker.ticked({ other: true });
    worker.at(5000);
    worker.ticked({ other: true });
    expect(worker.health()).toMatchObject({ starvingMs: 5000, sinceTickMs: 0 });
    worker.took(one);
    expect(worker.health().starvingMs).toBe(5000);
    worker.took(other);
    expect(worker.health()).toMatchObject({ starvingMs: 0, sending: 2 });
    worker.at(6000);
    worker.ticked({ other: true });
    worker.at(7000);
    expect(worker.health()).toMatchObject({ starvingMs: 1000, sinceTickMs: 1000 });
  });

  it('is not starving when nothing waits, nor when all its places are taken', () => {
    const worker = progressAt();
    worker.took(one);
    worker.took(one);
    worker.ticked({ one: true });
    worker.at(60_000);
    worker.ticked({ one: true });
    expect(worker.health()).toMatchObject({ starvingMs: 0, sending: 2 });
    worker.ended(one);
    worker.ticked({ one: true });
    worker.at(61_000);
    expect(worker.health()).toMatchObject({ starvingMs: 1000, sending: 1 });
  });

  it('tells the age of the oldest request that is open, and forgets it when it ends', () => {
    const worker = progressAt();
    const endFirst = worker.began();
    worker.at(1000);
    const endSecond = worker.began();
    worker.at(3000);
    expect(worker.health().oldestAttemptMs).toBe(3000);
    endFirst();
    expect(worker.health().oldestAttemptMs).toBe(2000);
    endSecond();
    expect(worker.health().oldestAttemptMs).toBe(0);
  });

  it('begins a phase anew', () => {
    const worker = progressAt();
    worker.at(1000);
    expect(worker.health()).toMatchObject({ phase: 'starting', phaseMs: 1000, sinceTickMs: null });
    worker.enter('taking');
    worker.at(1500);
    expect(worker.health()).toMatchObject({ phase: 'taking', phaseMs: 500, redis: { ready: false } });
  });
});
