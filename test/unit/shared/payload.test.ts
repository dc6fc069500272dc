import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePayload, encodePayload, type MessagePayload } from '../../../src/shared/payload.ts';
import { validRequest } from './arbitrary-request.ts';

const request = { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } };

const payload: fc.Arbitrary<MessagePayload> = fc.record(
  {
    v: fc.constant(1 as const),
    request: validRequest,
    label: fc.string({ unit: 'binary' }),
    onUnknownOutcome: fc.constantFrom('resend', 'dead-letter'),
    replayOf: fc.string(),
  },
  { requiredKeys: ['v', 'request'] },
);

describe('encodePayload', () => {
  it('writes the JSON of the whole, also from a request that is JSON already', () => {
    fc.assert(
      fc.property(payload, (stored) => {
        expect(JSON.parse(encodePayload(stored))).toEqual(JSON.parse(JSON.stringify(stored)));
        expect(encodePayload(stored, JSON.stringify(stored.request))).toBe(encodePayload(stored));
      }),
    );
  });

  it('keeps the order of the fields that earlier versions wrote', () => {
    const stored: MessagePayload = { v: 1, request: { ...request, message: { type: 'text', text: 'Hello' } } };
    for (const more of [{}, { label: 'l' }, { onUnknownOutcome: 'resend', replayOf: '0-1' } as const]) {
      expect(encodePayload({ ...stored, ...more })).toBe(JSON.stringify({ ...stored, ...more }));
    }
  });
});

describe('decodePayload', () => {
  it('reads what a producer stores, and changes nothing of it', () => {
    fc.assert(
      fc.property(payload, (stored) => {
        const json = encodePayload(stored);
        const data: unknown = JSON.parse(json);
        expect(decodePayload(data)).toBe(data);
        expect(JSON.stringify(decodePayload(data))).toBe(json);
      }),
    );
  });

  it('reads a request that today would be refused: it was accepted when it was stored', () => {
    const data = { v: 1, request: { ...request, message: { type: 'sticker', id: 7 }, extra: true } };
    expect(decodePayload(data)).toBe(data);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'x'],
    ['a list', [{ v: 1, request }]],
    ['an empty object, as BullMQ keeps for a job without data', {}],
    ['a version to come', { v: 2, request }],
    ['no version', { request }],
    ['the version as a text', { v: '1', request }],
    ['a field of a version to come', { v: 1, request, encrypted: true }],
    ['no request', { v: 1 }],
    ['a request of null', { v: 1, request: null }],
    ['a request without a page', { v: 1, request: { ...request, pageId: undefined } }],
    ['a request without a conversation', { v: 1, request: { ...request, conversationId: 7 } }],
    ['a request without a message', { v: 1, request: { pageId: 'p1', conversationId: 'c1' } }],
    ['a message without a type', { v: 1, request: { ...request, message: {} } }],
    ['a policy to come', { v: 1, request, onUnknownOutcome: 'ask' }],
    ['a label that is no text', { v: 1, request, label: 7 }],
  ])('can not read %s', (_what, data) => {
    expect(decodePayload(data)).toBeNull();
  });
});
