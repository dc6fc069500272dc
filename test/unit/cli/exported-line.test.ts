import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withoutItsDeath } from '../../../src/cli/send/exported-line.ts';
import { deadLetterRecord } from '../../../src/shared/reading/dead-letter-record.ts';
import { deadReasons } from '../../../src/shared/model/dead-letter.ts';

const request = { pageId: 'p1', conversationId: 'c1', message: { type: 'text' as const, text: 'Hello' } };

function exportedLine(label: string | null, reason: (typeof deadReasons)[number]): Record<string, unknown> {
  const payload = {
    v: 1 as const,
    reason,
    request,
    enqueuedAt: '2026-11-22T10:00:00.000Z',
    attempts: [],
    attemptsUsed: 0,
    attemptsAllowed: 8,
    response: null,
    label,
    replayOf: null,
  };
  const { request: sent, ...record } = deadLetterRecord(
    { id: '0-01ARZ3NDEKTSV4RRFFQ69G5FAV', payload, deadAtMs: 1 },
    { keepDeadMs: 1 },
  );
  return JSON.parse(JSON.stringify({ ...record, message: sent?.message })) as Record<string, unknown>;
}

describe('withoutItsDeath', () => {
  it.each(deadReasons)('keeps the request and the label of an exported line: %s', (reason) => {
    expect(withoutItsDeath(exportedLine(null, reason))).toEqual(request);
    expect(withoutItsDeath(exportedLine('campaign', reason))).toEqual({ ...request, label: 'campaign' });
  });

  it('keeps what was added to an exported line, so that a typo is told and an option counts', () => {
    const line = { ...exportedLine(null, 'expired'), ttlMs: 60_000, lable: 'x' };
    expect(withoutItsDeath(line)).toEqual({ ...request, ttlMs: 60_000, lable: 'x' });
  });

  it('has nothing for a dead letter without a request', () => {
    expect(withoutItsDeath({ ...exportedLine(null, 'undecodable'), message: null })).toBeNull();
  });

  it('leaves every other line as it is, also one that has some of these fields', () => {
    const { message: _message, ...whole } = exportedLine('campaign', 'rejected');
    const marks = ['id', 'status', 'reason', 'deadAt'];
    fc.assert(
      fc.property(fc.subarray(Object.keys(whole)), fc.constantFrom(...marks), (names, missing) => {
        const kept = names.filter((name) => name !== missing);
        const line = { ...request, ...Object.fromEntries(kept.map((name) => [name, whole[name]])) };
        expect(withoutItsDeath(line)).toEqual(line);
      }),
    );
    const handWritten = { ...request, id: 1, status: 'dead', deadAt: 'x', reason: 'rejected' };
    expect(withoutItsDeath(handWritten)).toBe(handWritten);
    const invented = { ...whole, ...request, reason: 'bored' };
    expect(withoutItsDeath(invented)).toBe(invented);
  });
});
