import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deadlineIn, DeadlineError, within } from '../../../src/shared/redis/deadline.ts';

const never = new Promise<never>(() => {});

describe('a deadline', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('says how much time is left, and never less than none', () => {
    const deadline = deadlineIn(100);
    expect(deadline.leftMs()).toBe(100);
    vi.advanceTimersByTime(30);
    expect(deadline.leftMs()).toBe(70);
    vi.advanceTimersByTime(1000);
    expect(deadline.leftMs()).toBe(0);
  });

  it('gives the result of work that is in time, and leaves no timer behind', async () => {
    await expect(within(deadlineIn(100), Promise.resolve('done'))).resolves.toBe('done');
    await expect(within(deadlineIn(100), Promise.reject(new RangeError('no')))).rejects.toThrow(RangeError);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives a result that is there already, even when no time is left', async () => {
    await expect(within(deadlineIn(0), Promise.resolve('done'))).resolves.toBe('done');
  });

  it('ends work that is late, with a timer for the time that is left', async () => {
    const deadline = deadlineIn(100);
    vi.advanceTimersByTime(60);
    const late = vi.fn();
    const settled = within(deadline, never).catch(late);
    await vi.advanceTimersByTimeAsync(39);
    expect(late).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await settled;
    expect(late).toHaveBeenCalledWith(expect.any(DeadlineError));
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends at once when no time is left', async () => {
    const settled = expect(within(deadlineIn(0), never)).rejects.toThrow(DeadlineError);
    await vi.advanceTimersByTimeAsync(1);
    await settled;
  });

  it('lets late work fail unseen', async () => {
    const unhandled = vi.fn();
    process.once('unhandledRejection', unhandled);
    const work = Promise.withResolvers<void>();
    const settled = expect(within(deadlineIn(10), work.promise)).rejects.toThrow(DeadlineError);
    await vi.advanceTimersByTimeAsync(10);
    await settled;
    work.reject(new Error('too late to matter'));
    vi.useRealTimers();
    await setImmediate();
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});
