import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hideKey } from '../../../src/worker/http/hide-key.ts';

const KEY = 'k-1"\\%&/+=.secret';

describe('an answer that quotes the API key', () => {
  it.each([
    ['as it is', KEY],
    ['in JSON', JSON.stringify({ apikey: KEY })],
    ['in a URL', `https://example.com/?apikey=${encodeURIComponent(KEY)}&x=1`],
    ['in base64', Buffer.from(KEY).toString('base64')],
    ['in the middle of something in base64', Buffer.from(`x:${KEY}:y`).toString('base64')],
    ['in base64 for URLs', Buffer.from(`xy${KEY}`).toString('base64url')],
    ['several times', `${KEY} and ${KEY}`],
  ])('is kept without it: %s', (_what, answer) => {
    const kept = hideKey(`before ${answer} after`, KEY);
    expect(kept).toContain('[API key]');
    expect(kept).not.toMatch(/secret|c2VjcmV0/);
    expect(kept).toMatch(/^before .* after$/);
  });

  it('holds nothing of any key', () => {
    const visible = fc.stringMatching(/^[a-cX-Z0-9"\\%&/+=.-]{12,60}$/);
    fc.assert(
      fc.property(visible, fc.string(), fc.string(), (key, before, after) => {
        fc.pre(!before.includes(key) && !after.includes(key));
        const forms = [key, encodeURIComponent(key), Buffer.from(before + key + after).toString('base64')];
        for (const form of forms) {
          const kept = hideKey(form, key);
          expect(kept).not.toContain(key);
          expect(Buffer.from(kept, 'base64').toString()).not.toContain(key);
        }
      }),
    );
  });

  it('is left as it is if it does not', () => {
    for (const answer of ['', 'Ok', '{"success":true}', 'x'.repeat(64 * 1024)]) {
      expect(hideKey(answer, KEY)).toBe(answer);
    }
  });

  it('is left as it is for a key so short that it stands in any answer', () => {
    expect(hideKey('{"success":true}', 'e')).toBe('{"success":true}');
  });
});
