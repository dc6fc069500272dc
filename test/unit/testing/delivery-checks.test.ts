import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SendRequest } from '../../../src/shared/model/message.ts';
import { canonicalJson } from '../../../src/testing/fake-api/canonical-json.ts';
import { createDeliveryChecks, type DeliveryFindings } from '../../../src/testing/fake-api/delivery-checks.ts';
import { sequenceOf } from '../../../src/testing/fake-api/sequence-of.ts';
import { textRequest } from './requests.ts';

function findingsAfter(accepted: SendRequest[]): DeliveryFindings {
  const checks = createDeliveryChecks({ identify: canonicalJson, sequenceOf });
  for (const [at, request] of accepted.entries()) checks.accepted(request, at);
  return checks.findings();
}

describe('createDeliveryChecks', () => {
  it('finds nothing in conversations that are in order', () => {
    const none = { count: 0, examples: [] };
    const accepted = [1, 2, 3].flatMap((n) => [textRequest(`a ${n}`, 'c1'), textRequest(`a ${n}`, 'c2')]);
    expect(findingsAfter(accepted)).toEqual({ duplicates: none, outOfOrder: none, overlaps: none });
  });

  it('finds a message that was accepted again, each time, and says when', () => {
    const { duplicates, outOfOrder } = findingsAfter([1, 2, 1, 3, 1].map((n) => textRequest(`a ${n}`)));
    expect(duplicates).toEqual({
      count: 2,
      examples: [
        { ...textRequest('a 1'), firstAt: 0, at: 2 },
        { ...textRequest('a 1'), firstAt: 0, at: 4 },
      ],
    });
    expect(outOfOrder.count).toBe(0);
  });

  it('takes the same message in other conversations, or on another page, for another one', () => {
    const accepted = [textRequest('a 1', 'c1', 'p1'), textRequest('a 1', 'c2', 'p1'), textRequest('a 1', 'c1', 'p2')];
    expect(findingsAfter(accepted).duplicates.count).toBe(0);
  });

  it('takes a message for the same one whatever the order of its keys', () => {
    const { pageId, conversationId, message } = textRequest('a 1');
    expect(
      findingsAfter([
        { pageId, conversationId, message },
        { message, conversationId, pageId },
      ]).duplicates.count,
    ).toBe(1);
  });

  it('finds a message that came after a later one of its conversation', () => {
    const { outOfOrder } = findingsAfter([1, 3, 2, 4].map((n) => textRequest(`a ${n}`)));
    expect(outOfOrder).toEqual({ count: 1, examples: [{ ...textRequest('a 2'), at: 2, sequence: 2, after: 3 }] });
  });

  it('has no opinion on the order of messages without a number', () => {
    expect(findingsAfter(['a 5', 'hello', 'a 6'].map((text) => textRequest(text))).outOfOrder.count).toBe(0);
  });

  it('counts exactly the messages that a higher one preceded, in any order and with any repeats', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(15)), { maxLength: 60 }), (sent) => {
        const firsts = sent.filter(
          ([conversation, n], i) => sent.findIndex(([c, m]) => c === conversation && m === n) === i,
        );
        const late = firsts.filter(([conversation, n], i) =>
          firsts.slice(0, i).some(([c, m]) => c === conversation && m > n),
        );
        const found = findingsAfter(sent.map(([conversation, n]) => textRequest(`a ${n}`, `c${conversation}`)));
        expect(found.outOfOrder.count).toBe(late.length);
        expect(found.duplicates.count).toBe(sent.length - firsts.length);
      }),
    );
  });

  it('finds a request that came while an earlier one of its conversation was open', () => {
    const checks = createDeliveryChecks({ identify: canonicalJson, sequenceOf });
    const first = checks.opened(textRequest('a 1'), 10);
    checks.opened(textRequest('b 1', 'c2'), 11)();
    const second = checks.opened(textRequest('a 2'), 12);
    first();
    second();
    checks.opened(textRequest('a 3'), 13)();
    const example = { ...textRequest('a 2'), at: 12, during: { type: 'text', text: 'a 1' } };
    expect(checks.findings().overlaps).toEqual({ count: 1, examples: [example] });
  });

  it('notices an overlap with the one that stayed open when another has ended', () => {
    const checks = createDeliveryChecks({ identify: canonicalJson, sequenceOf });
    checks.opened(textRequest('a 1'), 1);
    checks.opened(textRequest('a 2'), 2)();
    checks.opened(textRequest('a 3'), 3)();
    expect(checks.findings().overlaps.count).toBe(2);
  });

  it('lists ten examples at most, and counts all', () => {
    const { duplicates } = findingsAfter(Array<SendRequest>(31).fill(textRequest('a 1')));
    expect(duplicates.count).toBe(30);
    expect(duplicates.examples).toHaveLength(10);
  });
});
