import { hostname, userInfo } from 'node:os';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { jsonLinesOf } from '../support/cli-installation.ts';
import { startConsole, wordsOf } from '../support/console.ts';
import { tokenOf, visitorWith, writeTokens } from '../support/console-tokens.ts';
import { installWithDead } from '../support/dead-installation.ts';
import { eventually } from '../support/eventually.ts';
import { startTestRedis } from '../support/redis.ts';
import { runCommand } from '../support/run-command.ts';
import { startSecuredRedis } from '../support/secured-redis.ts';
import { textMessage } from '../support/messages.ts';
import { useFolder } from '../support/use-folder.ts';
import { useRedis } from '../support/use-redis.ts';
import { tried } from '../support/tried.ts';

const used = useRedis();
const folder = useFolder();

/** An installation with dead letters, and a console with named tokens that shows content. */
async function siteWithDead(rejected = 4) {
  const stack = new AsyncDisposableStack();
  const to = stack.use(await installWithDead(used.server, { rejected }));
  const desk = stack.use(
    await startConsole({ ...to.config, consoleTokensFile: writeTokens(folder), consoleShowContent: true }),
  );
  const letters = (await to.deadLetters.list()).map(({ id }) => id);
  const key = `{${to.config.namespace}:fleet}:audit`;
  const audit = async (...args: string[]) => jsonLinesOf(await to.cli('audit', '--json', ...args));
  return { ...to, desk, letters, key, audit, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe('the record of actions', () => {
  it('has each action of the console with the name of its token, what it was about and its result', async () => {
    await using to = await siteWithDead();
    const { post } = visitorWith(to.desk.url, 'admin');
    const waiting = await to.enqueue({ ...textMessage('c9', 1), delayMs: 3_600_000 });
    const [first = '', second = '', third = ''] = to.letters;
    await post('/hold', { scope: 'page', page: 'p7' });
    await post('/hold', { scope: 'page', page: 'p7' });
    await post('/release', { scope: 'all' });
    await post('/cancel', { id: waiting });
    await post(`/dead-letters/${first}/replay`);
    await post(`/dead-letters/${second}/replay-edited`, { 'set:message.text': 'SECRET CONTENT' });
    await post(`/dead-letters/${third}/discard`);
    await post('/dead-letters/start', { what: 'discard', match: 'all', page: 'p1' });
    await eventually('the job is recorded', async () => (await to.audit()).length === 9);
    const [last, ...others] = await to.audit();
    const who = { by: 'admin', via: 'console', session: 'token' };
    expect(last).toMatchObject({
      ...who,
      action: 'discard many',
      page: 'p1',
      selection: 'page p1',
      matched: 1,
      done: 1,
      result: 'done',
    });
    expect(others.toReversed()).toMatchObject([
      { ...who, action: 'hold', page: 'p7', result: 'done' },
      { ...who, action: 'hold', page: 'p7', result: 'nothing to change' },
      { ...who, action: 'release', result: 'nothing to change' },
      { ...who, action: 'cancel', page: 'p1', ids: [waiting], result: 'cancelled' },
      { ...who, action: 'replay', page: 'p1', ids: [first], result: 'done' },
      { ...who, action: 'edit and replay', page: 'p1', ids: [second], result: 'done' },
      { ...who, action: 'discard', page: 'p1', ids: [third], result: 'done' },
      { ...who, action: 'discard many', page: 'p1', result: 'begun' },
    ]);
    const stored = JSON.stringify(await used.redis.xrange(to.key, '-', '+'));
    for (const secret of ['SECRET', 'message 1', tokenOf('admin')]) expect(stored).not.toContain(secret);
  });

  it('has each action of the command line with who and why, the user and the machine by default', async () => {
    await using to = await siteWithDead(3);
    const [first = '', second = '', third = ''] = to.letters;
    const waiting = await to.enqueue({ ...textMessage('c9', 1), delayMs: 3_600_000 });
    const why = ['--reason', 'ticket 17', '--by', 'anna'];
    await to.cli('hold', '--page', 'p7', '--conversation', 'c7', ...why);
    await to.cli('release', '--all', ...why);
    await to.cli('cancel', waiting, ...why);
    await to.cli('limits', 'set', '--rate', '1000/s', '--page-rate', 'default', ...why);
    const replayWhy = ['--why', 'ticket 17', '--by', 'anna'];
    await to.cli('dead-letters', 'replay', '--id', first, ...replayWhy);
    await to.cli('dead-letters', 'replay', '--id', second, '--set', 'message.text=SECRET CONTENT', ...replayWhy);
    await to.cli('dead-letters', 'discard', '--all', '--dry-run', ...replayWhy);
    await to.cli('dead-letters', 'discard', '--page', 'p1', '--reason', 'rejected', '--yes');
    const records = (await to.audit()).toReversed();
    const who = { by: 'anna', via: 'cli', reason: 'ticket 17' };
    const expected = [
      { ...who, action: 'hold', page: 'p7', conversation: 'c7', result: 'done' },
      { ...who, action: 'release', result: 'nothing to change' },
      { ...who, action: 'cancel', ids: [waiting], result: 'cancelled' },
      { ...who, action: 'limits', selection: 'rate 1000/s, pageRate default', result: 'done' },
      { ...who, action: 'replay', ids: [first], matched: 1, done: 1, result: 'done' },
      { ...who, action: 'edit and replay', ids: [second], matched: 1, done: 1, result: 'done' },
      {
        by: `${userInfo().username}@${hostname()}`,
        via: 'cli',
        action: 'discard',
        page: 'p1',
        selection: 'dead letters, reason rejected',
        matched: 1,
        done: 1,
        result: 'done',
      },
    ];
    expect(records).toHaveLength(expected.length);
    expect(records).toMatchObject(expected);
    expect(await to.deadLetters.get(third)).toBeNull();
    expect(JSON.stringify(await used.redis.xrange(to.key, '-', '+'))).not.toContain('SECRET');
  });

  it('is a table or lines of JSON, the newest first, of a time and a number', async () => {
    await using to = await siteWithDead(0);
    for (const page of ['p1', 'p2', 'p3']) await to.cli('hold', '--page', page, '--by', 'anna', '--reason', 'a test');
    const [newest, middle, oldest] = await to.audit();
    expect([newest?.['page'], middle?.['page'], oldest?.['page']]).toEqual(['p3', 'p2', 'p1']);
    const table = await to.cli('audit');
    expect(table.stdout[0]).toMatch(/^at +by +via +action +what +matched +done +result +why$/);
    expect(table.stdout[1]).toMatch(/^20\S+Z +anna +cli +hold +page p3 .* done +a test$/);
    expect(table.stderr).toEqual(['3 shown, the newest first']);
    expect(await to.audit('--limit', '1')).toMatchObject([{ page: 'p3' }]);
    expect(await to.audit('--until', String(middle?.['at']))).toMatchObject([{ page: 'p1' }]);
    expect(await to.audit('--since', String(middle?.['at']))).toMatchObject([{ page: 'p3' }, { page: 'p2' }]);
  });

  it('takes no name and no reason with control characters, or too long', async () => {
    for (const flags of [
      ['--by', 'a\nb'],
      ['--by', 'x'.repeat(129)],
      ['--reason', 'x'.repeat(257)],
      ['--reason', ''],
    ]) {
      expect(await runCommand(['hold', '--all', ...flags], { REDIS_URL: used.url })).toMatchObject({ exitCode: 2 });
    }
  });

  it('keeps about ten thousand actions', async () => {
    await using to = await siteWithDead(0);
    const pipeline = used.redis.pipeline();
    for (let n = 0; n < 10_500; n += 1) pipeline.xadd(to.key, '*', 'by', 'old', 'action', 'hold', 'result', 'done');
    await pipeline.exec();
    await to.cli('hold', '--page', 'p1');
    const length = await used.redis.xlen(to.key);
    expect(length).toBeGreaterThanOrEqual(10_000);
    expect(length).toBeLessThan(10_200);
  });

  it('is kept also when Redis is full', async () => {
    await using server = await startTestRedis();
    await using to = await installWithDead(server, { rejected: 1 });
    await using desk = await startConsole(to.config);
    const admin = new Redis(server.url);
    await admin.config('SET', 'maxmemory', '1');
    await to.cli('hold', '--page', 'p1');
    await desk.visitor.get('/');
    expect((await desk.visitor.post('/hold', { scope: 'all' })).status).toBe(303);
    expect(jsonLinesOf(await to.cli('audit', '--json'))).toMatchObject([
      { by: 'local', via: 'console', action: 'hold', result: 'done' },
      { via: 'cli', action: 'hold', page: 'p1', result: 'done' },
    ]);
    await admin.config('SET', 'maxmemory', '0');
    admin.disconnect();
  });

  it('that can not be written fails no action, but this is told', async () => {
    await using redis = await startSecuredRedis();
    const operator = 'kitechat-operator';
    await redis.admin.call('ACL', 'SETUSER', operator, '-xadd');
    const env = { REDIS_URL: redis.urlOf(operator) };
    const held = await runCommand(['hold', '--page', 'p1'], env);
    expect(held.exitCode).toBe(0);
    expect(held.stderr.join('\n')).toMatch(/^This action counts, but may be missing in the record .* \(NOPERM\)$/m);
    await using desk = await startConsole({ redisUrl: redis.urlOf(operator) });
    await desk.visitor.get('/');
    expect((await desk.visitor.post('/release', { scope: 'page', page: 'p1' })).status).toBe(303);
    expect(desk.lines.join('')).toContain('an action was made, but could not be recorded');
    expect(await redis.admin.hgetall('{kitechat:0}:holds')).toEqual({});
  });
});

describe('the view of actions', () => {
  it('shows them page by page, the newest first', async () => {
    await using to = await siteWithDead(0);
    const pipeline = used.redis.pipeline();
    for (let n = 1; n <= 120; n += 1) {
      pipeline.xadd(to.key, '*', 'by', `person-${n}`, 'action', 'hold', 'result', 'done');
    }
    await pipeline.exec();
    const { get } = visitorWith(to.desk.url, 'operator');
    let path: string | undefined = '/actions';
    const seen: number[][] = [];
    while (path !== undefined && seen.length < 9) {
      const { text } = await get(path);
      seen.push(Array.from(text.matchAll(/title="person-(\d+)"/g), ([, n]) => Number(n)));
      path = /rel="next" href="([^"]+)"/.exec(text)?.[1];
    }
    expect(seen.map(({ length }) => length)).toEqual([50, 50, 20]);
    expect(seen.flat()).toEqual(Array.from({ length: 120 }, (_, index) => 120 - index));
  });

  it('shows a token for some pages only what was done on these', async () => {
    await using to = await siteWithDead(0);
    const { post } = visitorWith(to.desk.url, 'operator');
    await post('/hold', { scope: 'page', page: 'hidden-page' });
    await post('/hold', { scope: 'all' });
    await post('/hold', { scope: 'conversation', page: 'p1', conversation: 'c1' });
    const limited = wordsOf(await visitorWith(to.desk.url, 'operator-of-p1').get('/actions'));
    expect(limited).toContain('page p1, conversation c1');
    expect(limited).not.toMatch(/hidden-|everything/);
    expect(wordsOf(await visitorWith(to.desk.url, 'operator').get('/actions'))).toContain('page hidden-page');
  });

  it('shows whatever others wrote there as text', async () => {
    await using to = await siteWithDead(0);
    await used.redis.xadd(to.key, '*', 'by', '<b>x</b>', 'action', '<script>', 'matched', 'NaN');
    await used.redis.xadd(to.key, '*', 'x', 'y');
    const { status, text } = await visitorWith(to.desk.url, 'admin').get('/actions');
    expect(status).toBe(200);
    expect(text).not.toMatch(/<b>x|<script>/);
    expect(await to.audit()).toHaveLength(2);
    tried({
      against: 'console',
      input: 'text with markup, and unknown fields, in the record of actions',
      count: 2,
      result: 'shown as text',
    });
  });
});
