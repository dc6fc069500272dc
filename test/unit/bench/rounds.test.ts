import { describe, expect, it } from 'vitest';
import type { Contest } from '../../../bench/benchmark.ts';
import { judge, judgeMarks } from '../../../bench/result/verdict.ts';
import { playRounds, type Round } from '../../../bench/rounds.ts';

/** Each side measures 1, 2, 3 …; what was measured is noted. */
function counting(measured: string[]): Contest {
  const side = (name: string): Contest['baseline'] => {
    let times = 0;
    return {
      name,
      async measure() {
        measured.push(name);
        times += 1;
        return { value: times, details: {} };
      },
    };
  };
  return { baseline: side('A'), subject: side('B'), async [Symbol.asyncDispose]() {} };
}

function roundsOf(pairs: readonly (readonly [subject: number, baseline: number])[]): Round[] {
  return pairs.map(([subject, baseline]) => ({
    subject: { value: subject, details: {} },
    baseline: { value: baseline, details: {} },
  }));
}

describe('rounds', () => {
  it('measure both sides in turn and drop the first round', async () => {
    const measured: string[] = [];
    const rounds = await playRounds(counting(measured), { rounds: 2 });
    expect(measured).toEqual(['A', 'B', 'A', 'B', 'A', 'B']);
    expect(rounds.map(({ baseline, subject }) => [baseline.value, subject.value])).toEqual([
      [2, 2],
      [3, 3],
    ]);
  });
});

describe('a verdict', () => {
  const threeRounds = roundsOf([
    [30, 10],
    [10, 10],
    [200, 100],
  ]);

  it('is about the median of the ratios of each round, not the ratio of medians', () => {
    expect(judge(threeRounds, { atMost: 2 })).toEqual({ ratio: { min: 1, median: 2, max: 3 }, holds: true });
  });

  it.each([
    [{ atMost: 2 }, true],
    [{ atMost: 1.99 }, false],
    [{ atLeast: 2 }, true],
    [{ atLeast: 2.01 }, false],
  ])('with the limit %j says %s for a ratio of 2', (limit, holds) => {
    expect(judge(threeRounds, limit).holds).toBe(holds);
  });

  it('without a limit holds, even about sides that have no ratio', () => {
    expect(judge(roundsOf([[5, 0]]), {}).holds).toBe(true);
  });

  it.each([{ atMost: 3 }, { atLeast: 0.95 }])(
    'with the limit %j never passes a round that measured nothing',
    (limit) => {
      expect(judge(roundsOf([[0, 0]]), limit).holds).toBe(false);
      expect(judge(roundsOf([[5, 0]]), limit).holds).toBe(false);
    },
  );
});

describe('a mark', () => {
  const rounds = [10, 30, 20].map((calls) => ({
    baseline: { value: 1, details: { calls: 1000 } },
    subject: { value: 1, details: { calls } },
  }));

  it.each([
    [{ atMost: 20 }, true],
    [{ atMost: 19 }, false],
    [{ atLeast: 21 }, false],
  ])("is about the median of the subject's own numbers: %j says %s for 20", (limit, holds) => {
    expect(judgeMarks(rounds, { marks: { calls: limit } }).get('calls')).toEqual({
      ratio: { min: 10, median: 20, max: 30 },
      holds,
    });
  });

  it('of a number that nobody measured is never passed', () => {
    expect(judgeMarks(rounds, { marks: { other: { atMost: 20 } } }).get('other')?.holds).toBe(false);
  });
});
