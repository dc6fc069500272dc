import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRefusedLines, describeLines } from '../../../src/cli/send/refused-lines.ts';

describe('refused lines', () => {
  const printed: string[] = [];
  const lines = createRefusedLines((text) => printed.push(text));
  beforeEach(() => {
    vi.useFakeTimers();
    lines.tell(0, ['none']);
    printed.length = 0;
  });
  afterEach(() => {
    lines.flush();
    vi.useRealTimers();
  });

  it('with the same problems are printed once, after the first, which is printed at once', () => {
    for (const number of [3, 4, 5, 9]) lines.tell(number, ['full']);
    expect(printed).toEqual(['line 3: full']);
    lines.tell(10, ['a', 'b']);
    lines.tell(11, ['a', 'b']);
    lines.flush();
    expect(printed.slice(1)).toEqual(['lines 4 to 5, 9: full', 'line 10: a', 'line 10: b', 'line 11: a', 'line 11: b']);
  });

  it('wait no longer than a second, and are a few lines however many they are', () => {
    for (let number = 1; number <= 30_000; number += 1) {
      lines.tell(number, ['full']);
      if (number % 10_000 === 0) vi.advanceTimersByTime(1000);
    }
    expect(printed).toEqual([
      'line 1: full',
      'lines 2 to 10000: full',
      'lines 10001 to 20000: full',
      'lines 20001 to 30000: full',
    ]);
  });

  it('between which others are stored never make a long line', () => {
    for (let number = 1; number <= 1000; number += 2) lines.tell(number, ['full']);
    lines.flush();
    expect(printed).toHaveLength(1 + Math.ceil(499 / 20));
  });

  it.each([
    [[7], 'line 7'],
    [[1, 2, 3, 7], 'lines 1 to 3, 7'],
    [[1, 2], 'lines 1 to 2'],
  ])('%j are %s', (numbers, text) => {
    expect(describeLines(numbers)).toBe(text);
  });
});
