import { describe, expect, it } from 'vitest';
import { parseFaults } from '../../../src/testing/fake-api/fault-schema.ts';
import { acceptsMessage, type AnsweringFault } from '../../../src/testing/fake-api/faults.ts';
import { problemsOf } from '../shared/config-problems.ts';

describe('parseFaults', () => {
  it('takes every kind of fault with all its settings', () => {
    const faults = [
      { kind: 'status', status: 503, retryAfter: 2, body: { success: false }, accept: true },
      { kind: 'latency', ms: 20, rate: 0.5 },
      { kind: 'hang', accept: true, times: 1 },
      { kind: 'reset', when: 'after', match: { pageId: 'p1', conversationId: 'c1', type: 'image', nth: 2 } },
      { kind: 'success-false', match: { textIncludes: 'x' } },
      { kind: 'redirect', location: 'https://example.com/' },
      { kind: 'slow-body', ms: 10 },
      { kind: 'broken-body' },
      { kind: 'huge-body', bytes: 1000 },
      { kind: 'garbage' },
    ];
    expect(parseFaults(faults)).toEqual(faults);
  });

  it.each([
    ['a list that is none', {}, 'faults: must be an array'],
    ['an unknown kind', [{ kind: 'flood' }], /^faults\[0\]\.kind: must be one of status, latency, hang/],
    ['a missing field', [{ kind: 'status' }], 'faults[0].status: is required'],
    ['a field of another kind', [{ kind: 'hang', ms: 1 }], 'faults[0].ms: is not a documented field'],
    ['a rate above 1', [{ kind: 'hang', rate: 12 }], 'faults[0].rate: must be at most 1'],
    ['a status that is no answer', [{ kind: 'status', status: 100 }], 'faults[0].status: must be at least 200'],
    ['a timer that Node would cut', [{ kind: 'latency', ms: 2 ** 31 }], 'faults[0].ms: must be at most 2147483647'],
    ['an nth of 0', [{ kind: 'hang' }, { kind: 'hang', match: { nth: 0 } }], 'faults[1].match.nth: must be at least 1'],
    ['times of 0', [{ kind: 'hang', times: 0 }], 'faults[0].times: must be at least 1'],
    [
      'a header with a line break',
      [{ kind: 'status', status: 429, retryAfter: '1\r\nx: y' }],
      /^faults\[0\]\.retryAfter: /,
    ],
    [
      'a location with a space',
      [{ kind: 'redirect', location: '/a b' }],
      'faults[0].location: must be a URL or a path',
    ],
  ])('refuses %s and names the place', (_what, input, problem) => {
    expect(problemsOf(() => parseFaults(input))).toEqual([
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    ]);
  });

  it('names all problems at once', () => {
    expect(
      problemsOf(() =>
        parseFaults([
          { kind: 'hang', rate: 2 },
          { kind: 'latency', ms: -1 },
        ]),
      ),
    ).toHaveLength(2);
  });
});

describe('acceptsMessage', () => {
  it.each<[AnsweringFault | null, boolean]>([
    [null, true],
    [{ kind: 'status', status: 500 }, false],
    [{ kind: 'status', status: 500, accept: true }, true],
    [{ kind: 'status', status: 202 }, true],
    [{ kind: 'status', status: 200, accept: false }, false],
    [{ kind: 'hang' }, false],
    [{ kind: 'hang', accept: true }, true],
    [{ kind: 'reset', when: 'before' }, false],
    [{ kind: 'reset', when: 'after' }, true],
    [{ kind: 'success-false' }, false],
    [{ kind: 'redirect' }, false],
    [{ kind: 'slow-body', ms: 1 }, true],
    [{ kind: 'broken-body' }, true],
    [{ kind: 'huge-body', bytes: 1 }, true],
    [{ kind: 'garbage' }, false],
    [{ kind: 'garbage', accept: true }, true],
  ])('says for %j: %s', (fault, accepted) => {
    expect(acceptsMessage(fault)).toBe(accepted);
  });
});
