import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Alarm, createAlarm } from '../../../src/worker/bullmq/alarm.ts';

/** Times that lie near each other ring together. */
const GRID_MS = 20;

interface HeardAlarm extends Alarm {
  heard: { times: number; passedOn: number };
  /** Waits, and tells how often it has come back. */
  listen(call?: (() => Promise<boolean>) | null): { rang: number };
}

function newAlarm(): HeardAlarm {
  const heard = { times: 0, passedOn: 0 };
  const alarm = createAlarm({ onTime: () => (heard.times += 1), passOn: () => (heard.passedOn += 1) });
  return {
    ...alarm,
    heard,
    listen(call = null) {
      const waiting = { rang: 0 };
      void alarm.wait(call).then(() => (waiting.rang += 1));
      return waiting;
    },
  };
}

const pass = async (ms: number): Promise<void> => void (await vi.advanceTimersByTimeAsync(ms));

describe('the alarm of a worker', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }));
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it('rings when a slot is due, for whoever waits', async () => {
    const alarm = newAlarm();
    const waiting = alarm.listen();
    alarm.set(300);
    await pass(299);
    expect(waiting.rang).toBe(0);
    await pass(1);
    expect([waiting.rang, alarm.heard.times]).toEqual([1, 0]);
  });

  it('makes the worker look where nobody waits', async () => {
    const alarm = newAlarm();
    alarm.set(300);
    await pass(300);
    expect(alarm.heard.times).toBe(1);
  });

  it('leaves no timer behind when it is stopped, also not for what is told later', async () => {
    const alarm = newAlarm();
    alarm.due(3_600_000);
    alarm.set(Infinity);
    expect(vi.getTimerCount()).toBe(1);
    alarm.stop();
    alarm.set(300);
    expect(vi.getTimerCount()).toBe(0);
    await pass(300);
    expect(alarm.heard.times).toBe(0);
  });

  it('does not ring before a slot is due, though timers may come early', async () => {
    const alarm = newAlarm();
    alarm.set(300);
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() - 0.5);
    await pass(300);
    expect(alarm.heard.times).toBe(0);
    await pass(1);
    expect(alarm.heard.times).toBe(1);
  });

  it('has no time of its own if nothing is to come', async () => {
    const alarm = newAlarm();
    alarm.set(Infinity);
    await pass(1_000_000);
    expect([alarm.heard.times, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('knows why it rings: the worker had said that it would look, or a wait is over', async () => {
    const alarm = newAlarm();
    alarm.due(100);
    alarm.woken(200);
    expect(alarm.takeReason()).toBe('');
    await pass(100 + GRID_MS);
    expect([alarm.takeReason(), alarm.takeReason()]).toEqual(['due', '']);
    await pass(100);
    expect([alarm.takeReason(), alarm.takeReason()]).toEqual(['woken', '']);
  });

  it('forgets no wait for another one, and takes together what is over at nearly the same time', async () => {
    const alarm = newAlarm();
    for (const ms of [1000, 105, 110, 115, 500]) alarm.due(ms);
    const rung: number[] = [];
    for (let ms = 0; ms < 1100; ms += 1) {
      if (alarm.takeReason() === 'due') rung.push(ms);
      await pass(1);
    }
    expect(rung).toEqual([100 + GRID_MS, 500, 1000]);
  });

  it('rings at its time also when no timer lasts that long', async () => {
    const alarm = newAlarm();
    const longMs = 2 ** 32;
    alarm.due(longMs);
    alarm.set(Infinity);
    await pass(longMs - GRID_MS);
    expect(alarm.heard.times).toBe(0);
    await pass(2 * GRID_MS);
    expect(alarm.heard.times).toBe(1);
  });

  it('rings when Redis calls', async () => {
    const alarm = newAlarm();
    const call = Promise.withResolvers<boolean>();
    const waiting = alarm.listen(() => call.promise);
    await pass(0);
    expect(waiting.rang).toBe(0);
    call.resolve(true);
    await pass(0);
    expect([waiting.rang, alarm.heard.passedOn]).toEqual([1, 0]);
  });

  it('listens once, however often the worker waits, and passes a call on that nobody waits for any more', async () => {
    const alarm = newAlarm();
    const calls: ((isCall: boolean) => void)[] = [];
    const listen = (): Promise<boolean> => {
      const call = Promise.withResolvers<boolean>();
      calls.push(call.resolve);
      return call.promise;
    };
    const first = alarm.listen(listen);
    alarm.ring();
    await pass(0);
    const second = alarm.listen(listen);
    expect([first.rang, second.rang, calls.length]).toEqual([1, 0, 1]);
    alarm.ring();
    await pass(0);
    calls[0]?.(true);
    await pass(0);
    expect([second.rang, alarm.heard.passedOn]).toEqual([1, 1]);
    alarm.listen(listen);
    expect(calls).toHaveLength(2);
  });

  it('goes on when listening fails, and passes nothing on', async () => {
    const alarm = newAlarm();
    const waiting = alarm.listen(() => Promise.reject(new Error('Connection is closed.')));
    await pass(0);
    expect([waiting.rang, alarm.heard.passedOn]).toEqual([1, 0]);
  });
});
