import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MessagePayload, readStored, type StoredRequest } from '../../../src/shared/model/stored-message.ts';
import {
  openRequest,
  openResponse,
  sealRequest,
  sealResponse,
  storedText,
} from '../../../src/shared/sealing/content.ts';
import { NO_KEYS, openSealing } from '../../../src/shared/sealing/sealing.ts';
import { encryptionKeys, newKeysFile } from '../../support/encryption-keys.ts';
import { validRequest } from './arbitrary-request.ts';

const ID = '0-01ARZ3NDEKTSV4RRFFQ69G5FAV';
const TERMS = { ttlMs: 1000, label: 'spring' };
const terms = () => TERMS;
const newSealing = () => openSealing({ encryptionKeysFile: newKeysFile(encryptionKeys('k1')).path });

const fieldsWith = (data: string) => ({ data, label: null, policy: null, replays: null });

/** What is read back of a message that was stored with keys. */
function storedRequest(data: string): StoredRequest {
  const stored = readStored(fieldsWith(data));
  if (stored === null) throw new Error('it can not be read');
  return stored.request;
}

describe('a sealed payload', () => {
  it('holds every request, and gives it back to the last byte of its JSON', () => {
    const sealing = newSealing();
    fc.assert(
      fc.property(validRequest, (request) => {
        const json = storedText(ID, { payload: { request }, body: JSON.stringify(request), sealing }, terms);
        const { pageId, conversationId } = request;
        expect(JSON.parse(json)).toEqual({ pageId, conversationId, sealed: expect.stringMatching(/^k1\./) as string });
        const opened = openRequest(sealing, ID, storedRequest(json));
        expect(JSON.stringify(opened)).toBe(JSON.stringify({ request, terms: TERMS }));
      }),
    );
  });

  it('stays as it is when it is sealed again, so that a dead letter keeps what was stored', () => {
    const sealing = newSealing();
    const request = { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } } as const;
    const sealed = sealRequest(sealing, ID, request, TERMS);
    expect(sealRequest(sealing, ID, sealed, null)).toBe(sealed);
    expect(sealRequest(NO_KEYS, ID, sealed, null)).toBe(sealed);
  });

  it('of a version that encrypted nothing but the message opens, so that its dead letters can be replayed', () => {
    const sealing = newSealing();
    const [ids, message] = [
      { pageId: 'p1', conversationId: 'c1' },
      { type: 'text', text: 'Hello' },
    ];
    const sealed = sealing.seal(JSON.stringify(message), ['message', ID, 'p1', 'c1']) ?? '';
    expect(openRequest(sealing, ID, { ...ids, sealed })).toEqual({ request: { ...ids, message } });
  });

  it('of a version that knows other terms can not be opened', () => {
    const sealing = newSealing();
    const request = { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } } as const;
    for (const other of [{ ...TERMS, notOn: 'Sunday' }, { ttlMs: '1' }, 7]) {
      const sealed = sealRequest(sealing, ID, request, other as never);
      expect(openRequest(sealing, ID, sealed)).toEqual({ problem: expect.stringContaining('terms') as string });
    }
  });

  it('is what it was without keys', () => {
    const payload: MessagePayload = {
      request: { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } },
    };
    const body = ` ${JSON.stringify(payload.request)} `;
    for (const sealing of [NO_KEYS, undefined]) {
      expect(storedText(ID, { payload, body, sealing }, terms)).toBe(body);
      expect(storedText(ID, { payload, sealing }, terms)).toBe(JSON.stringify(payload.request));
    }
  });

  it.each([
    [
      'with a message in clear beside it',
      { pageId: 'p1', conversationId: 'c1', sealed: 'k1.a', message: { type: 'text' } },
    ],
    ['that is no text', { pageId: 'p1', conversationId: 'c1', sealed: { type: 'text' } }],
    ['without a page', { conversationId: 'c1', sealed: 'k1.a' }],
    ['with more', { pageId: 'p1', conversationId: 'c1', sealed: 'k1.a', to: 'c2' }],
  ])('%s can not be read', (_what, request) => {
    expect(readStored(fieldsWith(JSON.stringify(request)))).toBeNull();
  });
});

describe('a sealed answer', () => {
  it('keeps its status, and opens only with its key and as the answer to its message', () => {
    const sealing = newSealing();
    const response = { httpStatus: 400, body: '{"message":"bad: Hello"}' };
    const sealed = sealResponse(sealing, ID, response);
    expect(sealed).toEqual({ httpStatus: 400, sealed: expect.stringMatching(/^k1\./) as string });
    expect(openResponse(sealing, ID, sealed)).toEqual(response);
    expect(openResponse(NO_KEYS, ID, sealed)).toEqual({ httpStatus: 400, body: '[encrypted]' });
    expect(openResponse(sealing, ID.replace('V', 'W'), sealed).body).toBe('[encrypted]');
    expect(sealResponse(NO_KEYS, ID, response)).toBe(response);
  });
});
