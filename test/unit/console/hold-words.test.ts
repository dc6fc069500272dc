import { describe, expect, it } from 'vitest';
import { matterOfHold } from '../../../src/console/overview/hold-words.ts';
import type { Hold } from '../../../src/shared/reading/holds.ts';

const NOW_MS = Date.parse('2026-11-22T03:00:00Z');
const since = new Date(NOW_MS - 180_000).toISOString();
const until = new Date(NOW_MS + 4000).toISOString();
const timed = { since, until };

const NO_KEY = 'there is no API key for this page';
const BAD_KEY = 'the API key for this page must be visible ASCII characters, without spaces or line breaks';
const scopes = ['page', 'key', 'api'] as const;
const reasons = ['api-down', 'rate-limited', 'unauthorized', 'refusing'] as const;

function circuit(scope: (typeof scopes)[number], reason: Hold['reason'], more: Partial<Hold> = {}): Hold {
  const own = {
    page: { page: 'p7' },
    key: { key: 'ab12', keySource: 'KITECHAT_API_KEYS_FILE', pages: ['p1', 'p2'], pageCount: 3 },
    api: {},
  };
  return { scope, reason, ...timed, ...own[scope], ...more };
}

function whyOf(hold: Hold): string {
  return matterOfHold(hold, NOW_MS).why;
}

describe('the words for a hold that the fleet has set', () => {
  const all = scopes.flatMap((scope) => reasons.map((reason) => circuit(scope, reason, { evidence: 'HTTP 418' })));

  it.each(all)('name its evidence, since when, and the next probe, but no operator: $scope $reason', (hold) => {
    const { what, why } = matterOfHold(hold, NOW_MS);
    expect(why).toContain('HTTP 418');
    expect(why).toContain('for 3 min');
    expect(why).toContain('in 4 s');
    expect(`${what} ${why}`).not.toMatch(/operator|release/);
  });

  it('are different for every scope and reason', () => {
    const words = all.map((hold) => matterOfHold(hold, NOW_MS).what);
    expect(new Set(words).size).toBe(scopes.length * reasons.length);
  });

  it.each(all.filter(({ scope }) => scope !== 'api'))('blame only the $scope: $reason', (hold) => {
    const { what, why } = matterOfHold(hold, NOW_MS);
    expect(what).not.toMatch(/API is down|everything$/);
    expect(why).toMatch(hold.scope === 'page' ? /Only this page/ : /Only its pages/);
  });

  it('tell in full what is known of an API that refuses everything', () => {
    const hold = circuit('api', 'refusing', { evidence: 'HTTP 404 from 20 conversations' });
    expect(matterOfHold(hold, NOW_MS)).toEqual({
      tone: 'bad',
      what: 'The API refuses everything',
      why: 'HTTP 404 from 20 conversations, held for 3 min. The next probe is sent in 4 s. Check KITECHAT_API_URL and what the API answers. Sending continues by itself when the API accepts a message.',
      link: { href: '/dead-letters?reason=rejected', label: 'What the API answered' },
    });
  });

  it('say of a conversation that waits for an encryption key which key that is, and what to do', () => {
    const evidence = 'its content is encrypted with the key k2, which is not in KITECHAT_ENCRYPTION_KEYS_FILE';
    const hold = {
      scope: 'conversation',
      page: 'p1',
      conversation: 'c1',
      reason: 'no-encryption-key',
      evidence,
      since,
    } as const;
    const { what, why } = matterOfHold(hold, NOW_MS);
    expect(what).toBe('Conversation c1 of page p1 waits');
    expect(why).toMatch(/key k2.*held for 3 min.*no attempt is used.*Give the key to all workers/);
  });

  it('say of a page without a key where to add one, and when workers look again', () => {
    const hold = circuit('page', 'unauthorized', { evidence: NO_KEY });
    expect(matterOfHold(hold, NOW_MS)).toEqual({
      tone: 'bad',
      what: 'Page p7 has no API key',
      why: 'There is no API key for page p7: add it to KITECHAT_API_KEYS_FILE, or have the hook resolveApiKey return one. No attempt is used. The page has been held for 3 min; workers look for a key again in 4 s, and the page then continues by itself.',
      link: { href: '/pages/p7', label: 'Page p7' },
    });
  });

  it('say of a key that cannot be used what is wrong with it', () => {
    const { what, why } = matterOfHold(circuit('page', 'unauthorized', { evidence: BAD_KEY }), NOW_MS);
    expect(what).toBe('Page p7 has no API key that can be used');
    expect(why).toContain('The API key for page p7 must be visible ASCII characters');
    expect(why).toContain('correct it in KITECHAT_API_KEYS_FILE');
  });

  it('tell a page that the API refuses from a page without a key', () => {
    const evidence = 'HTTP 403 from 3 conversations of page p7';
    const { what, why } = matterOfHold(circuit('page', 'unauthorized', { evidence }), NOW_MS);
    expect(what).toBe('The API refuses page p7');
    expect(why).toContain('Check what its API key may do');
    expect(why).not.toContain('no API key');
  });

  it.each([
    ['KITECHAT_API_KEY', 'Replace the key in KITECHAT_API_KEY and restart the workers'],
    ['KITECHAT_API_KEY_FILE', 'in the file of KITECHAT_API_KEY_FILE, which the workers reread'],
    ['KITECHAT_API_KEYS_FILE', 'in the file of KITECHAT_API_KEYS_FILE, which the workers reread'],
    ['resolveApiKey', 'Have the hook resolveApiKey return a key that works'],
    [undefined, 'Replace the key, or'],
  ])('say of a refused key from %s how to replace it', (keySource, advice) => {
    const { keySource: _, ...hold } = circuit('key', 'unauthorized', { evidence: 'HTTP 401 from 1 conversation' });
    expect(whyOf(keySource === undefined ? hold : { ...hold, keySource })).toContain(advice);
  });

  it('lead to the pages that a key stops', () => {
    const hold = circuit('key', 'unauthorized', { evidence: 'HTTP 401 from 1 conversation' });
    const { pages, why } = matterOfHold(hold, NOW_MS);
    expect(pages).toEqual({ named: ['p1', 'p2'], count: 3 });
    expect(why).toContain('HTTP 401 from 1 conversation with key ab12 of KITECHAT_API_KEYS_FILE, held for 3 min.');
  });

  it('say of a limit whether messages leave now or later, and ask only to watch it', () => {
    const hold = circuit('key', 'rate-limited', { evidence: 'HTTP 429 from 3 conversations', isPaced: true });
    const { tone, what, why } = matterOfHold(hold, NOW_MS);
    expect([tone, what]).toEqual(['warn', 'The API limits one key']);
    expect(why).toContain('limited for 3 min. Messages leave again in 4 s, at a pace that rises slowly.');
    const { until: _, ...leaving } = hold;
    expect(whyOf(leaving)).toContain('Messages leave at a pace that rises slowly.');
  });

  it('say that a probe is due when its time has passed', () => {
    expect(whyOf({ scope: 'api', reason: 'api-down' })).toMatch(/^Requests failed, held\. The next probe is due\. /);
  });

  it('shorten the long id of a page, also in the evidence', () => {
    const page = '$&'.repeat(128);
    const evidence = `HTTP 500 from 5 conversations of page ${page}`;
    const { what, why, link } = matterOfHold({ scope: 'page', page, reason: 'api-down', evidence, ...timed }, NOW_MS);
    for (const text of [what, why, link?.label]) expect(text).not.toContain('$&'.repeat(30));
    expect(why).toContain('HTTP 500 from 5 conversations of page $&$&');
  });
});

describe('the words for a hold that an operator has set', () => {
  it.each<Hold>([
    { scope: 'all', reason: 'operator' },
    { scope: 'page', page: 'p7', reason: 'operator' },
    { scope: 'conversation', page: 'p7', conversation: 'c1', reason: 'operator' },
  ])('name the operator and the release: $scope', (hold) => {
    expect(whyOf(hold)).toMatch(/An operator stopped .*released/);
  });
});
