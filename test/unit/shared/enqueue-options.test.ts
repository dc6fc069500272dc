import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseEnqueueOptions } from '../../../src/shared/enqueue-options.ts';

function pathsOf(input: unknown): string[] {
  const parsed = parseEnqueueOptions(input);
  return parsed.ok ? [] : parsed.issues.map(({ path }) => path);
}

describe('enqueue options', () => {
  it.each([
    ['none', undefined, {}],
    ['an empty object', {}, {}],
    ['an idempotency key', { idempotencyKey: 'order-17-shipped' }, { idempotencyKey: 'order-17-shipped' }],
    ['the longest idempotency key', { idempotencyKey: 'k'.repeat(256) }, { idempotencyKey: 'k'.repeat(256) }],
    ['a label with spaces', { label: 'spring campaign 🌷' }, { label: 'spring campaign 🌷' }],
    ['the longest label', { label: 'l'.repeat(64) }, { label: 'l'.repeat(64) }],
    ['the shortest time to live', { ttlMs: 1 }, { ttlMs: 1 }],
    ['resend', { onUnknownOutcome: 'resend' }, { onUnknownOutcome: 'resend' }],
    ['dead-letter', { onUnknownOutcome: 'dead-letter' }, { onUnknownOutcome: 'dead-letter' }],
    ['fields that are undefined', { ttlMs: undefined, label: undefined }, {}],
  ])('may be %s', (_, input, options) => {
    expect(parseEnqueueOptions(input)).toEqual({ ok: true, options });
  });

  it.each<[string, unknown, string[]]>([
    ['null', null, ['options']],
    ['a text', 'x', ['options']],
    ['an empty idempotency key', { idempotencyKey: '' }, ['options.idempotencyKey']],
    ['an idempotency key of 257 characters', { idempotencyKey: 'k'.repeat(257) }, ['options.idempotencyKey']],
    ['a number as idempotency key', { idempotencyKey: 17 }, ['options.idempotencyKey']],
    ['a line break in the idempotency key', { idempotencyKey: 'a\nb' }, ['options.idempotencyKey']],
    ['a label of 65 characters', { label: 'l'.repeat(65) }, ['options.label']],
    ['a control character in the label', { label: '\u009b' }, ['options.label']],
    ['a time to live of 0', { ttlMs: 0 }, ['options.ttlMs']],
    ['a negative time to live', { ttlMs: -1 }, ['options.ttlMs']],
    ['a fraction of a millisecond', { ttlMs: 1.5 }, ['options.ttlMs']],
    ['an endless time to live', { ttlMs: Infinity }, ['options.ttlMs']],
    ['a time to live past all dates', { ttlMs: Number.MAX_SAFE_INTEGER }, ['options.ttlMs']],
    ['a text as time to live', { ttlMs: '1000' }, ['options.ttlMs']],
    ['an unknown policy', { onUnknownOutcome: 'Resend' }, ['options.onUnknownOutcome']],
    [
      'options of a later version',
      { delayMs: 5, sendAt: 'x', priority: 'high' },
      ['options.delayMs', 'options.sendAt', 'options.priority'],
    ],
    ['several mistakes', { ttlMs: 0, label: '' }, ['options.ttlMs', 'options.label']],
    ['__proto__', JSON.parse('{"__proto__":{"ttlMs":1}}'), ['options.__proto__']],
  ])('are refused with the path: %s', (_, input, paths) => {
    expect(pathsOf(input)).toEqual(paths);
  });

  it('tell the option that an unknown one is likely a typo of', () => {
    expect(parseEnqueueOptions({ idempotencykey: 'a', ttl: 5 })).toEqual({
      ok: false,
      issues: [
        { path: 'options.idempotencykey', message: 'is not a documented field, did you mean idempotencyKey?' },
        { path: 'options.ttl', message: 'is not a documented field' },
      ],
    });
  });

  it('refuse every unknown key', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^x[a-zA-Z]{0,20}$/), fc.anything(), (key, value) => {
        expect(pathsOf({ label: 'a', [key]: value })).toEqual([`options.${key}`]);
      }),
    );
  });
});
