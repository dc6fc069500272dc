import { describe, expect, it } from 'vitest';
import { withContent, withoutContent } from '../../../src/notify/index.ts';
import { sealRequest } from '../../../src/shared/sealing/content.ts';
import { NO_KEYS, openSealing } from '../../../src/shared/sealing/sealing.ts';
import { encryptionKeys, newKeysFile } from '../../support/encryption-keys.ts';
import { textMessage } from '../../support/messages.ts';
import { deliveredEvent } from '../../support/notify/events.ts';

const request = textMessage('c1', 1);

function logInto(warnings: object[]) {
  return { debug() {}, info() {}, warn: (fields: object) => void warnings.push(fields), error() {} };
}

describe('the content of an event', () => {
  it('is left out unless it was asked for', () => {
    const event = deliveredEvent('c1', 1);
    expect(withoutContent({ ...event, request })).toEqual(event);
  });

  it('is the request, decrypted if it is encrypted', () => {
    const sealing = openSealing({ encryptionKeysFile: newKeysFile(encryptionKeys('k1')).path });
    const event = deliveredEvent('c1', 1);
    const sealed = sealRequest(sealing, event.messageId, request, null);
    expect(sealed).toHaveProperty('sealed');
    const warnings: object[] = [];
    const prepare = withContent(sealing, logInto(warnings));
    expect(prepare({ ...event, request: sealed })).toEqual({ ...event, request });
    expect(prepare({ ...event, request })).toEqual({ ...event, request });
    expect(warnings).toEqual([]);
  });

  it('is left out where it can not be decrypted, with one warning for many events', () => {
    const sealing = openSealing({ encryptionKeysFile: newKeysFile(encryptionKeys('k1')).path });
    const warnings: object[] = [];
    const prepare = withContent(NO_KEYS, logInto(warnings));
    for (const n of [1, 2, 3]) {
      const event = deliveredEvent('c1', n);
      const sealed = sealRequest(sealing, event.messageId, request, null);
      expect(prepare({ ...event, request: sealed })).toEqual(event);
    }
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ eventId: deliveredEvent('c1', 1).id });
  });
});
