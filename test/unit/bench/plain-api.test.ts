import { describe, expect, it } from 'vitest';
import { startPlainApi } from '../../../bench/stage/plain-api.ts';
import { requestOf } from '../../../bench/workload.ts';
import { monotonicMs } from '../../support/api/monotonic-ms.ts';

const ONE = 1;

describe('the API of the benchmarks', () => {
  it('notes what comes while the message before has no answer, and what comes too late or twice', async () => {
    await using api = await startPlainApi(50);
    const send = async (index: number, conversations = ONE): Promise<void> => {
      const body = JSON.stringify(requestOf(index, conversations));
      expect(await (await fetch(api.url, { method: 'POST', body })).json()).toEqual({ success: true });
    };
    await send(0);
    await send(1);
    expect(await api.tally()).toEqual({ arrived: 2, overlaps: 0, disordered: 0 });
    await Promise.all([send(2), send(3)]);
    expect(await api.tally()).toMatchObject({ arrived: 4, overlaps: 1 });
    await api.forget();
    await send(5);
    await send(4);
    await send(4);
    expect(await api.tally()).toEqual({ arrived: 3, overlaps: 0, disordered: 2 });
    await api.forget();
    await Promise.all([send(0, 2), send(1, 2)]);
    expect(await api.tally()).toEqual({ arrived: 2, overlaps: 0, disordered: 0 });
  });

  it('tells when messages arrived, in order', async () => {
    await using api = await startPlainApi(0);
    const fromMs = monotonicMs();
    for (const index of [0, 1]) {
      await fetch(api.url, { method: 'POST', body: JSON.stringify(requestOf(index, 10)) });
    }
    const arrivals = await api.arrivalsMs();
    expect(arrivals).toHaveLength(2);
    const moments = [fromMs, ...arrivals, monotonicMs()];
    expect(moments).toEqual(moments.toSorted((a, b) => a - b));
    await api.forget();
    expect(await api.arrivalsMs()).toEqual([]);
  });

  it('tells how long ago messages were handed over to be stored, if they say so', async () => {
    await using api = await startPlainApi(0);
    const storedAtMs = monotonicMs() - 1000;
    for (const stamp of [undefined, storedAtMs.toFixed(3)]) {
      await fetch(api.url, { method: 'POST', body: JSON.stringify(requestOf(7, 10, stamp)) });
    }
    const delays = await api.delaysMs();
    expect(delays).toHaveLength(1);
    expect(delays[0]).toBeGreaterThanOrEqual(1000);
    expect(delays[0]).toBeLessThanOrEqual(monotonicMs() - storedAtMs);
  });
});
