import { describe, expect, it } from 'vitest';
import type { Circuits, OpenCircuit } from '../../../src/shared/lanes/fleet/circuits.ts';
import type { StandingHold } from '../../../src/shared/lanes/holds/hold.ts';
import { laneOf } from '../../../src/shared/lanes/key-names.ts';
import { describeHolds, heldUntil, lacksKey, pageHolds } from '../../../src/shared/reading/holds.ts';

const nowMs = Date.parse('2026-11-22T10:00:00Z');
const since = '2026-11-22T09:00:00.000Z';

function standing(target: Omit<StandingHold, 'reason'> = {}): StandingHold {
  return { ...target, reason: 'operator' };
}

const limited = { scope: 'api', reason: 'rate-limited', what: 'HTTP 429', conversations: 3, isPaced: true } as const;

/** A circuit whose next message may leave after some ms. */
function circuit(field: string, leftMs: number, more: Partial<OpenCircuit>): OpenCircuit {
  return { ...limited, field, since: Date.parse(since), probeAt: nowMs + leftMs, ...more };
}

function ofPage(page: string, leftMs: number, more: Partial<OpenCircuit> = {}): OpenCircuit {
  return circuit(`limited page:${page}`, leftMs, { scope: 'page', page, ...more });
}

const calm: Circuits = { nowMs, open: [] };

describe('describeHolds', () => {
  it('shows a hold of everything once, though it stands in every shard, and the widest first', () => {
    const holds = [standing({ page: 'p2', conversation: 'c1' }), standing({ page: 'p2' }), standing(), standing()];
    expect(describeHolds(holds, { nowMs, open: [ofPage('p1', 5000), circuit('limited api', 1, {})] })).toMatchObject([
      { scope: 'all', reason: 'operator' },
      { scope: 'api', reason: 'rate-limited' },
      { scope: 'page', page: 'p1', reason: 'rate-limited' },
      { scope: 'page', page: 'p2', reason: 'operator' },
      { scope: 'conversation', page: 'p2', conversation: 'c1', reason: 'operator' },
    ]);
  });

  it('shows an operator’s hold without evidence or end, and for which dead letter a conversation waits', () => {
    const waiting = { page: 'p1', conversation: 'c1', reason: 'dead-letter', letter: '0-01H' } as const;
    expect(describeHolds([standing({ page: 'p1' }), waiting], calm)).toEqual([
      { scope: 'page', page: 'p1', reason: 'operator' },
      { scope: 'conversation', page: 'p1', conversation: 'c1', reason: 'dead-letter', letter: '0-01H' },
    ]);
  });

  it('shows both holds of a page', () => {
    expect(describeHolds([standing({ page: 'p1' })], { nowMs, open: [ofPage('p1', 1)] })).toHaveLength(2);
  });

  it('shows of a page’s circuit what its conversations met, since when, and until when', () => {
    const open = [ofPage('p1', 5000), ofPage('p2', 0, { reason: 'api-down', what: 'HTTP 500', isPaced: false })];
    const shown = { scope: 'page', since } as const;
    expect(describeHolds([], { nowMs, open })).toEqual([
      {
        ...shown,
        page: 'p1',
        reason: 'rate-limited',
        evidence: 'HTTP 429 from 3 conversations of page p1',
        until: '2026-11-22T10:00:05.000Z',
        isPaced: true,
      },
      { ...shown, page: 'p2', reason: 'api-down', evidence: 'HTTP 500 from 3 conversations of page p2' },
    ]);
  });

  it.each<[string, Partial<OpenCircuit>, string]>([
    ['no conversation', { conversations: 0, what: 'HTTP 401' }, 'HTTP 401'],
    ['one conversation', { conversations: 1, what: 'no answer' }, 'no answer from 1 conversation'],
    ['several', { conversations: 20 }, 'HTTP 429 from 20 conversations'],
  ])('counts the evidence: %s', (_what, more, evidence) => {
    expect(describeHolds([], { nowMs, open: [circuit('limited api', 1, more)] })).toMatchObject([{ evidence }]);
  });

  it('names a key by its fingerprint and its source, with the pages that wait for it', () => {
    const open = [
      circuit('unauthorized key:fingerprint', 2000, {
        scope: 'key',
        reason: 'unauthorized',
        what: 'HTTP 401',
        conversations: 0,
        isPaced: false,
        keySource: 'KITECHAT_API_KEY_FILE',
        pages: { named: ['p1', 'p2'], count: 30 },
      }),
    ];
    expect(describeHolds([], { nowMs, open })).toEqual([
      {
        scope: 'key',
        key: 'fingerprint',
        reason: 'unauthorized',
        evidence: 'HTTP 401',
        since,
        until: '2026-11-22T10:00:02.000Z',
        keySource: 'KITECHAT_API_KEY_FILE',
        pages: ['p1', 'p2'],
        pageCount: 30,
      },
    ]);
  });

  it.each([0, -1])('shows no end while a probe is due, since %i ms', (leftMs) => {
    const [hold] = describeHolds([], { nowMs, open: [circuit('failing api', leftMs, { isPaced: false })] });
    expect(hold).not.toHaveProperty('until');
    expect(hold).not.toHaveProperty('isPaced');
  });
});

describe('pageHolds', () => {
  it('leaves out what holds keys and the API', () => {
    const open = [circuit('limited api', 1, {}), circuit('limited key:k', 1, { scope: 'key' }), ofPage('p1', 1)];
    expect(pageHolds({ nowMs, open, standing: [standing()] })).toMatchObject([{ scope: 'all' }, { page: 'p1' }]);
  });
});

describe('lacksKey', () => {
  it.each<[string, Partial<OpenCircuit>, boolean]>([
    ['without a key', { reason: 'unauthorized', what: 'there is no API key for this page', conversations: 0 }, true],
    ['that is refused with 403', { reason: 'unauthorized', what: 'HTTP 403' }, false],
    ['at a limit', {}, false],
  ])('of a page %s', (_what, more, lacks) => {
    const [hold] = describeHolds([], { nowMs, open: [ofPage('p1', 1, more)] });
    expect(hold && lacksKey(hold)).toBe(lacks);
  });
});

describe('heldUntil', () => {
  const odd = 'a page/with a slash';
  const probed = { isPaced: false };
  it.each<[string, StandingHold[], OpenCircuit[], number | null | undefined]>([
    ['nothing', [], [], undefined],
    ['everything', [standing()], [], null],
    ['its page', [standing({ page: odd })], [], null],
    ['its conversation', [standing({ page: odd, conversation: 'c1' })], [], null],
    ['another page', [standing({ page: 'p2' })], [ofPage('p2', 5000)], undefined],
    ['another conversation of its page', [standing({ page: odd, conversation: 'c2' })], [], undefined],
    ['that conversation of another page', [standing({ page: 'p2', conversation: 'c1' })], [], undefined],
    ['a limit of its page, for a time', [], [ofPage(odd, 5000)], nowMs + 5000],
    ['a limit of its page, at a pace now', [], [ofPage(odd, 0)], undefined],
    ['a failure of its page, for a time', [], [ofPage(odd, 5000, probed)], nowMs + 5000],
    ['a failure of its page, until a probe has succeeded', [], [ofPage(odd, -5000, probed)], nowMs],
    ['two circuits of its page', [], [ofPage(odd, 5000), ofPage(odd, 7000, probed)], nowMs + 7000],
    ['an operator and a circuit', [standing({ page: odd })], [ofPage(odd, 5000)], null],
  ])('of a message that is held by %s', (...[, held, open, until]) => {
    expect(heldUntil({ nowMs, open, standing: held }, laneOf(odd, 'c1'))).toBe(until);
  });
});
