import { describe, expect, it } from 'vitest';
import { siteOf } from '../../src/cli/context/site.ts';
import { loadConfig } from '../../src/shared/config/config.ts';
import { describeApi } from '../../src/shared/config/site.ts';
import { installWithCli, onlyJsonOf } from '../support/cli-installation.ts';
import { startCommand } from '../support/command-line.ts';
import { startConsole, wordsOf } from '../support/console.ts';
import { textMessage, unknownId } from '../support/messages.ts';
import { runCommand, runWhole } from '../support/run-command.ts';
import { useRedis } from '../support/use-redis.ts';

const password = 'hunter2';
const used = useRedis();

/** The URL with a user and password, which this Redis takes. */
async function urlWithPassword(): Promise<string> {
  await used.redis.call('ACL', 'SETUSER', 'named', 'on', `>${password}`, '~*', '&*', '+@all');
  return `redis://named:${password}@127.0.0.1:${used.server.port}/0`;
}

describe('the Redis and the namespace', () => {
  it.each([
    ['message', unknownId],
    ['cancel', unknownId],
    ['send'],
    ['hold', '--page', 'p1'],
    ['release', '--page', 'p1'],
    ['limits', 'show'],
    ['limits', 'set', '--rate', 'default'],
    ['dead-letters', 'list'],
    ['dead-letters', 'show', unknownId],
    ['dead-letters', 'export'],
    ['dead-letters', 'replay', '--all'],
    ['dead-letters', 'discard', '--all', '--yes'],
    ['reshard', '1'],
  ])('are named by %s %s on stderr, without the password', async (...args) => {
    const env = { REDIS_URL: await urlWithPassword(), KITECHAT_NAMESPACE: 'named' };
    const { stdout, stderr } = await runWhole(args, env);
    expect(stderr[0]).toBe(`Redis: redis://127.0.0.1:${used.server.port}/0, namespace named`);
    expect([...stdout, ...stderr].join('\n')).not.toContain(password);
  });

  it('are named at the top of status, and in its JSON', async () => {
    await using at = await installWithCli(used, { startWorker: false });
    await at.enqueue(textMessage('c1', 1));
    const env = { ...at.env, REDIS_URL: await urlWithPassword() };
    const [asTable, asJson] = await Promise.all([runCommand(['status'], env), runCommand(['status', '--json'], env)]);
    const redis = `redis://127.0.0.1:${used.server.port}/0`;
    expect(asTable.stdout.slice(0, 2)).toEqual([`Redis: ${redis}, namespace ${at.config.namespace}`, '']);
    expect(onlyJsonOf(asJson)).toMatchObject({ redis, namespace: at.config.namespace });
    expect(asJson.stderr).toEqual([]);
  });

  it('are named by the first line of a worker, with the API, without passwords and keys', async () => {
    await using worker = startCommand(['worker'], {
      REDIS_URL: await urlWithPassword(),
      KITECHAT_NAMESPACE: 'named',
      KITECHAT_API_URL: `http://127.0.0.1:9/kitechat/send-message?key=${password}`,
      KITECHAT_API_KEY: password,
      KITECHAT_HTTP_PORT: '0',
    });
    await worker.lineWhere('stdout', (line) => line.includes('taking messages'));
    expect(JSON.parse(worker.stdout[0] ?? '')).toMatchObject({
      msg: 'the worker starts',
      redis: `redis://127.0.0.1:${used.server.port}/0`,
      namespace: 'named',
      shards: 1,
      api: 'http://127.0.0.1:9/kitechat/send-message?…',
    });
    worker.kill('SIGTERM');
    expect(await worker.ended()).toBe(0);
    expect([...worker.stdout, ...worker.stderr].join('\n')).not.toContain(password);
  });

  it('are named at the end of every page of the console', async () => {
    const redisUrl = await urlWithPassword();
    await using site = await startConsole({ redisUrl, namespace: 'console-of-nothing' });
    for (const path of ['/', '/pages', '/dead-letters', '/nothing-there']) {
      const page = await site.visitor.get(path);
      expect(wordsOf(page)).toContain(`· redis://127.0.0.1:${used.server.port}/0, namespace console-of-nothing`);
      expect(page.text).not.toContain(password);
    }
    expect(wordsOf(await site.visitor.get('/'))).toContain('No kitechat-sender has used this namespace yet.');
  });
});

it.each([{}, { REDIS_URL: '' }, { REDIS_URL: '""' }])('a forgotten REDIS_URL is told: %j', (env) => {
  expect(siteOf(env, loadConfig(env))).toBe(
    'redis://127.0.0.1:6379/0, namespace kitechat (the default, because REDIS_URL is not set)',
  );
});

it('the API is named without user, password and query', () => {
  expect(describeApi('https://u:hunter2@api.example.com:8443/a/b?key=hunter2#hunter2')).toBe(
    'https://api.example.com:8443/a/b?…',
  );
  expect(describeApi('http://127.0.0.1/send')).toBe('http://127.0.0.1/send');
});
