import { describe, expect, it } from 'vitest';
import { wordsOf } from '../support/console.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { type Desk, useDesks } from '../support/use-desks.ts';
import type { InstallationOptions } from '../support/worker.ts';

const used = useDesks();

interface Site extends Desk {
  /** What the console logged of actions. */
  logged(): Record<string, unknown>[];
}

async function site(options: InstallationOptions = {}): Promise<Site> {
  const desk = await used.openDesk(options);
  const { visitor, lines } = desk.console;
  // The first page brings the session whose token the forms need.
  await visitor.get('/');
  return {
    ...desk,
    logged: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ action }) => action),
  };
}

/** One message that the API refused; from then on it takes everything. */
async function withDead(options: InstallationOptions = {}): Promise<Site & { id: string }> {
  const to = await site({ ...options, api: { faults: [{ kind: 'status', status: 400 }] } });
  const id = await to.enqueue(textMessage('c1', 1));
  await to.until(id, 'dead');
  to.api.setFaults([]);
  return { ...to, id };
}

describe('holding', () => {
  const targets: [string, Record<string, string>][] = [
    ['everything', { scope: 'all' }],
    ['a page', { scope: 'page', page: 'p1' }],
    ['a conversation', { scope: 'conversation', page: 'p1', conversation: 'c1' }],
  ];

  it.each(targets)('%s stops it, releasing lets it go on, and both are told and logged', async (_what, fields) => {
    await using to = await site();
    const { visitor } = to.console;
    const held = await visitor.post('/hold', { ...fields, back: '/pages' });
    expect([held.status, held.location]).toEqual([303, '/pages']);
    expect(wordsOf(await visitor.follow(held))).toMatch(/is held: its messages wait.*To undo this, release it/);
    expect(wordsOf(await visitor.get('/pages'))).not.toContain('To undo this');
    const id = await to.enqueue(textMessage('c1', 1));
    await to.until(id, 'held');
    expect(wordsOf(await visitor.follow(await visitor.post('/hold', fields)))).toContain('was held already');
    const released = await visitor.post('/release', { ...fields, back: '/pages' });
    expect(wordsOf(await visitor.follow(released))).toMatch(/is released.*To undo this, hold it again/);
    await to.until(id, 'delivered');
    expect(wordsOf(await visitor.follow(await visitor.post('/release', fields)))).toContain(
      'was not held by an operator or for a dead letter',
    );
    const { scope: _scope, ...target } = fields;
    expect(to.logged()).toMatchObject([
      { action: 'hold', target, result: 'done', who: expect.stringMatching(/^[\w-]{8}$/) as unknown },
      { action: 'hold', result: 'nothing to change' },
      { action: 'release', target, result: 'done' },
      { action: 'release', result: 'nothing to change' },
    ]);
  });

  it.each<[string, Record<string, string>]>([
    ['no scope', { page: 'p1' }],
    ['an unknown scope', { scope: 'fleet' }],
    ['a page without its id', { scope: 'page' }],
    ['a conversation without its id', { scope: 'conversation', page: 'p1' }],
    ['an id that can not be one', { scope: 'page', page: 'x'.repeat(257) }],
  ])('%s changes nothing', async (_what, fields) => {
    await using to = await site({ startWorker: false });
    for (const path of ['/hold', '/release']) expect((await to.console.visitor.post(path, fields)).status).toBe(422);
    expect((await to.status()).holds).toEqual([]);
  });

  it('leads back only to a page of its own', async () => {
    await using to = await site({ startWorker: false });
    const fields = { scope: 'page', page: 'p1', back: 'https://evil.example' };
    expect((await to.console.visitor.post('/hold', fields)).location).toBe('/');
  });
});

it('a waiting message can be cancelled, and one that has ended can not', async () => {
  await using to = await site({ startWorker: false });
  const { visitor } = to.console;
  const id = await to.enqueue(textMessage('c1', 1));
  const back = `/find?q=${id}`;
  expect(wordsOf(await visitor.get(back))).toContain('Cancel permanently');
  const cancelled = await visitor.follow(await visitor.post('/cancel', { id, back }));
  expect(wordsOf(cancelled)).toContain('is cancelled and will not be sent');
  expect(cancelled.text).not.toContain('Cancel permanently');
  expect(await to.producer.getMessage(id)).toMatchObject({ status: 'cancelled' });
  const unknown = await visitor.follow(await visitor.post('/cancel', { id: 'nonsense', back: '/find' }));
  expect(wordsOf(unknown)).toContain('no such message is known');
});

describe('a dead letter', () => {
  it('is sent again with one button, and the answer leads to the new message', async () => {
    await using to = await withDead();
    const { visitor } = to.console;
    const answer = await visitor.follow(await visitor.post(`/dead-letters/${to.id}/replay`));
    const link = /href="(\/find\?q=[^"]+)"/.exec(answer.text)?.[1] ?? '';
    await eventually('it is delivered', async () => wordsOf(await visitor.get(link)).includes('delivered'));
    expect(await to.deadLetters.count()).toBe(0);
    const again = await visitor.post(`/dead-letters/${to.id}/replay`);
    expect(wordsOf(await visitor.get('/'))).toContain('is not sent again: not found');
    expect((await visitor.follow(again)).status).toBe(404);
  });

  it('is edited and sent again, with exactly the texts that were written', async () => {
    await using to = await withDead({ config: { consoleShowContent: true } });
    const { visitor } = to.console;
    const path = `/dead-letters/${to.id}`;
    expect((await visitor.get(path)).text).toContain('name="set:message.text"');
    await visitor.post(`${path}/replay-edited`, { 'set:message.text': '\r\n two\r\nlines <b>' });
    await to.api.waitForAccepted(1);
    expect(to.api.accepted[0]).toMatchObject({ message: { type: 'text', text: '\n two\nlines <b>' } });
    expect(to.logged()).toMatchObject([{ action: 'replay', ids: [to.id], edited: ['message.text'], result: 'done' }]);
    expect(to.console.lines.join('')).not.toContain('lines <b>');
  });

  it('that is edited against the rules stays, and the form keeps what was written', async () => {
    await using to = await withDead({ config: { consoleShowContent: true } });
    const { visitor } = to.console;
    const fields = { 'set:message.text': '', 'set:message.url': 'ftp://x' };
    const answer = await visitor.post(`/dead-letters/${to.id}/replay-edited`, fields);
    expect(answer.status).toBe(422);
    expect(wordsOf(answer)).toContain('message.text: must not be empty');
    expect(await to.deadLetters.count()).toBe(1);
  });

  it('is discarded for good', async () => {
    await using to = await withDead();
    const { visitor } = to.console;
    const answer = await visitor.follow(await visitor.post(`/dead-letters/${to.id}/discard`));
    expect(wordsOf(answer)).toContain('is discarded');
    expect(await to.deadLetters.count()).toBe(0);
    const again = await visitor.follow(await visitor.post(`/dead-letters/${to.id}/discard`));
    expect(wordsOf(again)).toContain('it no longer existed');
    expect(to.logged()).toMatchObject([
      { action: 'discard', ids: [to.id], result: 'done' },
      { action: 'discard', result: 'not found' },
    ]);
  });

  it('that expired is sent again only after a warning', async () => {
    await using to = await site({ startWorker: false });
    const id = await to.enqueue({ ...textMessage('c1', 1), ttlMs: 1 });
    to.startWorker();
    await to.until(id, 'dead');
    const { visitor } = to.console;
    const page = await visitor.get(`/dead-letters/${id}`);
    expect(wordsOf(page)).toContain('The message had become too old to be sent.');
    expect(page.text).toContain('name="force" value="yes"');
    await visitor.post(`/dead-letters/${id}/replay`);
    expect(wordsOf(await visitor.get('/'))).toContain('is not sent again: expired');
    await visitor.post(`/dead-letters/${id}/replay`, { force: 'yes' });
    await to.api.waitForAccepted(1);
  });

  it('that holds its conversation is found from the overview, and its replay goes first', async () => {
    await using to = await site({
      config: { onDeadLetter: 'hold' },
      api: { faults: [{ kind: 'status', status: 400, times: 1 }] },
    });
    const { visitor } = to.console;
    const dead = await to.enqueue(textMessage('c1', 1));
    await to.until(dead, 'dead');
    const next = await to.enqueue(textMessage('c1', 2));
    await to.until(next, 'held');
    for (const path of ['/', '/pages/p1', '/find?page=p1&conversation=c1']) {
      const { text } = await visitor.get(path);
      expect(text).toContain(`href="/dead-letters/${dead}"`);
      expect(text).toContain('One of its messages died.');
    }
    await visitor.post(`/dead-letters/${dead}/replay`);
    await to.until(next, 'delivered');
    expect(to.api.accepted.map(({ message }) => message)).toMatchObject([{ text: 'message 1' }, { text: 'message 2' }]);
  });
});
