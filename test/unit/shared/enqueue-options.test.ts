import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseEnqueueOptions } from '../../../src/shared/model/enqueue-options.ts';

function pathsOf(input: unknown): string[] {
  const parsed = parseEnqueueOptions(input);
  return parsed.ok ? [] : parsed.issues.map(({ path }) => path);
}

const tomorrow = new Date('2026-11-23T00:00:00Z');

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
    ['a delay', { delayMs: 60_000 }, { delayMs: 60_000 }],
    ['a delay of nothing', { delayMs: 0 }, { delayMs: 0 }],
    ['a date to be sent at', { sendAt: tomorrow }, { sendAt: tomorrow }],
    ['a time in UTC', { sendAt: '2026-11-22T10:00:00Z' }, { sendAt: new Date('2026-11-22T10:00:00Z') }],
    ['a time in a zone', { sendAt: '2026-11-22T10:00:00.25+05:30' }, { sendAt: new Date('2026-11-22T04:30:00.250Z') }],
    ['a time that has passed', { sendAt: new Date(0) }, { sendAt: new Date(0) }],
    ['high priority', { priority: 'high' }, { priority: 'high' }],
    ['normal priority', { priority: 'normal' }, { priority: 'normal' }],
    ['fields that are undefined', { ttlMs: undefined, label: undefined }, {}],
    ['a delay, and a time that is undefined', { delayMs: 5, sendAt: undefined }, { delayMs: 5 }],
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
    ['a negative delay', { delayMs: -1 }, ['options.delayMs']],
    ['a delay past all dates', { delayMs: Number.MAX_SAFE_INTEGER }, ['options.delayMs']],
    ['a text as delay', { delayMs: '5' }, ['options.delayMs']],
    ['no date', { sendAt: new Date(Number.NaN) }, ['options.sendAt']],
    ['milliseconds as a time', { sendAt: 1_800_000_000_000 }, ['options.sendAt']],
    ['a time without a zone', { sendAt: '2026-11-22T10:00:00' }, ['options.sendAt']],
    ['a day without a time', { sendAt: '2026-11-22' }, ['options.sendAt']],
    ['a day that there is not', { sendAt: '2026-02-30T10:00:00Z' }, ['options.sendAt']],
    ['a delay and a time', { delayMs: 0, sendAt: tomorrow }, ['options.sendAt']],
    [
      'a delay, a time and another mistake',
      { delayMs: 0, sendAt: tomorrow, ttlMs: 0 },
      ['options.ttlMs', 'options.sendAt'],
    ],
    ['an unknown priority', { priority: 'urgent' }, ['options.priority']],
    ['a number as priority', { priority: 1 }, ['options.priority']],
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

  it('say what is wrong with a time', () => {
    const rule = 'must be a Date, or a time with a time zone, such as 2026-11-22T10:00:00Z';
    for (const sendAt of [5, 'tomorrow', null, new Date(Number.NaN)]) {
      expect(parseEnqueueOptions({ sendAt })).toEqual({
        ok: false,
        issues: [{ path: 'options.sendAt', message: rule }],
      });
    }
    expect(parseEnqueueOptions({ delayMs: 1, sendAt: tomorrow })).toEqual({
      ok: false,
      issues: [{ path: 'options.sendAt', message: 'is given, and so is delayMs: keep only one of them' }],
    });
  });

  it('take any date, as itself or as its text', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
        const expected = { ok: true, options: { sendAt: date } };
        expect(parseEnqueueOptions({ sendAt: date })).toEqual(expected);
        expect(parseEnqueueOptions({ sendAt: date.toISOString() })).toEqual(expected);
      }),
    );
  });

  it('refuse every unknown key', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^x[a-zA-Z]{0,20}$/), fc.anything(), (key, value) => {
        expect(pathsOf({ label: 'a', [key]: value })).toEqual([`options.${key}`]);
      }),
    );
  });
});
