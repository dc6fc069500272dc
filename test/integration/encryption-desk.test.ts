import type { Settings } from '../support/settings.ts';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createWorker } from '../../src/worker/index.ts';
import { type CommandResult, runProcess } from '../support/command-line.ts';
import { runCommand } from '../support/run-command.ts';
import { startConsole, wordsOf } from '../support/console.ts';
import { encryptionKey, encryptionKeys, newKeysFile } from '../support/encryption-keys.ts';
import { eventually } from '../support/eventually.ts';
import { newFolderOfTest } from '../support/folder-of-test.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

const CLOSED = 'its content is encrypted with the key k1, but KITECHAT_ENCRYPTION_KEYS_FILE is not set';

const used = useRedis();

interface Site extends Installation {
  id: string;
  path: string;
  /** The command line, with the keys or without them. */
  cli(keys: 'keys' | 'no keys', args: string[], stdin?: string): Promise<CommandResult>;
}

/** One message that the API refused, encrypted; from then on it takes everything. */
async function withDead(): Promise<Site> {
  const { path } = newKeysFile(encryptionKeys('k1'));
  const site = await install(used.server, {
    config: { encryptionKeysFile: path },
    api: { faults: [{ kind: 'status', status: 400, body: 'bad: message 1' }] },
  });
  const id = await site.enqueue(textMessage('c1', 1));
  await site.until(id, 'dead');
  site.api.setFaults([]);
  const env = { REDIS_URL: used.url, KITECHAT_NAMESPACE: site.config.namespace ?? '' };
  return {
    ...site,
    id,
    path,
    cli: (keys, args, stdin) =>
      runCommand(args, keys === 'keys' ? { ...env, KITECHAT_ENCRYPTION_KEYS_FILE: path } : env, stdin),
  };
}

describe('the command line', () => {
  it('shows what encrypted dead letters say when it has the keys, and sends an export again', async () => {
    await using to = await withDead();
    const [show, list, exported] = await Promise.all([
      to.cli('keys', ['dead-letters', 'show', to.id]),
      to.cli('keys', ['dead-letters', 'list']),
      to.cli('keys', ['dead-letters', 'export']),
    ]);
    expect(show.stdout.join('\n')).toMatch(/"text": "message 1"[^]*HTTP 400\nbad: message 1/);
    expect(show.stdout.join('\n')).not.toMatch(/^problem/m);
    expect(list.stdout.join('\n')).toContain('HTTP 400, 14 bytes, see "show"');
    expect(exported.stderr).toEqual(['exported 1 entry']);
    expect(await to.cli('keys', ['send'], exported.stdout.join('\n'))).toMatchObject({ exitCode: 0 });
    await to.api.waitForAccepted(1);
    expect(to.api.accepted[0]).toMatchObject(textMessage('c1', 1));
  });

  it('without the keys tells that they are encrypted, and fails nowhere', async () => {
    await using to = await withDead();
    const [show, list, exported, message, replay] = await Promise.all([
      to.cli('no keys', ['dead-letters', 'show', to.id]),
      to.cli('no keys', ['dead-letters', 'list']),
      to.cli('no keys', ['dead-letters', 'export']),
      to.cli('no keys', ['message', to.id]),
      to.cli('no keys', ['dead-letters', 'replay', '--all']),
    ]);
    for (const result of [show, list, exported, message]) expect(result.exitCode).toBe(0);
    expect(show.stdout.join('\n')).toMatch(new RegExp(`^problem +${CLOSED}$`, 'm'));
    expect(show.stdout.join('\n')).toMatch(/HTTP 400\n\[encrypted\]/);
    expect(list.stdout.join('\n')).toContain(CLOSED);
    expect(JSON.parse(exported.stdout.join(''))).toMatchObject({ pageId: 'p1', message: null, problem: CLOSED });
    expect(exported.stderr).toEqual([
      'exported 1 entry',
      '1 of them without the message, which can\'t be read: see the field "problem"',
    ]);
    expect(replay).toMatchObject({ exitCode: 1, stderr: [expect.stringMatching(/can not be read/)] });
    const sent = await to.cli('keys', ['send'], exported.stdout.join('\n'));
    expect(sent).toMatchObject({ exitCode: 1, stdout: [] });
    expect(await to.deadLetters.count()).toBe(1);
  });
});

describe('the console', () => {
  async function startDesk(config: Settings) {
    const desk = await startConsole(config);
    await desk.visitor.get('/');
    return desk;
  }

  it('that may show content opens it, and edits it', async () => {
    await using to = await withDead();
    await using desk = await startDesk({ ...to.config, consoleShowContent: true });
    const path = `/dead-letters/${to.id}`;
    expect(wordsOf(await desk.visitor.get(path))).toMatch(/bad: message 1.*Edit and replay/);
    const answer = await desk.visitor.post(`${path}/replay-edited`, { 'set:message.text': 'message 1, mended' });
    expect(answer.status).toBe(303);
    await to.api.waitForAccepted(1);
    expect(to.api.accepted[0]?.message.text).toBe('message 1, mended');
  });

  it('that may not show it hides it as ever', async () => {
    await using to = await withDead();
    await using desk = await startDesk(to.config);
    const page = await desk.visitor.get(`/dead-letters/${to.id}`);
    expect(page.text).not.toContain('message 1');
    expect(wordsOf(page)).toContain('The content is hidden');
  });

  it('without the keys tells why it can not be read, also what the raw jobs hold', async () => {
    await using to = await withDead();
    await using desk = await startDesk({ ...to.config, encryptionKeysFile: undefined, consoleShowContent: true });
    const words = wordsOf(await desk.visitor.get(`/dead-letters/${to.id}`));
    expect(words).toContain(CLOSED);
    expect(words).toContain("It can't be sent again");
    const raw = await desk.visitor.get('/queues/api/queues?activeQueue=dead&status=failed&page=1&jobsPerPage=10');
    expect(raw.status).toBe(200);
    expect(raw.text).not.toContain('message 1');
    const confirm = await desk.visitor.post('/dead-letters/confirm', { do: 'replay-selected', id: to.id });
    expect(wordsOf(confirm)).toContain('skipped: the stored message can');
  });

  it('offers a replay of what was undecodable once it can be read', async () => {
    // Another key with the same id.
    const workers = newKeysFile(`{"k1": "${encryptionKey('other')}"}`);
    const producers = newKeysFile(encryptionKeys('k1'));
    await using to = await install(used.server, { config: { encryptionKeysFile: producers.path }, startWorker: false });
    const id = await to.enqueue(textMessage('c1', 1));
    const worker = to.startWorker({ encryptionKeysFile: workers.path });
    await to.until(id, 'dead');
    await worker.close();
    await using closed = await startDesk({ ...to.config, encryptionKeysFile: workers.path });
    const selection = { do: 'replay-matching', reason: 'undecodable' };
    const before = await closed.visitor.post('/dead-letters/confirm', selection);
    expect(wordsOf(before)).toContain('1 entry is skipped');
    expect(before.text).not.toContain('/dead-letters/start');
    workers.replace(encryptionKeys('k1'));
    const after = await eventually('the key is seen', async () => {
      const page = await closed.visitor.post('/dead-letters/confirm', selection);
      return page.text.includes('/dead-letters/start') && page;
    });
    expect(wordsOf(after)).toContain('Replay 1 dead letter');
  });
});

describe('a file with encryption keys that can not be used', () => {
  const problem = /KITECHAT_ENCRYPTION_KEYS_FILE: line 1, column 2: the key must be 32 bytes in base64/;

  it.each(['worker', 'send', 'console', 'dead-letters list', 'dead-letters replay --all'])(
    'ends %s at its start with exit code 2, and is not printed',
    async (command) => {
      const { path } = newKeysFile('{"k1":"SECRET"}');
      const env = { REDIS_URL: used.url, KITECHAT_API_KEY: 'key', KITECHAT_ENCRYPTION_KEYS_FILE: path };
      // A worker logs on the stdout of its process.
      const runIt = command === 'worker' ? runProcess : runCommand;
      const result = await runIt(command.split(' '), env, '');
      expect(result.exitCode).toBe(2);
      expect(result.stdout.filter((line) => !line.includes('the worker starts'))).toEqual([]);
      expect(result.stderr.join('\n')).toMatch(problem);
      expect(result.stderr.join('\n')).not.toMatch(/SECRET/);
      expect(result.stderr.join('\n')).not.toContain(path);
    },
  );

  it('is told by a worker together with what is wrong with the files of API keys', async () => {
    const folder = newFolderOfTest();
    const config = { redisUrl: used.url, apiKeyFile: join(folder, 'missing'), encryptionKeysFile: folder };
    await expect(createWorker(config).run()).rejects.toThrow(
      /apiKeyFile: names a file [^]*encryptionKeysFile: names a file /,
    );
    await expect(createWorker({ ...config, apiKeyFile: undefined, apiKey: 'key' }).run()).rejects.toThrow(
      /^The configuration can't be used, please correct:\n {2}- encryptionKeysFile: names a file/,
    );
  });
});
