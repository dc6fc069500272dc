import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mostInASecond } from '../../../bench/result/busiest-second.ts';
import { latenciesMs } from '../../../bench/result/latency.ts';
import { steadyPerSecond } from '../../../bench/result/throughput.ts';

describe('latencies', () => {
  const sent = [
    { conversationId: 'c1', atMs: 1000 },
    { conversationId: 'c2', atMs: 1010 },
  ];
  const arrived = [
    { conversationId: 'c2', atMs: 1012 },
    { conversationId: 'c1', atMs: 1005 },
  ];

  it('are the time from each call to the arrival of its own message, in the order of the calls', () => {
    expect(latenciesMs(sent, arrived)).toEqual([5, 2]);
  });

  it('are none if a message is missing, came twice or belongs to another conversation', () => {
    expect(() => latenciesMs(sent, arrived.slice(1))).toThrow('2 messages were sent, 1 arrived, in 1 conversations');
    expect(() =>
      latenciesMs(
        sent,
        [arrived[0], arrived[0]].flatMap((moment) => moment ?? []),
      ),
    ).toThrow('2 messages were sent, 2 arrived, in 1 conversations');
    const strangers = arrived.map(({ atMs }, index) => ({ conversationId: `x${index}`, atMs }));
    expect(() => latenciesMs(sent, strangers)).toThrow('the message of c1 has not arrived');
  });
});

describe('the steady throughput', () => {
  /** One arrival every 10 ms from 0 to 990. */
  const even = Array.from({ length: 100 }, (_, index) => index * 10);

  it('counts from the start on, in any order of the arrivals', () => {
    expect(steadyPerSecond(even, 490, 0)).toBeCloseTo(100);
    expect(steadyPerSecond(even.toReversed(), 490, 0)).toBeCloseTo(100);
  });

  it('leaves out the last ones, which may straggle', () => {
    const straggling = [...even, 5000, 9000];
    expect(steadyPerSecond(straggling, 490, 2)).toBeCloseTo(100);
    expect(steadyPerSecond(straggling, 490, 0)).toBeLessThan(10);
  });

  it('is an error if nothing is left to count', () => {
    expect(() => steadyPerSecond(even, 990, 0)).toThrow(RangeError);
    expect(() => steadyPerSecond(even, 0, 100)).toThrow(RangeError);
  });
});

describe('the most in a second', () => {
  it('is found wherever the second begins', () => {
    expect(mostInASecond([0, 900, 950, 1000, 1899, 1900, 5000])).toBe(4);
    expect(mostInASecond([])).toBe(0);
  });

  it('counts the end of a second to the next one, so that an even pace has as many as it says', () => {
    const even = Array.from({ length: 500 }, (_, index) => index * 20);
    expect(mostInASecond(even)).toBe(50);
  });

  it('is what counting from each moment says, in any order', () => {
    const moments = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(moments, (times) => {
        const counts = times.map((from) => times.filter((atMs) => atMs >= from && atMs < from + 1000).length);
        expect(mostInASecond(times)).toBe(Math.max(...counts));
      }),
    );
  });
});
