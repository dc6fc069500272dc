import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createStop, type StopSignal } from '../../../src/worker/stop-signal.ts';
import { untilAnswered } from '../../../src/worker/until-answered.ts';
import { readableLogger } from './log-lines.ts';

function failing(times: number) {
  const calls = { count: 0 };
  const settle = (): Promise<string> => {
    calls.count += 1;
    return calls.count > times ? Promise.resolve('done') : Promise.reject(new Error('OOM command not allowed: secret'));
  };
  return { calls, settle };
}

describe('untilAnswered', () => {
  it('asks once when Redis takes it', async () => {
    const { logger, lines } = readableLogger();
    const { calls, settle } = failing(0);
    await expect(untilAnswered(settle, logger, new AbortController().signal)).resolves.toBe('done');
    expect(calls.count).toBe(1);
    expect(lines).toEqual([]);
  });

  it('asks again until Redis takes it, and says so without the content of the error', async () => {
    const { logger, lines } = readableLogger();
    const { calls, settle } = failing(2);
    const { signal } = new AbortController();
    await expect(untilAnswered(settle, logger, signal)).resolves.toBe('done');
    expect(calls.count).toBe(3);
    expect(lines).toHaveLength(2);
    expect(lines.join('')).toContain('asking again');
    expect(lines.join('')).not.toContain('secret');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('stops waiting when the signal ends it', async () => {
    const { logger } = readableLogger();
    const { calls, settle } = failing(Infinity);
    const stop = new AbortController();
    const settled = untilAnswered(settle, logger, stop.signal);
    stop.abort();
    await expect(settled).rejects.toThrow(/aborted/);
    expect(calls.count).toBe(1);
  });

  it('listens once for the end of its message, however often it asks again', async () => {
    const { logger } = readableLogger();
    const { calls, settle } = failing(2);
    const { signal } = createStop();
    let listeners = 0;
    const counted: StopSignal = {
      get aborted() {
        return signal.aborted;
      },
      addEventListener: (type, listener) => {
        listeners += 1;
        signal.addEventListener(type, listener);
      },
      removeEventListener: (type, listener) => signal.removeEventListener(type, listener),
    };
    await expect(untilAnswered(settle, logger, counted)).resolves.toBe('done');
    expect(calls.count).toBe(3);
    expect(listeners).toBe(1);
  });

  it('still asks once for a worker that has been told to go', async () => {
    const { logger } = readableLogger();
    await expect(untilAnswered(failing(0).settle, logger, AbortSignal.abort())).resolves.toBe('done');
    const { calls, settle } = failing(Infinity);
    await expect(untilAnswered(settle, logger, AbortSignal.abort())).rejects.toThrow(/aborted/);
    expect(calls.count).toBe(1);
  });
});
