import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AttemptRecord,
  decodeHistory,
  encodeAttempt,
  type NewAttempt,
} from '../../../src/shared/model/attempts.ts';

const anyDetail = fc.oneof(
  fc.constant(null),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\n', '\r', '\u2028', '\u2029', '\0', '"', '\\', 'n', 'x') }),
);

const anyAttempt: fc.Arbitrary<AttemptRecord> = fc.record({
  at: fc
    .date({ min: new Date('2020-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  outcome: fc.constantFrom('delivered', 'rejected', 'failed', 'unknown', 'not-sent', 'held'),
  detail: anyDetail,
  httpStatus: fc.oneof(fc.constant(null), fc.integer({ min: 100, max: 999 })),
  durationMs: fc.nat(),
  usedAttempt: fc.boolean(),
});

function justEnded({ at, ...attempt }: AttemptRecord): NewAttempt {
  return { atMs: Date.parse(at), ...attempt };
}

describe('the history of attempts', () => {
  it('is empty before the first one', () => {
    expect(decodeHistory('')).toEqual([]);
  });

  it('is not read if it is longer than any that workers leave', () => {
    const line = '[1,"failed",null,500,1,1]';
    expect(decodeHistory(`${line}\n${line}`)).toHaveLength(2);
    expect(decodeHistory(`${line}\n`.repeat(10_000))).toEqual([]);
  });

  it('reads every attempt as it was written, one a line', () => {
    fc.assert(
      fc.property(fc.array(anyAttempt, { minLength: 1, maxLength: 50 }), (attempts) => {
        const lines = attempts.map((attempt) => encodeAttempt(justEnded(attempt)));
        for (const line of lines) expect(line).not.toContain('\n');
        expect(decodeHistory(lines.join('\n'))).toEqual(attempts);
      }),
    );
  });

  it('never changes its format between releases: histories are stored', () => {
    const attempt: AttemptRecord = {
      at: '2026-01-05T12:00:00.123Z',
      outcome: 'unknown',
      detail: 'no answer\nin 10000 ms',
      httpStatus: null,
      durationMs: 10_003,
      usedAttempt: true,
    };
    const line = String.raw`[1767614400123,"unknown","no answer\nin 10000 ms",null,10003,1]`;
    expect(encodeAttempt(justEnded(attempt))).toBe(line);
    expect(decodeHistory(line)).toEqual([attempt]);
  });

  it.each([
    ['no JSON', 'x'],
    ['another kind of value', '7'],
    ['too short', '[1,"unknown"]'],
    ['a time that is none', '[1e300,"unknown",null,null,1,1]'],
    ['an outcome that there is not', '[1,"__proto__",null,null,1,1]'],
    ['a detail that is no text', '[1,"unknown",{},null,1,1]'],
  ])('leaves out a line that is no attempt: %s', (_what, line) => {
    const good = String.raw`[1767614400123,"unknown",null,null,10003,1]`;
    expect(decodeHistory(`${line}\n${good}`)).toEqual(decodeHistory(good));
    expect(decodeHistory(line)).toEqual([]);
  });

  it('reads what a later version adds to an attempt', () => {
    expect(decodeHistory('[1767614400123,"unknown",null,null,10003,1,{"more":1}]')).toHaveLength(1);
  });
});
