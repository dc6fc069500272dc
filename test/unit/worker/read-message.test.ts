import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Taken } from '../../../src/shared/lanes/messages/settle-and-take.ts';
import { sealRequest } from '../../../src/shared/sealing/content.ts';
import { NO_KEYS, openSealing } from '../../../src/shared/sealing/sealing.ts';
import { NO_MESSAGE, readTaken } from '../../../src/worker/message/read-message.ts';
import { encryptionKeys, newKeysFile } from '../../support/encryption-keys.ts';
import { takenMessage } from '../../support/taken.ts';
import { validRequest } from '../shared/arbitrary-request.ts';
import { tried } from '../../support/tried.ts';

const ID = '0-01ARZ3NDEKTSV4RRFFQ69G5FAV';
const request = { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } } as const;

function takenWith(data: string, more: Partial<Taken> = {}): Taken {
  return takenMessage({ id: ID, data, ...more });
}

const TERMS = { ttlMs: 1000 };
/** What Redis stores beside a message with these terms. */
const STORED = { enqueuedAtMs: 5, times: { expiresAt: '1005', due: null, high: null } };

const newSealing = () => openSealing({ encryptionKeysFile: newKeysFile(encryptionKeys('k1')).path });

describe('a message that a worker has', () => {
  it('is sent as the text that was stored, to the last byte', () => {
    fc.assert(
      fc.property(validRequest, fc.constantFrom(undefined, 1, '\t'), (stored, indent) => {
        const text = JSON.stringify(stored, null, indent);
        expect(readTaken(NO_KEYS, takenWith(text))).toMatchObject({ body: text, problem: null });
      }),
    );
  });

  it.each(['p2/c1', 'p1/c2', '*', ''])(
    'is none if it stands in the lane %j, which is not that of its request',
    (lane) => {
      const sealed = sealRequest(newSealing(), ID, request, TERMS);
      for (const stored of [request, sealed]) {
        const read = readTaken(newSealing(), takenWith(JSON.stringify(stored), { lane }));
        expect(read).toMatchObject({ stored: null, body: null });
        expect(read.problem).toContain('another conversation');
      }
    },
  );

  it('is known with all that its producer said of it', () => {
    const more = { label: 'spring', policy: 'dead-letter', replays: '0-01H' };
    expect(readTaken(NO_KEYS, takenWith(JSON.stringify(request), more)).stored).toEqual({
      request,
      label: 'spring',
      onUnknownOutcome: 'dead-letter',
      replayOf: '0-01H',
    });
    expect(readTaken(NO_KEYS, takenWith(JSON.stringify(request))).stored).toEqual({ request });
  });

  it('is opened before it is sent, and stays encrypted in what is known of it', () => {
    const sealing = newSealing();
    const sealed = sealRequest(sealing, ID, request, TERMS);
    const read = readTaken(sealing, takenWith(JSON.stringify(sealed), STORED));
    expect(read).toMatchObject({ stored: { request: sealed }, body: JSON.stringify(request), problem: null });
  });

  it('is not sent where its key is missing, and kept for when that is there again', () => {
    const sealed = sealRequest(newSealing(), ID, request, TERMS);
    const read = readTaken(NO_KEYS, takenWith(JSON.stringify(sealed)));
    expect(read).toMatchObject({ stored: { request: sealed }, body: null, missingKey: 'k1' });
    expect(read.problem).not.toBe(NO_MESSAGE);
  });

  it('is sent if a version stored it that encrypted nothing but the message, whatever stands beside it', () => {
    const sealing = newSealing();
    const { message, ...ids } = request;
    const sealed = sealing.seal(JSON.stringify(message), ['message', ID, 'p1', 'c1']);
    const more = { label: 'spring', policy: 'resend', times: { expiresAt: '7', due: null, high: null } };
    expect(readTaken(sealing, takenWith(JSON.stringify({ ...ids, sealed }), more))).toMatchObject({
      stored: { label: 'spring', onUnknownOutcome: 'resend' },
      body: JSON.stringify({ ...ids, message }),
      problem: null,
      knownUntilMs: 7,
    });
  });

  it('is not sent if it was encrypted for a dead letter, whose content some who are no workers can read', () => {
    const sealing = newSealing();
    const read = readTaken(sealing, takenWith(JSON.stringify(sealRequest(sealing, ID, request, null)), STORED));
    expect(read).toMatchObject({ body: null, problem: expect.stringContaining('dead letter') as string });
    tried({
      against: 'redis',
      input: 'content that a worker encrypted for a dead letter, copied into a job',
      result: 'not sent, dead as `undecodable`',
    });
  });

  it('is not sent in the clear where encryption is required', () => {
    const file = newKeysFile(encryptionKeys('k1')).path;
    const sealing = openSealing({ encryptionKeysFile: file, requireEncryption: true });
    expect(readTaken(sealing, takenWith(JSON.stringify(request)))).toMatchObject({
      stored: { request },
      body: null,
      problem: expect.stringContaining('KITECHAT_REQUIRE_ENCRYPTION') as string,
    });
    const sealed = sealRequest(sealing, ID, request, TERMS);
    expect(readTaken(sealing, takenWith(JSON.stringify(sealed), STORED))).toMatchObject({ problem: null });
  });

  it.each(['', '{"pageId"', 'null', '7', '"text"', '[]', '{"v":99}', '{"pageId":"p1","conversationId":"c1"}'])(
    'is none that this version knows: %j',
    (data) => {
      expect(readTaken(NO_KEYS, takenWith(data))).toEqual({ stored: null, body: null, problem: NO_MESSAGE });
    },
  );

  it.each([{ policy: 'later' }, { label: 'x'.repeat(1000) }, { replays: 'x'.repeat(1000) }])(
    'is none that this version knows with what was written beside it',
    (more) => {
      expect(readTaken(NO_KEYS, takenWith(JSON.stringify(request), more))).toEqual({
        stored: null,
        body: null,
        problem: NO_MESSAGE,
      });
    },
  );

  it('may not be sent if it breaks a rule, which is told by path and never by value', () => {
    const message = { type: 'text', text: 'secret'.repeat(20_000), to: 'secret' };
    const read = readTaken(NO_KEYS, takenWith(JSON.stringify({ ...request, message })));
    expect(read).toMatchObject({ stored: null, body: null });
    expect(read.problem).toMatch(/^the stored message is not valid: message/);
    expect(read.problem).not.toContain('secret');
  });

  it('may not be sent if what was encrypted breaks a rule', () => {
    const sealing = newSealing();
    const message = { type: 'sticker', text: 'secret' } as never;
    const sealed = sealRequest(sealing, ID, { ...request, message }, TERMS);
    const read = readTaken(sealing, takenWith(JSON.stringify(sealed), STORED));
    expect(read).toMatchObject({ stored: { request: sealed }, body: null });
    expect(read.problem).toMatch(/^the stored message is not valid/);
    expect(read.problem).not.toContain('secret');
  });
});
