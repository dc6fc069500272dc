import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ConsoleVisitor, createVisitor, startConsole, wordsOf } from '../support/console.ts';
import { tokenOf, visitorWith, writeTokens } from '../support/console-tokens.ts';
import { eventually } from '../support/eventually.ts';
import { installWithHolds } from '../support/held-installation.ts';
import { textMessage } from '../support/messages.ts';
import { replaceFile } from '../support/replace-file.ts';
import { useFolder } from '../support/use-folder.ts';
import { useRedis } from '../support/use-redis.ts';
import { tried } from '../support/tried.ts';

const used = useRedis();
const folder = useFolder();

describe('a file of tokens that changes', () => {
  it('ends the sessions of a token that is removed or changed, and gives others their new rights', async () => {
    await using installation = await installWithHolds(used.server, { startWorker: false });
    const path = writeTokens(folder);
    await using desk = await startConsole({ ...installation.config, consoleTokensFile: path });
    const sessionOf = async (name: string): Promise<ConsoleVisitor> => {
      const visitor = createVisitor(desk.url);
      expect((await visitor.post('/login', { token: tokenOf(name) })).status).toBe(303);
      expect((await visitor.get('/pages')).status).toBe(200);
      return visitor;
    };
    const [removed, changed, promoted] = await Promise.all(['operator', 'admin', 'viewer'].map(sessionOf));
    expect((await promoted?.post('/hold', { scope: 'page', page: 'p1' }))?.status).toBe(403);
    const next = [
      { name: 'admin', token: `${tokenOf('admin')}-new`, role: 'admin' },
      { name: 'viewer', token: tokenOf('viewer'), role: 'operate' },
    ];
    replaceFile(path, JSON.stringify(next));
    await eventually('the file is read again', async () => (await removed?.get('/pages'))?.status === 401);
    expect((await changed?.get('/pages'))?.status).toBe(401);
    expect((await changed?.post('/hold', { scope: 'all' }))?.status).toBe(401);
    expect((await visitorWith(desk.url, 'operator').get('/pages')).status).toBe(401);
    expect((await promoted?.post('/hold', { scope: 'page', page: 'p1' }))?.status).toBe(303);
    expect(desk.lines.join('')).toContain('KITECHAT_CONSOLE_TOKENS_FILE has changed');

    replaceFile(path, '[{ "name": "viewer" }]');
    await eventually('the broken file is reported', async () => {
      expect((await promoted?.get('/pages'))?.status).toBe(200);
      return desk.lines.join('').includes("can't be used: the tokens stay as they were");
    });
    expect(desk.lines.join('')).not.toContain(tokenOf('viewer'));
    tried({
      against: 'console',
      input: 'sessions of a token that is removed from the file, changed, or given another role',
      count: 3,
      result: '401, 401; the new rights',
    });
  });

  it('that can not be used at the start is an error with all its problems', async () => {
    const broken = writeTokens(folder, [{ name: 'a b', token: 'short', role: 'boss' }]);
    const starting = startConsole({ redisUrl: used.url, consoleTokensFile: broken });
    await expect(starting).rejects.toThrow(
      /KITECHAT_CONSOLE_TOKENS_FILE: \[0\]\.name: [^]*\[0\]\.token: [^]*\[0\]\.role: must be one of/,
    );
    const missing = startConsole({ redisUrl: used.url, consoleTokensFile: join(folder, 'missing') });
    await expect(missing).rejects.toThrow(/KITECHAT_CONSOLE_TOKENS_FILE: names a file that can't be read \(ENOENT\)/);
  });

  it('with a weak token is logged by its name', async () => {
    const consoleTokensFile = writeTokens(folder, [{ name: 'weak', token: 'abababababababab', role: 'view' }]);
    await using desk = await startConsole({ redisUrl: used.url, consoleTokensFile });
    expect(desk.lines.join('')).toMatch(/"names":\["weak"\].*has fewer than 6 different characters/);
  });
});

it('a token for some pages is told that a key of its page is held, not which other pages wait for that key', async () => {
  await using refused = await installWithHolds(used.server, { api: { apiKeys: ['another'] } });
  const consoleTokensFile = writeTokens(folder);
  await using desk = await startConsole({ ...refused.config, consoleTokensFile });
  const { get } = visitorWith(desk.url, 'admin-of-p1');
  for (const page of ['p1', 'hidden-page', 'hidden-too']) await refused.enqueue(textMessage('c1', 1, page));
  await eventually('the key is held', async () => (await refused.status()).holds[0]?.pageCount === 3);
  for (const path of ['/pages', '/pages/p1', '/find?page=p1&conversation=c1']) {
    const answer = await get(path);
    expect(answer.text).not.toContain('hidden-');
    expect(wordsOf(answer)).not.toMatch(/conversations/);
    expect(wordsOf(answer)).toMatch(/The API refuses a key|key: unauthorized/);
  }
});
