import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStored, storedFields } from '../../../src/shared/model/stored-message.ts';
import { validRequest } from './arbitrary-request.ts';

type Stored = Parameters<typeof readStored>[0];

const request = { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } };
const sealed = { pageId: 'p1', conversationId: 'c1', sealed: 'k1.a' };

function fields(stored: Partial<Stored> = {}): Stored {
  return { data: JSON.stringify(request), label: null, policy: null, replays: null, ...stored };
}

describe('readStored', () => {
  it('reads the fields of the job, and leaves out those that are not there', () => {
    expect(storedFields).toEqual(Object.keys(fields()));
    expect(readStored(fields())).toEqual({ request });
    expect(readStored(fields({ label: 'l', policy: 'dead-letter', replays: '0-1' }))).toEqual({
      request,
      label: 'l',
      onUnknownOutcome: 'dead-letter',
      replayOf: '0-1',
    });
    expect(readStored(fields({ data: JSON.stringify(sealed) }))).toEqual({ request: sealed });
  });

  it('reads every request that producers take, and changes nothing of it', () => {
    fc.assert(
      fc.property(validRequest, (stored) => {
        const data = JSON.stringify(stored);
        expect(JSON.stringify(readStored(fields({ data }))?.request)).toBe(data);
      }),
    );
  });

  it('reads a request that today would be refused: it was accepted when it was stored', () => {
    const old = { ...request, message: { type: 'sticker', id: 7 }, extra: true };
    expect(readStored(fields({ data: JSON.stringify(old) }))).toEqual({ request: old });
  });

  it.each<[string, unknown]>([
    ['a number', 7],
    ['null', null],
    ['a text', 'x'],
    ['a list', [request]],
    ['an empty object, as BullMQ keeps for a job without data', {}],
    ['what was stored before this layout', { v: 1, request }],
    ['a request without a page', { ...request, pageId: undefined }],
    ['a request with a conversation that is no text', { ...request, conversationId: 7 }],
    ['a request without a message', { pageId: 'p1', conversationId: 'c1' }],
    ['a message without a type', { ...request, message: {} }],
    ['a page id of 1 KB', { ...request, pageId: 'p'.repeat(1024) }],
    ['a sealed message with one in clear beside it', { ...sealed, message: { type: 'text' } }],
    ['a sealed message that is no text', { ...sealed, sealed: { type: 'text' } }],
    ['a sealed message without a page', { ...sealed, pageId: undefined }],
    ['a sealed message with more', { ...sealed, to: 'c2' }],
    ['a sealed message of 200 KB', { ...sealed, sealed: 'k'.repeat(200 * 1024) }],
  ])('can not read %s', (_what, data) => {
    expect(readStored(fields({ data: JSON.stringify(data) }))).toBeNull();
  });

  it.each<[string, Partial<Stored>]>([
    ['no data', { data: null }],
    ['data that is no JSON', { data: '{"pageId":"p1","conver' }],
    ['a policy that this version does not know', { policy: 'ask' }],
    ['a label of 1 KB', { label: 'l'.repeat(1024) }],
    ['a replayed id of 1 KB', { replays: 'x'.repeat(1024) }],
  ])('can not read a job with %s', (_what, stored) => {
    expect(readStored(fields(stored))).toBeNull();
  });
});
