import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Inferred, type Scope, scopeOf } from '../../../../src/worker/evidence/scope.ts';
import { type Answer, evidenceFrom, play, type Step } from './histories.ts';
import { explainedBy, neededFor } from './oracle.ts';

interface Given {
  lastedMs?: number;
  conversations?: number;
}

/** Judges the last answer of a history, which met the trouble. */
function judge(trouble: Inferred, history: readonly Answer[], given: Given = {}): { scope: Scope; seenIn: number } {
  const { place, ...evidence } = evidenceFrom(history, trouble);
  const { scope, conversations } = scopeOf(place, { ...evidence, trouble, ...given });
  return { scope, seenIn: conversations };
}

/** Pages are named after their keys: `a1` and `a2` have the key `a`. */
type Example = [what: string, trouble: Inferred, steps: Step[], scope: Scope, given?: Given];

describe('how much a trouble concerns', () => {
  it.each<Example>([
    ['one conversation that fails', 'failing', [{ met: 'a1' }], 'conversation'],
    ['four conversations that fail', 'failing', [{ met: 'a1', times: 4 }], 'conversation'],
    ['one conversation that fails often', 'failing', [{ met: 'a1', times: 100, of: 1 }], 'conversation'],
    ['five, of the only page in use', 'failing', [{ met: 'a1', times: 5 }], 'api'],
    ['five of a page, while another works', 'failing', [{ ok: 'a2' }, { met: 'a1', times: 5 }], 'page'],
    ['five of a page, while another key works', 'failing', [{ ok: 'b1' }, { met: 'a1', times: 5 }], 'page'],
    [
      'five of a page, while another worked until a minute ago',
      'failing',
      [{ ok: 'a2' }, { wait: 60_000 }, { met: 'a1', times: 5 }],
      'api',
    ],
    [
      'five of two pages of the only key',
      'failing',
      [
        { met: 'a1', times: 3 },
        { met: 'a2', times: 2 },
      ],
      'api',
    ],
    [
      'five of two pages of a key, while a third page of it worked before',
      'failing',
      [{ ok: 'a3' }, { met: 'a1', times: 3 }, { met: 'a2', times: 2 }],
      'api',
    ],
    [
      'five of two pages of a key, while another key works',
      'failing',
      [{ ok: 'b1' }, { met: 'a1', times: 3 }, { met: 'a2', times: 2 }],
      'key',
    ],
    [
      'five of a page whose key was replaced between them, while another page works',
      'failing',
      [{ ok: 'b1' }, { met: 'a1', times: 3 }, { rekey: 'a1', to: 'd' }, { met: 'a1', times: 2 }],
      'page',
    ],
    ['five of two keys', 'failing', [{ met: 'a1', times: 4 }, { met: 'b1' }], 'api'],
    [
      'five of two keys, while a third worked before',
      'failing',
      [{ ok: 'c1' }, { met: 'a1', times: 4 }, { met: 'b1' }],
      'api',
    ],
    [
      'five, and a success of the page between them',
      'failing',
      [{ met: 'a1', times: 4 }, { ok: 'a1' }, { met: 'a1' }],
      'conversation',
    ],
    [
      'five of a page, and a success of another page between them',
      'failing',
      [{ met: 'a1', times: 4 }, { ok: 'a2' }, { met: 'a1' }],
      'page',
    ],
    [
      'five of a key, and a success of another key between them',
      'failing',
      [{ met: 'a1', times: 2 }, { met: 'a2', times: 2 }, { ok: 'b1' }, { met: 'a1' }],
      'key',
    ],
    [
      'five, of which four failed ten seconds ago',
      'failing',
      [{ met: 'a1', times: 4 }, { wait: 10_000 }, { met: 'a1' }],
      'conversation',
    ],
    ['two conversations at a limit', 'limited', [{ met: 'a1', times: 2 }], 'conversation'],
    ['three at a limit, of the only page in use', 'limited', [{ met: 'a1', times: 3 }], 'page'],
    ['three at a limit, of two pages of the only key', 'limited', [{ met: 'a1', times: 2 }, { met: 'a2' }], 'key'],
    ['three at a limit, of two keys', 'limited', [{ met: 'a1', times: 2 }, { met: 'b1' }], 'api'],
    [
      'three at a limit, and a success of the page between them',
      'limited',
      [{ met: 'a1', times: 2 }, { ok: 'a1' }, { met: 'a1' }],
      'conversation',
    ],
    ['49 that are forbidden at once', 'forbidden', [{ met: 'a1', times: 49 }], 'conversation'],
    ['50 that are forbidden at once', 'forbidden', [{ met: 'a1', times: 50 }], 'key'],
    ['two that are forbidden for 5 s', 'forbidden', [{ met: 'a1', times: 2 }], 'conversation', { lastedMs: 5000 }],
    ['three that are forbidden for 5 s', 'forbidden', [{ met: 'a1', times: 3 }], 'key', { lastedMs: 5000 }],
    ['three that are forbidden for less', 'forbidden', [{ met: 'a1', times: 3 }], 'conversation', { lastedMs: 4999 }],
    [
      'three of a page that are forbidden for 5 s, while another page works',
      'forbidden',
      [{ ok: 'a2' }, { met: 'a1', times: 3 }],
      'page',
      { lastedMs: 5000 },
    ],
    [
      'three of each of two keys that are forbidden for 5 s: never more than a key',
      'forbidden',
      [
        { met: 'b1', times: 3 },
        { met: 'a1', times: 2 },
        { met: 'a2', times: 1 },
      ],
      'key',
      { lastedMs: 5000 },
    ],
    ['19 that are rejected alike', 'refusing', [{ met: 'a1', times: 19 }], 'conversation'],
    ['20 that are rejected alike', 'refusing', [{ met: 'a1', times: 20 }], 'api'],
    [
      '20 that are rejected in an hour',
      'refusing',
      [{ met: 'a1', times: 19 }, { wait: 3_500_000 }, { met: 'a1' }],
      'api',
    ],
    ['20 of a page, while another page works', 'refusing', [{ ok: 'b1' }, { met: 'a1', times: 20 }], 'page'],
    ['as many as the settings say', 'refusing', [{ met: 'a1', times: 5 }], 'api', { conversations: 5 }],
    ['fewer than the settings say', 'refusing', [{ met: 'a1', times: 30 }], 'conversation', { conversations: 31 }],
  ])('%s', (...[, trouble, steps, scope, given]) => {
    expect(judge(trouble, play(steps), given).scope).toBe(scope);
  });

  it('says in how many conversations it was seen', () => {
    expect(judge('failing', play([{ met: 'a1', times: 7 }, { met: 'b1' }]))).toEqual({ scope: 'api', seenIn: 8 });
    expect(judge('failing', play([{ met: 'a1' }]))).toEqual({ scope: 'conversation', seenIn: 1 });
  });

  it('knows conversations of different pages apart, although they have the same id', () => {
    const steps = ['a1', 'a2', 'a3', 'a4', 'a5'].map((met): Step => ({ met, of: 1 }));
    expect(judge('failing', play(steps))).toEqual({ scope: 'api', seenIn: 5 });
  });

  const anyTrouble = fc.constantFrom('failing', 'limited', 'forbidden', 'refusing');
  const anyPage = fc.constantFrom('a1', 'a2', 'a3', 'b1', 'b2', 'c1');
  const anyWait = fc.record({ wait: fc.constantFrom(1000, 9000, 59_000, 61_000, 3_600_000) });
  /** Some conversations of a page, which may have met the trouble before. */
  const anyMeeting = fc.record({
    met: anyPage,
    times: fc.constantFrom(1, 1, 2, 3, 5, 20, 50),
    of: fc.constantFrom(1, 2, 5, 100),
  });
  const anyStep = fc.oneof(
    { weight: 5, arbitrary: anyMeeting },
    { weight: 2, arbitrary: fc.record({ ok: anyPage }) },
    { weight: 1, arbitrary: fc.record({ otherwise: anyPage }) },
    { weight: 1, arbitrary: anyWait },
    // The key of a page is replaced.
    { weight: 1, arbitrary: fc.record({ rekey: anyPage, to: fc.constantFrom('a', 'b', 'd') }) },
  );
  const anyGiven = fc.record(
    { lastedMs: fc.constantFrom(0, 4999, 5000, 60_000), conversations: fc.constantFrom(1, 4) },
    { requiredKeys: [] },
  );

  it('is the smallest scope that explains every history since its last success', () => {
    const seen = new Set<string>();
    const property = fc.property(
      anyTrouble,
      fc.array(anyStep, { maxLength: 12 }),
      anyPage,
      anyGiven,
      (trouble, steps, last, given) => {
        const history = play([...steps, { met: last }]);
        const expected = explainedBy(history, trouble, neededFor(trouble, given));
        expect(judge(trouble, history, given)).toEqual(expected);
        seen.add(`${trouble} ${expected.scope}`);
      },
    );
    fc.assert(property, { numRuns: 3000 });
    // Otherwise the histories show less than they seem to.
    expect(seen.size).toBe(4 * 4 - 1);
    expect(seen).not.toContain('forbidden api');
  });
});
