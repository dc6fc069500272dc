import { describe, expect, it } from 'vitest';
import { createWorker } from '../../src/worker/index.ts';
import { runProcess } from '../support/command-line.ts';
import { runCommand } from '../support/run-command.ts';
import { newKeysFile } from '../support/encryption-keys.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

/** The page and the key of every request that the API has got. */
function keysSeen({ api }: Installation): [string, unknown][] {
  return api.requests.map(({ headers, body }) => [(body as { pageId: string }).pageId, headers['apikey']]);
}

describe('a worker with files of keys', () => {
  const used = useRedis();

  it('sends with the key of each page, and with the one for every page where a page has none', async () => {
    const { path: apiKeysFile } = newKeysFile('{"p1":"key-of-p1","p2":"key-of-p2"}');
    await using site = await install(used, { config: { apiKey: 'key-of-all', apiKeysFile } });
    const pages = ['p1', 'p2', 'p3'];
    const ids = await Promise.all(pages.map((page) => site.enqueue(textMessage('c1', 1, page))));
    for (const id of ids) await site.until(id, 'delivered');
    expect(new Map(keysSeen(site))).toEqual(
      new Map([
        ['p1', 'key-of-p1'],
        ['p2', 'key-of-p2'],
        ['p3', 'key-of-all'],
      ]),
    );
  });

  it('goes on with the new key when a file is replaced, without a restart', async () => {
    const file = newKeysFile('old-key\n');
    await using site = await install(used, { config: { apiKey: undefined, apiKeyFile: file.path } });
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    file.replace('new-key\n');
    let n = 1;
    await eventually('the new key is used', async () => {
      await site.until(await site.enqueue(textMessage('c1', (n += 1))), 'delivered');
      return keysSeen(site).some(([, key]) => key === 'new-key');
    });
    expect(new Set(keysSeen(site).map(([, key]) => key))).toEqual(new Set(['old-key', 'new-key']));
    expect(site.api.report()).toMatchObject({ duplicates: { count: 0 }, outOfOrder: { count: 0 } });
  });

  it('lets a page without a key wait, and sends once the file has one', async () => {
    const file = newKeysFile('{"p1":"key-of-p1"}');
    await using site = await install(used, { config: { apiKey: undefined, apiKeysFile: file.path, attempts: 1 } });
    const id = await site.enqueue(textMessage('c1', 1, 'p2'));
    await site.until(await site.enqueue(textMessage('c1', 1, 'p1')), 'delivered');
    const held = await site.until(id, 'held');
    expect(held.attempts[0]).toMatchObject({ outcome: 'held', detail: 'there is no API key for this page' });
    file.replace('{"p1":"key-of-p1","p2":"key-of-p2"}');
    expect(await site.until(id, 'delivered')).toMatchObject({ attemptsUsed: 0 });
    expect(keysSeen(site)).toEqual([
      ['p1', 'key-of-p1'],
      ['p2', 'key-of-p2'],
    ]);
  });

  it('does not read them when the hook resolveApiKey says which key it is', async () => {
    const config = { apiKey: undefined, apiKeyFile: '/missing', apiKeysFile: '/missing' };
    await using site = await install(used, { config, hooks: { resolveApiKey: (pageId) => `hook-${pageId}` } });
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    expect(keysSeen(site)).toEqual([['p1', 'hook-p1']]);
  });

  it('does not start with files that it can not use, and says so without their paths', async () => {
    const config = { redisUrl: used.url, apiKeyFile: '/missing/SECRET', apiKeysFile: newKeysFile('SECRET').path };
    const running = createWorker(config).run();
    await expect(running).rejects.toThrow(/apiKeyFile: names a file [^]*apiKeysFile: names a file /);
    await expect(running).rejects.not.toThrow(/SECRET/);
  });

  it('as a command it exits 2 for such a file, and the commands that need no key go on', async () => {
    const env = { REDIS_URL: used.url, KITECHAT_NAMESPACE: 'no-key', KITECHAT_API_KEY_FILE: '/missing/SECRET' };
    const worker = await runProcess(['worker'], env);
    expect(worker.exitCode).toBe(2);
    expect(worker.stdout).toEqual([expect.stringContaining('the worker starts')]);
    expect(worker.stdout[0]).not.toContain('SECRET');
    expect(worker.stderr.slice(1)).toEqual(["  - KITECHAT_API_KEY_FILE: names a file that can't be read (ENOENT)"]);
    expect(await runCommand(['send'], env, JSON.stringify(textMessage('c1', 1)))).toMatchObject({ exitCode: 0 });
    expect(await runCommand(['status'], env)).toMatchObject({ exitCode: 0 });
  });
});
