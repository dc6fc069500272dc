import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { abortSignalOf, orAborted, Stop } from '../../../src/worker/http/stop-signal.ts';

function listenerOf(heard: string[], name: string): () => void {
  return () => void heard.push(name);
}

describe('what ends the work on one message', () => {
  it('tells those that listen, once, and is aborted from then on', () => {
    const stop = new Stop();
    const heard: string[] = [];
    stop.addEventListener('abort', () => heard.push(`aborted: ${stop.aborted}`));
    stop.addEventListener('abort', listenerOf(heard, 'other'));
    expect([stop.aborted, heard]).toEqual([false, []]);
    stop.abort();
    stop.abort();
    expect(stop.aborted).toBe(true);
    expect(heard).toEqual(['aborted: true', 'other']);
  });

  it('tells nobody that has stopped listening, and nobody of what was before', () => {
    const stop = new Stop();
    const heard: string[] = [];
    const leaving = listenerOf(heard, 'leaving');
    stop.addEventListener('abort', leaving);
    stop.addEventListener('abort', listenerOf(heard, 'staying'));
    stop.removeEventListener('abort', leaving);
    stop.abort();
    stop.addEventListener('abort', listenerOf(heard, 'late'));
    stop.abort();
    expect(heard).toEqual(['staying']);
  });

  it('ends one message and no other', () => {
    const [one, other] = [new Stop(), new Stop()];
    one.abort();
    expect([one.aborted, other.aborted]).toEqual([true, false]);
  });
});

describe('the same as an AbortSignal', () => {
  it('is aborted when that ends the work, or has ended it before', () => {
    const stop = new Stop();
    const early = abortSignalOf(stop);
    expect(early.aborted).toBe(false);
    stop.abort();
    expect([early.aborted, abortSignalOf(stop).aborted]).toEqual([true, true]);
    expect(early.reason).toMatchObject({ name: 'AbortError' });
  });

  it('is the signal itself if it was one', () => {
    const { signal } = new AbortController();
    expect(abortSignalOf(signal)).toBe(signal);
  });
});

describe('waiting for work that may not heed a signal', () => {
  it('ends as the work does, and stops listening', async () => {
    const { signal } = new AbortController();
    expect(await orAborted(Promise.resolve('done'), signal)).toBe('done');
    await expect(orAborted(Promise.reject(new RangeError('bug')), signal)).rejects.toThrow(RangeError);
    await nextTurn();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('ends with the reason of the signal, be it aborted now or before', async () => {
    const end = new AbortController();
    const waiting = orAborted(new Promise(() => {}), end.signal);
    end.abort(new RangeError('over'));
    await expect(waiting).rejects.toThrow('over');
    await expect(orAborted(new Promise(() => {}), end.signal)).rejects.toThrow('over');
  });
});
