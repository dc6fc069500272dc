import { describe, expect, it } from 'vitest';
import { conversationPath, pagePath } from '../../src/console/html/links.ts';
import type { Hold } from '../../src/shared/reading/holds.ts';
import { wordsOf } from '../support/console.ts';
import { type KeysFile, newKeysFile } from '../support/encryption-keys.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { type Desk, useDesks } from '../support/use-desks.ts';
import { readableLogger } from '../unit/worker/log-lines.ts';

const GOOD_KEY = 'CANARY-good-key';
const BAD_KEY = 'CANARY-bad-key';
const used = useDesks();

interface Site extends Desk {
  keys: KeysFile;
  lines: string[];
}

/** A worker whose pages have the keys of a file, and an API that knows the good key. */
async function openSite(pageKeys: Record<string, string>): Promise<Site> {
  const keys = newKeysFile(JSON.stringify(pageKeys));
  const { logger, lines } = readableLogger();
  const desk = await used.openDesk({
    config: { apiKey: undefined, apiKeysFile: keys.path },
    hooks: { logger },
    api: { apiKeys: [GOOD_KEY] },
  });
  return { ...desk, keys, lines };
}

interface Read {
  holds: Hold[];
  /** What a page of the console says. */
  words: string;
}

/** Reads the status and the console until enough has happened, and returns every read. */
async function readUntil(site: Site, path: string, isEnough: (reads: readonly Read[]) => boolean): Promise<Read[]> {
  const reads: Read[] = [];
  return await eventually('enough has happened', async () => {
    const [{ holds }, answer] = await Promise.all([site.status(), site.console.visitor.get(path)]);
    reads.push({ holds, words: wordsOf(answer) });
    return isEnough(reads) && reads;
  });
}

/** Whether the worker has looked for a key three times, which each time moves the end of the hold. */
function hasLookedAgain(reads: readonly Read[]): boolean {
  return new Set(reads.flatMap(({ holds }) => holds.map(({ until }) => until))).size > 2;
}

async function untilHeld(site: Site): Promise<void> {
  await eventually('there is a hold', async () => (await site.status()).holds.length > 0);
}

describe('a page without a key', () => {
  it('is held in every read until it has one, and everybody is told so', async () => {
    await using site = await openSite({ p1: GOOD_KEY });
    const id = await site.enqueue(textMessage('c1', 1, 'p2'));
    await site.until(await site.enqueue(textMessage('c1', 1, 'p1')), 'delivered');
    await untilHeld(site);
    const reads = [
      ...(await readUntil(site, '/', hasLookedAgain)),
      ...(await readUntil(site, pagePath('p2'), hasLookedAgain)),
    ];
    for (const { holds, words } of reads) {
      expect(holds).toMatchObject([
        { scope: 'page', page: 'p2', reason: 'unauthorized', evidence: 'there is no API key for this page' },
      ]);
      expect(words).toContain('There is no API key for page p2: add it to KITECHAT_API_KEYS_FILE');
      expect(words).not.toContain('An operator stopped');
    }
    expect(new Set(reads.map(({ holds }) => holds[0]?.since)).size).toBe(1);
    site.keys.replace(JSON.stringify({ p1: GOOD_KEY, p2: GOOD_KEY }));
    await site.until(id, 'delivered');
    await eventually('the hold is gone', async () => (await site.status()).holds.length === 0);
    expect(wordsOf(await site.console.visitor.get(pagePath('p2')))).not.toContain('no API key');
    expectLogged(site, ['there is no API key for a page', 'messages go on'], { page: 'p2', scope: 'page' });
  });
});

describe('a key that is refused', () => {
  it('is held in every read, with its pages and the variable that it comes from', async () => {
    await using site = await openSite({ p1: GOOD_KEY, p2: BAD_KEY, p3: BAD_KEY });
    for (const page of ['p2', 'p3']) await site.enqueue(textMessage('c1', 1, page));
    await site.until(await site.enqueue(textMessage('c1', 1, 'p1')), 'delivered');
    await eventually('both pages are known', async () => (await site.status()).holds[0]?.pageCount === 2);
    const refused = (): number => site.api.requests.filter(({ headers }) => headers['apikey'] === BAD_KEY).length;
    const before = refused();
    const reads = await readUntil(site, '/', ({ length }) => refused() > before && length > 50);
    for (const { holds, words } of reads) {
      expect(holds).toMatchObject([
        {
          scope: 'key',
          key: expect.stringMatching(/^[\w-]{16}$/) as string,
          reason: 'unauthorized',
          evidence: expect.stringContaining('HTTP 401') as string,
          keySource: 'KITECHAT_API_KEYS_FILE',
          pages: ['p2', 'p3'],
          pageCount: 2,
        },
      ]);
      expect(words).toContain('The API refuses a key.');
      expect(words).toContain('Replace the key in the file of KITECHAT_API_KEYS_FILE');
      expect(words).toMatch(/Pages: p2 *, *p3 *\./);
    }
    expectLogged(site, ['the API refuses a key'], { scope: 'key', keySource: 'KITECHAT_API_KEYS_FILE' });
  });

  it('is shown only on the pages that it stops', async () => {
    await using site = await openSite({ p1: GOOD_KEY, p2: BAD_KEY });
    const id = await site.enqueue(textMessage('c1', 1, 'p2'));
    await site.until(await site.enqueue(textMessage('c1', 1, 'p1')), 'delivered');
    await eventually('its page is known', async () => (await site.status()).holds[0]?.pageCount === 1);
    const { visitor } = site.console;
    for (const path of [pagePath('p2'), conversationPath('p2', 'c1'), `/find?q=${id}`]) {
      expect(wordsOf(await visitor.get(path))).toContain('The API refuses a key.');
    }
    for (const path of [pagePath('p1'), conversationPath('p1', 'c1')]) {
      expect(wordsOf(await visitor.get(path))).not.toContain('The API refuses');
    }
    const list = await visitor.get('/pages');
    expect(wordsOf(list)).toContain('key: unauthorized');
    expect(list.text).toContain('href="/pages/p2"');
  });
});

/** Expects log lines with these texts and fields, and no key in any line. */
function expectLogged({ lines }: Site, texts: readonly string[], fields: Record<string, string>): void {
  for (const text of texts) {
    const line = lines.find((one) => one.includes(text));
    expect(JSON.parse(line ?? '{}')).toMatchObject(fields);
  }
  expect(lines.join('')).not.toContain('CANARY');
}
