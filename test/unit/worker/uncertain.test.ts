import { describe, expect, it } from 'vitest';
import type { AttemptRecord, OutcomeKind } from '../../../src/shared/model/attempts.ts';
import { detailAfterNotSent, isResolved, resolvedDetail, uncertainIn } from '../../../src/worker/message/uncertain.ts';

function attempt(second: number, outcome: OutcomeKind, detail: string | null = null): AttemptRecord {
  const at = new Date(Date.UTC(2026, 0, 5, 12, 0, second)).toISOString();
  return { at, outcome, detail, httpStatus: null, durationMs: 1, usedAttempt: true };
}

const timeout = 'no answer in 10000 ms';
const foundNotSent = resolvedDetail(timeout, 'not-sent');

describe('the uncertain attempts of a message', () => {
  const first = attempt(1, 'unknown', timeout);
  const second = attempt(2, 'unknown', timeout);

  it.each<[string, AttemptRecord[]]>([
    ['nothing was tried', []],
    ['nothing is unknown', [attempt(1, 'not-sent'), attempt(2, 'held'), attempt(3, 'failed')]],
    ['the hook found the only one not sent', [attempt(1, 'unknown', foundNotSent)]],
    ['the hook found all not sent, the last one at its end', [first, second, attempt(3, 'unknown', foundNotSent)]],
    [
      'the hook found them not sent before one that was not sent',
      [first, attempt(2, 'not-sent', detailAfterNotSent(null))],
    ],
  ])('are none if %s', (_why, history) => {
    expect(uncertainIn(history)).toBeNull();
  });

  it.each<[string, AttemptRecord[], number, number]>([
    ['the only one', [first], 0, 0],
    ['two: the last one, and since when', [first, second], 1, 0],
    ['one behind which others say nothing about it', [first, attempt(2, 'held'), attempt(3, 'not-sent')], 0, 0],
    ['one behind a failure', [attempt(1, 'failed'), second], 1, 1],
    [
      'only those since the hook found those before not sent',
      [first, attempt(2, 'unknown', detailAfterNotSent(timeout))],
      1,
      1,
    ],
    [
      'only those after one that the hook found not sent',
      [first, attempt(2, 'unknown', foundNotSent), attempt(3, 'unknown')],
      2,
      2,
    ],
    [
      'one that was found delivered by a hook, in vain',
      [attempt(1, 'unknown', resolvedDetail(timeout, 'delivered'))],
      0,
      0,
    ],
    ['a late answer, which stands behind a younger attempt', [second, first], 1, 1],
  ])('are %s', (_which, history, last, earliest) => {
    expect(uncertainIn(history)).toEqual({ attempt: history[last], since: history[earliest]?.at });
  });

  it('are told apart by what the hook said, in a detail that says both', () => {
    const both = attempt(2, 'unknown', resolvedDetail(detailAfterNotSent(timeout), 'not-sent'));
    expect(both.detail).toBe(
      'no answer in 10000 ms; resolveUnknown on the attempts before: not-sent; resolveUnknown: not-sent',
    );
    expect(isResolved(both)).toBe(true);
    expect(uncertainIn([first, both])).toBeNull();
    expect(isResolved(attempt(1, 'failed', foundNotSent))).toBe(false);
    expect(isResolved(first)).toBe(false);
  });
});
