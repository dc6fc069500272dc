import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { webhookHeaders } from '../../../src/notify/sign.ts';

const secret = fc.uint8Array({ minLength: 24, maxLength: 64 });
const anyText = fc.string({ unit: 'grapheme' });

function libraryWith(bytes: Uint8Array): Webhook {
  return new Webhook(`whsec_${Buffer.from(bytes).toString('base64')}`);
}

describe('a signature', () => {
  it('is that of the reference library, for any id, time, body and secret', () => {
    fc.assert(
      fc.property(secret, anyText, fc.integer({ min: 0, max: 2 ** 33 }), anyText, (bytes, id, timestamp, body) => {
        const { 'webhook-signature': signature } = webhookHeaders([bytes], { id, timestamp, body });
        expect(signature).toBe(libraryWith(bytes).sign(id, new Date(timestamp * 1000), body));
      }),
    );
  });

  it('of several secrets is verified with each of them, and with no other', () => {
    fc.assert(
      fc.property(fc.uniqueArray(secret, { minLength: 2, maxLength: 4, selector: String }), fc.json(), (all, body) => {
        const [stranger = new Uint8Array(), ...secrets] = all;
        const headers = webhookHeaders(secrets, { id: 'e1', timestamp: Math.floor(Date.now() / 1000), body });
        for (const bytes of secrets) expect(libraryWith(bytes).verify(body, headers)).toEqual(JSON.parse(body));
        expect(() => libraryWith(stranger).verify(body, headers)).toThrow('No matching signature found');
      }),
    );
  });
});
