import { describe, expect, it } from 'vitest';
import { keptData } from '../../../src/worker/message/kept-data.ts';

describe('what a dead letter keeps of data that is no message', () => {
  it.each([[null], [7], ['text'], [{ v: 99, later: true }], [{ sealed: 'x'.repeat(90 * 1024) }]])(
    'is all of it: %j',
    (data) => {
      expect(keptData(JSON.stringify(data))).toEqual(data);
    },
  );

  it('is its text, if that is no JSON', () => {
    expect(keptData('{"v":1,"requ')).toBe('{"v":1,"requ');
    expect(keptData('')).toBe('');
  });

  it('is its beginning, if it is larger than any message', () => {
    const kept = keptData(JSON.stringify({ text: 'x'.repeat(10 * 1024 * 1024) }));
    expect(kept).toMatch(/^\{"text":"x+… \[cut, it had 10485771 characters\]$/);
    expect(String(kept).length).toBeLessThan(3000);
  });

  it('is a word, if JSON can not be written of it', () => {
    expect(keptData('['.repeat(100_000) + ']'.repeat(100_000))).toBe('[nested too deeply]');
  });
});
