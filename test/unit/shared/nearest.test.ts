import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { nearest } from '../../../src/shared/validation/nearest.ts';

describe('the nearest name', () => {
  const names = ['pageId', 'conversationId', 'message', 'text', 'url'];

  it.each([
    ['pageid', 'pageId'],
    ['page_id', 'pageId'],
    ['PAGE-ID', 'pageId'],
    ['conversatoinId', 'conversationId'],
    ['mesage', 'message'],
    ['txet', 'text'],
    ['uri', 'url'],
  ])('is found for %s: %s', (name, expected) => {
    expect(nearest(name, names)).toBe(expected);
  });

  it.each(['', 'x', 'attachments', 'payload', 'q'.repeat(100_000)])('is not made up for %.20s', (name) => {
    expect(nearest(name, names)).toBeUndefined();
  });

  it('survives one dropped, doubled or swapped letter of a long name', () => {
    const mistake = fc.constantFrom('drop', 'double', 'swap');
    fc.assert(
      fc.property(fc.nat({ max: 12 }), mistake, (at, kind) => {
        const name = 'conversationId';
        const before = name.slice(0, at);
        const [a = '', b = ''] = name.slice(at, at + 2);
        const middle = { drop: b, double: a + a + b, swap: b + a }[kind] ?? '';
        expect(nearest(before + middle + name.slice(at + 2), names)).toBe(name);
      }),
    );
  });
});
