import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { batchesOf } from '../../../src/cli/ledger/batches.ts';

const never = new AbortController().signal;

/** Gives items, and then waits until the test lets it end. */
async function* source<T>(items: readonly T[], end: Promise<unknown> = Promise.resolve()): AsyncGenerator<T> {
  yield* items;
  await end;
}

async function all<T>(batches: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const batch of batches) found.push(batch);
  return found;
}

describe('batches', () => {
  it('are full as long as there are items, and the last has the rest', async () => {
    const batches = batchesOf(source([1, 2, 3, 4, 5]), { size: 2, waitMs: 60_000, signal: never });
    expect(await all(batches)).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('do not wait for more than the given time', async () => {
    const end = Promise.withResolvers<void>();
    const batches = batchesOf(source([1, 2, 3], end.promise), { size: 100, waitMs: 20, signal: never });
    expect((await batches.next()).value).toEqual([1, 2, 3]);
    const last = batches.next();
    end.resolve();
    expect(await last).toEqual({ done: true, value: undefined });
  });

  it('end when they are aborted, with what has come', async () => {
    const abort = new AbortController();
    const end = new Promise(() => {});
    const batches = batchesOf(source([1, 2], end), { size: 100, waitMs: 60_000, signal: abort.signal });
    const first = batches.next();
    await delay(5);
    abort.abort();
    expect(await first).toEqual({ done: false, value: [1, 2] });
    expect((await batches.next()).done).toBe(true);
  });

  it('take at most one item more while the caller works on a batch', async () => {
    let taken = 0;
    async function* counted(): AsyncGenerator<number> {
      for (;;) yield (taken += 1);
    }
    const batches = batchesOf(counted(), { size: 10, waitMs: 60_000, signal: never });
    await batches.next();
    await delay(5);
    expect(taken).toBeLessThanOrEqual(11);
  });

  it('fail like their source, after what came before', async () => {
    async function* failing(): AsyncGenerator<number> {
      yield 1;
      throw new Error('gone');
    }
    const batches = batchesOf(failing(), { size: 10, waitMs: 60_000, signal: never });
    expect((await batches.next()).value).toEqual([1]);
    await expect(batches.next()).rejects.toThrow('gone');
  });
});
