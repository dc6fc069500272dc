import { describe, expect, it } from 'vitest';
import { pagePath } from '../../src/console/html/links.ts';
import { type PageAnswer, wordsOf } from '../support/console.ts';
import { eventually } from '../support/eventually.ts';
import { type Desk, useDesks } from '../support/use-desks.ts';

const MARKER = 'SECRET-CONTENT-7f3a';
const HOSTILE = [
  '<script>alert(1)</script>',
  `"><img src=x onerror='alert(1)'>`,
  'x'.repeat(256),
  '😀'.repeat(256),
  '~',
  '~~x',
  '..',
  '.',
  'a/b?c=d#e%2F%25&f',
  '%',
  ' spaces  around ',
  '${alert}{{x}}',
];
/** What an escaped id never leaves in a page. */
const BROKEN_OUT = /<script>alert|<img src=x|onerror='/;

const used = useDesks();

describe.each(HOSTILE)('with the ids %j', (hostile) => {
  it('every view stands, links to the right place and shows the ids as text', async () => {
    await using to = await used.openDesk({ api: { faults: [{ kind: 'status', status: 400 }] } });
    const { visitor } = to.console;
    const label = Array.from(hostile).slice(0, 64).join('');
    const item = {
      pageId: hostile,
      conversationId: hostile,
      message: { type: 'text' as const, text: MARKER },
      label,
    };
    const dead = await to.enqueue(item);
    await to.until(dead, 'dead');
    await to.hold({ page: hostile, conversation: hostile });
    const waiting = await to.enqueue(item);
    const conversation = `/find?${new URLSearchParams({ page: hostile, conversation: hostile }).toString()}`;
    const views = {
      '/': 'is held',
      '/pages': 'conversation held',
      [pagePath(hostile)]: 'operator',
      [conversation]: waiting,
      [`/find?q=${waiting}`]: 'held',
      [`/find?q=${encodeURIComponent(hostile)}`]: 'not a message id',
      '/dead-letters': dead,
      [`/dead-letters?${new URLSearchParams({ page: hostile, conversation: hostile, label }).toString()}`]: dead,
      [`/dead-letters/${dead}`]: 'The API',
    };
    for (const [path, words] of Object.entries(views)) {
      const answer = await visitor.get(path);
      expect([path, answer.status]).toEqual([path, path.includes('q=') && words.startsWith('no') ? 404 : 200]);
      expect(wordsOf(answer)).toContain(words);
      expect(answer.text).not.toMatch(BROKEN_OUT);
    }
    const page = await visitor.get(pagePath(hostile));
    expect(titlesOf(page)).toContain(hostile);
    expect(linksOf(await visitor.get('/pages'))).toContain(pagePath(hostile));
    expect(linksOf(page)).toContain(conversation);
    const held = await visitor.post('/hold', { scope: 'page', page: hostile, back: pagePath(hostile) });
    expect([held.status, held.location]).toEqual([303, pagePath(hostile)]);
    expect(wordsOf(await visitor.follow(held))).toContain('is held: its messages wait');
    expect((await to.status()).holds).toContainEqual({ scope: 'page', page: hostile, reason: 'operator' });
  });
});

it('a refused key leads to the pages that it stops, whatever their ids', async () => {
  await using to = await used.openDesk({ api: { apiKeys: ['another'] } });
  const { visitor } = to.console;
  for (const pageId of HOSTILE) {
    await to.enqueue({ pageId, conversationId: 'c', message: { type: 'text', text: 'x' } });
  }
  await eventually('all pages are known', async () => (await to.status()).holds[0]?.pageCount === HOSTILE.length);
  const overview = await visitor.get('/');
  expect(wordsOf(overview)).toContain('The API refuses a key.');
  expect(linksOf(overview)).toEqual(expect.arrayContaining(HOSTILE.map(pagePath)));
  expect(overview.text).not.toMatch(BROKEN_OUT);
  for (const page of HOSTILE) expect(wordsOf(await visitor.get(pagePath(page)))).toContain('The API refuses a key.');
});

it('the search box of the pages leads to the page', async () => {
  await using to = await used.openDesk({ startWorker: false });
  const { visitor } = to.console;
  const answer = await visitor.get('/pages?page=a%2Fb');
  expect([answer.status, answer.location]).toEqual([303, '/pages/a%2Fb']);
  expect(wordsOf(await visitor.follow(answer))).toContain('No message of this page waits');
});

it('an empty installation says what that means', async () => {
  await using to = await used.openDesk({ startWorker: false });
  const { visitor } = to.console;
  expect(wordsOf(await visitor.get('/'))).toContain('No kitechat-sender has used this namespace yet.');
  expect(wordsOf(await visitor.get('/pages'))).toContain('No page has work: all messages have ended');
  expect(wordsOf(await visitor.get('/workers'))).toContain('No worker is running: nothing is sent.');
  expect(wordsOf(await visitor.get('/dead-letters'))).toContain('There are no dead letters.');
  expect(wordsOf(await visitor.get('/dead-letters/job'))).toContain('No job has run in this process');
  expect((await visitor.get('/dead-letters/0-01ARZ3NDEKTSV4RRFFQ69G5FAV')).status).toBe(404);
  expect((await visitor.get('/find?q=0-01ARZ3NDEKTSV4RRFFQ69G5FAV')).status).toBe(404);
});

it('the overview counts, and names what needs attention with the way to it', async () => {
  await using to = await used.openDesk({ api: { faults: [{ kind: 'status', status: 400 }] } });
  const { visitor } = to.console;
  const dead = await to.enqueue({ pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'x' } });
  await to.until(dead, 'dead');
  await to.hold({});
  const overview = await eventually('a worker is there', async () => {
    const answer = await visitor.get('/');
    return !wordsOf(answer).includes('No worker') && answer;
  });
  expect(wordsOf(overview)).toContain('1 message died in the last hour: rejected.');
  expect(wordsOf(overview)).toContain('Everything is held.');
  const link = linksOf(overview).find((href) => href.startsWith('/dead-letters?')) ?? '';
  expect(wordsOf(await visitor.get(link))).toContain(dead);
  expect(wordsOf(await visitor.get('/workers'))).toContain('1 worker');
});

it('a page asks only for what is live of it', async () => {
  await using to = await used.openDesk({ startWorker: false });
  for (const path of ['/', '/pages', '/workers', '/pages/p1', '/find?page=p&conversation=c', '/dead-letters/job']) {
    const whole = await to.console.visitor.get(path);
    expect(whole.text).toContain(`hx-get="${path.replaceAll('&', '&amp;')}"`);
    const { status, text } = await to.console.visitor.get(path, { 'hx-request': 'true' });
    expect(status).toBe(200);
    expect(text).toMatch(/^<div\s+id="live"/);
    expect(text).not.toContain('<main');
  }
});

describe('what messages say', () => {
  /** Everything that the console answers about one dead and one waiting message. */
  async function everything(to: Desk, ids: { dead: string; waiting: string }): Promise<[path: string, text: string][]> {
    const { visitor } = to.console;
    const api = '/queues/api/queues';
    const paths = [
      '/',
      '/pages',
      '/pages/p1',
      '/workers',
      '/dead-letters',
      `/dead-letters/${ids.dead}`,
      '/traffic.json',
      '/metrics',
      `/find?q=${ids.dead}`,
      `/find?q=${ids.waiting}`,
      '/find?page=p1&conversation=c1',
      '/find?page=p1&conversation=c2',
      '/queues',
      api,
      `${api}?activeQueue=send&status=waiting-children`,
      `${api}?activeQueue=dead&status=failed`,
      ...['send', 'dead'].map((name) => `${api}?activeQueue=${name}&status=latest&page=1&jobsPerPage=10`),
      `${api}/send/${ids.waiting}`,
      `${api}/dead/${ids.dead}`,
      `${api}/send/${ids.waiting}/flow`,
      `${api}/dead/${ids.dead}/logs`,
      `${api}/dead/${ids.dead}/flow`,
    ];
    const answers: [string, string][] = [];
    for (const path of paths) answers.push([path, (await visitor.get(path)).text]);
    const confirm = await visitor.post('/dead-letters/confirm', { do: 'replay-selected', id: ids.dead });
    return [...answers, ['confirm', confirm.text], ['log', to.console.lines.join('')]];
  }

  async function withMessages(to: Desk): Promise<{ dead: string; waiting: string }> {
    const message = { type: 'image' as const, url: `https://x.example/${MARKER}`, text: `caption ${MARKER}` };
    const dead = await to.enqueue({ pageId: 'p1', conversationId: 'c1', message });
    await to.until(dead, 'dead');
    await to.hold({ page: 'p1' });
    const waiting = await to.enqueue({ pageId: 'p1', conversationId: 'c2', message });
    return { dead, waiting };
  }

  /** An API that quotes what it was sent, and cuts it. */
  const api = {
    faults: [{ kind: 'status' as const, status: 400, body: `{"message":"bad caption ${MARKER.slice(0, 16)}…"}` }],
  };

  it('is in no answer and no log line, unless that is asked for', async () => {
    await using to = await used.openDesk({ api });
    const ids = await withMessages(to);
    for (const [path, text] of await everything(to, ids)) {
      expect([path, text.includes(MARKER.slice(0, 12))]).toEqual([path, false]);
    }
    const entry = await to.console.visitor.get(`/dead-letters/${ids.dead}`);
    expect(wordsOf(entry)).toContain('hidden: KITECHAT_CONSOLE_SHOW_CONTENT=true shows it');
    expect(wordsOf(entry)).toMatch(/Type image Size \d+ bytes/);
    expect(wordsOf(entry)).toMatch(/HTTP 400, \d+ bytes The answer is hidden/);
    expect(entry.text).not.toContain('<textarea');
    const edit = await to.console.visitor.post(`/dead-letters/${ids.dead}/replay-edited`, { 'set:message.text': 'x' });
    expect(edit.status).toBe(422);
    expect(await to.deadLetters.count()).toBe(1);
  });

  it.each([
    ['of an encrypted message', { pageId: 'p1', conversationId: 'c1', sealed: MARKER }],
    [
      'of the layout before',
      { v: 1, request: { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: MARKER } } },
    ],
    ['with a message that is a text', { pageId: 'p1', conversationId: 'c1', message: MARKER }],
    ['with a type that is a text', { pageId: 'p1', conversationId: 'c1', message: { type: `a text: ${MARKER}` } }],
    [
      'with ids and a label that are objects',
      { pageId: { MARKER }, conversationId: [MARKER], label: { text: MARKER } },
    ],
    ['with a reason that is none', { reason: MARKER, request: { pageId: 'p1' }, stored: MARKER, problem: MARKER }],
    ['that is a text', MARKER],
    ['that is a list', [MARKER, { pageId: MARKER }]],
  ])('is in no raw job %s', async (_what, data) => {
    await using to = await used.openDesk({ startWorker: false });
    const root = `{${to.config.namespace ?? ''}:0}`;
    for (const [queue, list] of [
      ['send', 'waiting-children'],
      ['dead', 'failed'],
    ] as const) {
      const job = {
        name: 'text',
        data: JSON.stringify(data),
        opts: '{}',
        timestamp: Date.now(),
        returnvalue: `"${MARKER}"`,
      };
      await used.redis.hset(`${root}:${queue}:job`, {
        ...job,
        failedReason: MARKER,
        stacktrace: `["${MARKER}"]`,
        progress: `"${MARKER}"`,
      });
      await used.redis.zadd(`${root}:${queue}:${list}`, 1, 'job');
      const queues = '/queues/api/queues';
      for (const path of [`${queues}?activeQueue=${queue}&status=${list}`, `${queues}/${queue}/job`]) {
        const { status, text } = await to.console.visitor.get(path);
        expect([path, status, text.includes('[hidden]')]).toEqual([path, 200, true]);
        expect([path, text.includes(MARKER)]).toEqual([path, false]);
      }
    }
  });

  it('is shown when it is asked for', async () => {
    await using to = await used.openDesk({ api, config: { consoleShowContent: true } });
    const ids = await withMessages(to);
    const shown = (await everything(to, ids)).filter(([, text]) => text.includes(MARKER)).map(([path]) => path);
    expect(shown).toContain(`/dead-letters/${ids.dead}`);
    expect(shown).toContain(`/queues/api/queues/send/${ids.waiting}`);
    expect(shown).not.toContain('log');
  });
});

it('the queues can only be looked at', async () => {
  await using to = await used.openDesk({ startWorker: false });
  const id = await to.enqueue({ pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'x' } });
  const { visitor, url } = to.console;
  const cookie = (await visitor.get('/')).headers.get('set-cookie')?.split(';')[0] ?? '';
  for (const path of ['pause', 'send/empty', 'send/obliterate', `send/${id}/clean`, `send/${id}/retry`]) {
    for (const method of ['PUT', 'POST', 'PATCH', 'DELETE']) {
      const { status } = await fetch(`${url}/queues/api/queues/${path}`, { method, headers: { cookie }, body: '{}' });
      expect([method, path, status]).toEqual([method, path, 403]);
    }
  }
  expect(await to.producer.getMessage(id)).toMatchObject({ status: 'queued' });
});

function unescaped(text: string): string {
  const letters: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' };
  return text.replaceAll(/&(?:lt|gt|quot|#39|amp);/g, (entity) => letters[entity] ?? entity);
}

function titlesOf({ text }: PageAnswer): string[] {
  return [...text.matchAll(/ title="([^"]*)"/g)].map(([, title = '']) => unescaped(title));
}

function linksOf({ text }: PageAnswer): string[] {
  return [...text.matchAll(/ href="([^"]*)"/g)].map(([, href = '']) => unescaped(href));
}
