import { describe, expect, it } from 'vitest';
import { createVisitor, startConsole, wordsOf } from '../support/console.ts';
import { runCommand } from '../support/run-command.ts';
import { tried } from '../support/tried.ts';
import { useDesks } from '../support/use-desks.ts';

const SECRET = 'The code of the safe is 4711';
const codes = Array.from(SECRET, (letter) => letter.codePointAt(0) ?? 0);
const escaped = codes.map((code) => `\\u${code.toString(16).padStart(4, '0')}`).join('');
const forms: [string, string][] = [
  ['as it is', SECRET],
  ['in JSON escapes', escaped],
  ['in HTML entities', codes.map((code) => `&#${code};`).join('')],
  ['in base64', Buffer.from(SECRET).toString('base64')],
  ['in hex', Buffer.from(SECRET).toString('hex')],
  ['in URL encoding', codes.map((code) => `%${code.toString(16)}`).join('')],
  ['backwards', Array.from(SECRET).toReversed().join('')],
  ['in pieces', Array.from(SECRET).join(' ')],
];

const used = useDesks();

async function deadLetter(body: string) {
  const to = await used.openDesk({ api: { faults: [{ kind: 'status', status: 400, body }] } });
  const id = await to.enqueue({ pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: SECRET } });
  await to.until(id, 'dead');
  const env = { REDIS_URL: used.url, KITECHAT_NAMESPACE: to.config.namespace ?? '' };
  return { to, id, env };
}

describe.each(forms)('an answer that quotes the message %s', (_how, quoted) => {
  it('is on no page, in no answer of the queues, in no log and in no list, unless that is asked for', async () => {
    const body = JSON.stringify({ message: 'refused' }).replace('refused', `refused: ${quoted}`);
    const { to, id, env } = await deadLetter(body);
    await using _to = to;
    const { visitor } = to.console;
    const paths = [
      `/dead-letters/${id}`,
      '/dead-letters',
      `/find?q=${id}`,
      '/find?page=p1&conversation=c1',
      '/pages/p1',
      '/',
      `/queues/queue/dead/${id}`,
      `/queues/api/queues/dead/${id}`,
      `/queues/api/queues/dead/${id}/logs`,
      '/queues/api/queues?activeQueue=dead&jobsPerPage=50',
      '/metrics',
    ];
    const texts = await Promise.all(paths.map(async (path) => [path, await visitor.get(path)] as const));
    const list = await runCommand(['dead-letters', 'list'], env);
    const message = await runCommand(['message', id], env);
    for (const [path, { status, text }] of texts) {
      expect([path, status, text.includes(quoted.slice(0, 12)), text.includes('refused:')]).toEqual([
        path,
        200,
        false,
        false,
      ]);
    }
    const bytes = Buffer.byteLength(body);
    expect(wordsOf(await visitor.get(`/dead-letters/${id}`))).toContain(
      `HTTP 400, ${bytes} bytes The answer is hidden, since it can quote the message`,
    );
    for (const { stdout } of [list, message]) expect(stdout.join('\n')).not.toMatch(/refused:/);
    expect(list.stdout.join('\n')).toContain(`HTTP 400, ${bytes} bytes, see "show"`);
    expect(to.console.lines.join('')).not.toContain('refused:');

    const shown = await runCommand(['dead-letters', 'show', id], env);
    expect(shown.stdout.join('\n')).toContain('refused:');
    await using showing = await startConsole({ ...to.config, consoleShowContent: true });
    expect((await showing.visitor.get(`/dead-letters/${id}`)).text).toContain('refused:');
    const asked = await runCommand(['dead-letters', 'list'], { ...env, KITECHAT_CONSOLE_SHOW_CONTENT: 'true' });
    expect(asked.stdout.join('\n')).toContain('refused:');
    tried({
      against: 'console',
      input:
        'an answer that quotes the message as it is, in `\\u` escapes, entities, base64, hex, URL encoding, backwards, in pieces; 11 views, `dead-letters list`, `message`, the log',
      count: paths.length + 3,
      result: 'only status and length',
      before: 'shown',
    });
  });
});

it('fields of a job that others wrote are not shown either', async () => {
  const { to, id } = await deadLetter('no');
  await using _to = to;
  const key = `{${to.config.namespace}:0}:dead:${id}`;
  await used.redis.hset(key, 'defa', SECRET, 'failedReason', SECRET, 'returnvalue', JSON.stringify(SECRET));
  for (const path of [`/queues/api/queues/dead/${id}`, '/queues/api/queues?activeQueue=dead']) {
    const { status, text } = await to.console.visitor.get(path);
    expect([path, status, text.includes(id), text.includes(SECRET)]).toEqual([path, 200, true, false]);
  }
  tried({
    against: 'console',
    input: '`failedReason`, `returnvalue`, `defa` of a job, written by others; 2 views',
    count: 2,
    result: 'not shown',
    before: '`defa` was',
  });
});

describe('the queues', () => {
  it.each([
    'jobsPerPage=101',
    'jobsPerPage=1e9',
    'jobsPerPage=-1',
    'jobsPerPage=10&jobsPerPage=100000',
    'page=0',
    'page=99999999',
    `activeQueue=${'q'.repeat(201)}`,
    'activeQueue=%25',
  ])('answer to no more than their page asks for, and no error of theirs is shown: %s', async (query) => {
    await using to = await used.openDesk();
    const answer = await to.console.visitor.get(`/queues/api/queues?${query}`);
    expect(answer.status).toBe(422);
    expect(wordsOf(answer)).toContain('This can not be done');
    expect(to.console.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
    tried({
      against: 'console',
      input: 'queries of the queues: sizes and numbers of pages, long and undecodable names',
      result: '422',
      before: 'answered, or an error of bull-board',
    });
  });

  it('tell of their own errors as the console does, without a word of theirs', async () => {
    await using to = await used.openDesk();
    await to.console.visitor.get('/queues/api/queues');
    const namespace = to.config.namespace ?? '';
    const key = `{${namespace}:0}:send:wait`;
    await used.redis.set(key, SECRET);
    const answer = await to.console.visitor.get('/queues/api/queues?activeQueue=send&status=waiting');
    expect([answer.status, answer.text.includes('WRONGTYPE')]).toEqual([500, false]);
    expect(wordsOf(answer)).toContain('Something went wrong');
    expect(answer.text).not.toContain('ERRORS.');
    await used.redis.del(key);
  });
});

it.each(['/dead-letters?page=', '/dead-letters?label=', '/find?conversation=c&page=', '/pages/', '/pages?page='])(
  'an id that is longer than any id is looked up nowhere: %s',
  async (path) => {
    await using desk = await startConsole({ redisUrl: used.url });
    const visitor = createVisitor(desk.url);
    expect((await visitor.get(path + '€'.repeat(256))).status).toBeLessThan(400);
    const long = await visitor.get(path + '€'.repeat(257));
    expect([long.status, wordsOf(long).includes('Ids and labels have at most 256 characters')]).toEqual([422, true]);
  },
);
