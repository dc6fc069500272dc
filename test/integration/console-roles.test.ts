import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { permits } from '../../src/console/access/permits.ts';
import { createApp } from '../../src/console/server/app.ts';
import { type PageAnswer, startConsole, wordsOf } from '../support/console.ts';
import { visitorWith, writeTokens } from '../support/console-tokens.ts';
import { useFolder } from '../support/use-folder.ts';
import { installWithHolds } from '../support/held-installation.ts';
import { textMessage, unknownId } from '../support/messages.ts';
import { completed } from '../support/settings.ts';
import { useRedis } from '../support/use-redis.ts';
import { writeLetters } from '../support/written-letters.ts';
import { tried } from '../support/tried.ts';

const used = useRedis();

const folder = useFolder();

/** An installation with messages, dead letters and holds on the pages p1 and hidden-page, and a console for all tokens. */
async function siteWithTwoPages() {
  const stack = new AsyncDisposableStack();
  const installation = stack.use(await installWithHolds(used.server, { startWorker: false }));
  const { config, enqueue } = installation;
  const waiting = await enqueue(textMessage('c1', 1));
  const hiddenWaiting = await enqueue({ ...textMessage('hidden-c', 1, 'hidden-page') });
  await installation.hold({ page: 'hidden-page' });
  const [letter = '', hiddenLetter = ''] = await writeLetters(used.redis, config.namespace ?? '', [
    { pageId: 'p1', conversationId: 'c1' },
    { pageId: 'hidden-page', conversationId: 'hidden-c', label: 'hidden-label', reason: 'unknown-outcome' },
  ]);
  const consoleTokensFile = writeTokens(folder);
  const desk = stack.use(await startConsole({ ...config, consoleTokensFile, consoleShowContent: true }));
  const as = (name: string) => visitorWith(desk.url, name);
  const found = { waiting, hiddenWaiting, letter, hiddenLetter, as, desk, consoleTokensFile };
  return { ...installation, ...found, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

type Site = Awaited<ReturnType<typeof siteWithTwoPages>>;
let site: Site;
beforeAll(async () => {
  site = await siteWithTwoPages();
});
afterAll(async () => await site[Symbol.asyncDispose]());

interface Walk {
  /** What is asked for on the page p1, or without any page; with fields it is a form. */
  own: [path: string, fields?: Record<string, string> | undefined];
  /** What is asked for about the hidden page, or about everything. */
  others: [path: string, fields?: Record<string, string> | undefined];
  /** The lowest role for which `own` is answered. */
  role: 'view' | 'operate' | 'admin';
  /** The status of `own`. */
  status: number;
  /** The status of `others` for a token for p1 with this role. */
  refused: number;
}

const all = ['viewer', 'operator', 'admin'];
const ranks = ['view', 'operate', 'admin'];
const look = (path: string, others = path, refused = 403): Walk => ({
  own: [path],
  others: [others],
  role: 'view',
  status: 200,
  refused,
});

const actOnLetter = ({ hiddenLetter }: Site, action: string, fields?: Record<string, string>): Walk => ({
  own: [`/dead-letters/${unknownId}/${action}`, fields],
  others: [`/dead-letters/${hiddenLetter}/${action}`, fields],
  role: 'operate',
  status: 303,
  refused: 303,
});

/** Every route, with ids that leave everything as it is. */
const routes: Record<string, (facts: Site) => Walk> = {
  'GET /': () => look('/', '/', 303),
  'GET /traffic.json': () => look('/traffic.json'),
  'GET /metrics': () => look('/metrics'),
  'GET /workers': () => look('/workers'),
  'GET /queues': () => look('/queues'),
  'ALL /queues/*': () => look('/queues/api/queues'),
  'GET /pages': () => look('/pages', '/pages', 200),
  'GET /pages/:id': () => look('/pages/p1', '/pages/hidden-page'),
  'GET /actions': () => ({ ...look('/actions', '/actions', 200), role: 'operate' }),
  'GET /find': ({ waiting, hiddenWaiting }) => look(`/find?q=${waiting}`, `/find?q=${hiddenWaiting}`, 404),
  'GET /dead-letters': () => look('/dead-letters?page=p1', '/dead-letters?page=hidden-page'),
  'GET /dead-letters/job': () => look('/dead-letters/job', '/dead-letters/job', 200),
  'GET /dead-letters/:id': ({ letter, hiddenLetter }) =>
    look(`/dead-letters/${letter}`, `/dead-letters/${hiddenLetter}`, 404),
  'POST /dead-letters/confirm': () => ({
    own: ['/dead-letters/confirm', { do: 'replay-matching', page: 'p1' }],
    others: ['/dead-letters/confirm', { do: 'replay-matching' }],
    role: 'operate',
    status: 200,
    refused: 403,
  }),
  'POST /dead-letters/start': () => ({
    own: ['/dead-letters/start', { what: 'replay', match: 'all', page: 'p1', reason: 'crashed' }],
    others: ['/dead-letters/start', { what: 'replay', match: 'all', page: 'hidden-page', reason: 'crashed' }],
    role: 'operate',
    status: 303,
    refused: 403,
  }),
  'POST /dead-letters/job/stop': () => ({
    own: ['/dead-letters/job/stop'],
    others: ['/dead-letters/job/stop'],
    role: 'operate',
    status: 303,
    refused: 303,
  }),
  'POST /dead-letters/:id/replay': (facts) => actOnLetter(facts, 'replay'),
  'POST /dead-letters/:id/replay-edited': ({ hiddenLetter }) => ({
    own: [`/dead-letters/${unknownId}/replay-edited`],
    others: [`/dead-letters/${hiddenLetter}/replay-edited`],
    role: 'admin',
    status: 404,
    refused: 404,
  }),
  'POST /dead-letters/:id/discard': (facts) => actOnLetter(facts, 'discard'),
  'POST /dead-letters/:id/settle': (facts) => actOnLetter(facts, 'settle', { outcome: 'delivered' }),
  'POST /hold': () => ({
    own: ['/hold', { scope: 'conversation', page: 'p1', conversation: 'c9' }],
    others: ['/hold', { scope: 'all' }],
    role: 'operate',
    status: 303,
    refused: 403,
  }),
  'POST /release': () => ({
    own: ['/release', { scope: 'conversation', page: 'p1', conversation: 'c9' }],
    others: ['/release', { scope: 'page', page: 'hidden-page' }],
    role: 'operate',
    status: 303,
    refused: 403,
  }),
  'POST /repair': () => ({ own: ['/repair'], others: ['/repair'], role: 'operate', status: 303, refused: 403 }),
  'POST /cancel': ({ hiddenWaiting }) => ({
    own: ['/cancel', { id: unknownId }],
    others: ['/cancel', { id: hiddenWaiting }],
    role: 'operate',
    status: 303,
    refused: 303,
  }),
};

it('every route of the console has a permit, and is walked over here', () => {
  const nothing = {} as never;
  const app = createApp({
    config: completed(),
    tokens: { current: () => null, refresh: async () => {} },
    session: nothing,
    deadLetters: nothing,
    log: nothing,
    readHealth: nothing,
    metrics: nothing,
  });
  const found = new Set(app.routes.map(({ method, path }) => `${method} ${path}`));
  // The probes come before the guard; the files are the same for everybody; "ALL /queues/*" guards all routes of the board.
  const others = [...found].filter((route) => !/^(?:GET \/(?:healthz|readyz|assets\/.*)|ALL \/\*)$/.test(route));
  const guarded = others.filter((route) => !/^(?!ALL)[A-Z]+ \/queues\//.test(route));
  expect(guarded.toSorted()).toEqual(Object.keys(permits).toSorted());
  expect(Object.keys(routes).toSorted()).toEqual(Object.keys(permits).toSorted());
});

describe.each(Object.entries(routes))('%s', (route, walkOf) => {
  const ask = async (name: string, [path, fields]: Walk['own']) => {
    const visitor = site.as(name);
    return route.startsWith('POST') ? await visitor.post(path, fields) : await visitor.get(path);
  };

  it('is answered to the roles that may, and refused to the others with a sentence', async () => {
    const { own, role, status } = walkOf(site);
    for (const [rank, name] of all.entries()) {
      const answer = await ask(name, own);
      const isAllowed = rank >= ranks.indexOf(role);
      expect([name, answer.status]).toEqual([name, isAllowed ? status : 403]);
      if (!isAllowed) expect(wordsOf(answer)).toContain(`This needs a token with the role ${role}; yours has the role`);
    }
  });

  it('shows and changes nothing of other pages to a token for one', async () => {
    const { own, others, role, status, refused } = walkOf(site);
    for (const [rank, name] of all.entries()) {
      const limited = `${name}-of-p1`;
      const isAllowed = rank >= ranks.indexOf(role);
      const answer = await ask(limited, others);
      expect([limited, answer.status]).toEqual([limited, isAllowed ? refused : 403]);
      expect(answer.text).not.toContain('hidden-');
      if (own[0] === others[0] && own[1] === others[1]) continue;
      const ofOwn = await ask(limited, own);
      expect([limited, ofOwn.status]).toEqual([limited, isAllowed ? status : 403]);
      expect(ofOwn.text).not.toContain('hidden-');
    }
    const { holds } = await site.status();
    expect(holds.filter(({ page }) => page !== 'p1')).toEqual([
      { scope: 'page', page: 'hidden-page', reason: 'operator' },
    ]);
    expect(await site.deadLetters.get(site.hiddenLetter)).not.toBeNull();
    expect((await site.producer.getMessage(site.hiddenWaiting))?.status).toBe('held');
    tried({
      against: 'console',
      input:
        'every route of the console, asked with the roles `view`, `operate` and `admin`, each for all pages and for one; pages, messages, dead letters, jobs and holds of another page by id',
      count: 6,
      result:
        '403 with a sentence, or answered as if it did not exist; nothing of the other page in any answer, and nothing changed',
    });
  });
});

describe('a token for some pages', () => {
  it('sees the numbers of its own pages, and leaves out what is about all', async () => {
    const { get } = site.as('admin-of-p1');
    const pages = await get('/pages');
    expect(wordsOf(pages)).toContain('1 page of your token');
    expect(pages.text).not.toMatch(/href="\/(?:workers|queues)?"/);
    const letters = wordsOf(await get('/dead-letters'));
    expect(letters).toContain('By reason, 1 in all');
    expect(letters).toContain('The newest 1 of 1 dead letter');
    for (const path of ['/pages', '/dead-letters', '/pages/p1', '/find?page=p1&conversation=c1', '/dead-letters/job']) {
      const { status, text } = await get(path);
      expect([path, status]).toEqual([path, 200]);
      for (const hidden of ['hidden-', site.hiddenLetter, site.hiddenWaiting]) expect(text).not.toContain(hidden);
    }
    expect(wordsOf(await get(`/dead-letters/${site.hiddenLetter}`))).toContain('There is no dead letter');
    expect(wordsOf(await get(`/find?q=${site.hiddenWaiting}`))).toContain('is unknown');
    const conversation = await get('/find?page=hidden-page&conversation=hidden-c');
    expect([conversation.status, wordsOf(conversation)]).toEqual([
      403,
      expect.stringContaining('Your token is not for this page.'),
    ]);
    expect(conversation.text).not.toContain('hidden-');
    expect((await get('/dead-letters?label=hidden-label')).text).not.toContain(site.hiddenLetter);
  });

  it('is told that everything is held, which it can not change', async () => {
    const limited = site.as('operator-of-p1');
    expect(wordsOf(await limited.get('/pages'))).not.toContain('Everything is held');
    await site.hold({});
    expect(wordsOf(await limited.get('/pages'))).toContain('Everything is held: no page sends.');
    expect((await limited.post('/release', { scope: 'all' })).status).toBe(403);
    expect((await limited.post('/hold', { scope: 'page', page: 'hidden-page' })).status).toBe(403);
    await site.release({});
  });

  it('can not select entries of other pages by their ids', async () => {
    const { post } = site.as('admin-of-p1');
    const ids = { id: [site.hiddenLetter] };
    expect(wordsOf(await post('/dead-letters/confirm', { do: 'discard-selected', ...ids }))).toContain('Nothing to do');
    const started = await post('/dead-letters/start', { what: 'discard', ...ids });
    expect([started.status, wordsOf(started)]).toEqual([422, expect.stringContaining('No dead letter is selected.')]);
    expect(await site.deadLetters.get(site.hiddenLetter)).not.toBeNull();
  });

  it('sees nothing of a job about other pages, and can not stop it', async () => {
    const selection = { what: 'replay', match: 'all', page: 'hidden-page', label: 'hidden-label', reason: 'crashed' };
    await site.as('operator').post('/dead-letters/start', selection);
    expect((await site.as('operator').get('/dead-letters/job')).text).toContain('hidden-label');
    const limited = site.as('operator-of-p1');
    expect(wordsOf(await limited.get('/dead-letters/job'))).toContain('No job has run');
    expect((await limited.get('/dead-letters')).text).not.toContain('is running');
  });
});

describe('a role that may not act', () => {
  const forms = /<form[^>]*method="post"[^>]*action="([^"]+)"/g;
  const formsOf = ({ text }: PageAnswer): string[] => Array.from(text.matchAll(forms), ([, action = '']) => action);
  const PATHS = ['/', '/pages', '/pages/p1', '/dead-letters', '/find?page=p1&conversation=c1'];

  it('gets pages without the forms of actions', async () => {
    const paths = [...PATHS, `/find?q=${site.waiting}`, `/dead-letters/${site.letter}`];
    for (const path of paths) {
      const [viewed, operated] = [await site.as('viewer').get(path), await site.as('operator').get(path)];
      // The list keeps its form for the filter's fields; it has no button.
      expect([path, formsOf(viewed).filter((action) => action !== '/dead-letters/confirm')]).toEqual([path, []]);
      expect(viewed.text).not.toMatch(/<button[^>]*name="do"/);
      expect([path, formsOf(operated).length]).not.toEqual([path, 0]);
    }
  });

  it('does not see how to edit, or to discard all, if only an admin may', async () => {
    const letter = `/dead-letters/${site.letter}`;
    expect((await site.as('operator').get(letter)).text).not.toContain('replay-edited');
    expect((await site.as('admin').get(letter)).text).toContain('replay-edited');
    const list = '/dead-letters';
    expect((await site.as('operator').get(list)).text).not.toContain('discard-matching');
    expect((await site.as('admin').get(list)).text).toContain('discard-matching');
    const everything = { what: 'discard', match: 'all', page: 'p1', reason: 'crashed' };
    expect((await site.as('operator').post('/dead-letters/start', everything)).status).toBe(403);
    expect((await site.as('admin').post('/dead-letters/start', everything)).status).toBe(303);
  });
});

it('what a token does is logged with its name', async () => {
  await site.as('operator').post('/release', { scope: 'page', page: 'p1' });
  expect(site.desk.lines.join('')).toContain('"by":"operator","who":"token","action":"release"');
});
