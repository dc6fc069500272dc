import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/shared/logging/logger.ts';
import { openDeadLetters } from '../../src/dead-letters/index.ts';
import { createProducer } from '../../src/producer/index.ts';
import { createWorker } from '../../src/worker/index.ts';
import { startConsole, wordsOf } from '../support/console.ts';
import { encryptionKeys, newKeysFile } from '../support/encryption-keys.ts';
import { textMessage } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';
import { tried } from '../support/tried.ts';

const used = useRedis();
const SECRET = 'Kanarienvogel7319';

describe('an installation that requires encryption', () => {
  it('sends nothing that was stored in the clear, which is a dead letter that says what to do, and nothing of it is logged', async () => {
    const { path } = newKeysFile(encryptionKeys('k1'));
    const lines: string[] = [];
    const logger = createLogger({ level: 'trace', destination: { write: (line: string) => void lines.push(line) } });
    await using site = await install(used.server, {
      config: { encryptionKeysFile: path, requireEncryption: true },
      hooks: { logger },
      startWorker: false,
    });
    await using careless = createProducer({ ...site.config, encryptionKeysFile: undefined, requireEncryption: false });
    const inClear: string[] = [];
    for (let n = 0; n < 30; n += 1) {
      const request = { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: SECRET } } as const;
      inClear.push((await careless.enqueueMessage(request)).id);
    }
    const id = await site.enqueue(textMessage('c1', 2));
    site.startWorker();
    await site.until(id, 'delivered');
    expect(site.api.accepted.map(({ message }) => message.text)).toEqual(['message 2']);
    const [first = ''] = inClear;
    expect(await site.deadLetters.get(first)).toMatchObject({
      reason: 'undecodable',
      problem: expect.stringMatching(/not encrypted.*KITECHAT_REQUIRE_ENCRYPTION.*replay/) as string,
      attempts: [],
    });
    expect(await site.deadLetters.count({ reason: 'undecodable' })).toBe(inClear.length);
    expect(lines.join('')).not.toContain(SECRET);
    expect(lines.filter((line) => line.includes('KITECHAT_REQUIRE_ENCRYPTION'))).toHaveLength(1);
    // Somebody has judged that it is theirs.
    expect(await site.deadLetters.replay({ ids: [first] })).toMatchObject({ done: 1 });
    await site.api.waitForAccepted(2);
    expect(site.api.accepted.at(-1)?.message.text).toBe(SECRET);
    tried({
      against: 'redis',
      input: 'unencrypted messages where encryption is required',
      count: 30,
      result: 'never sent, dead as `undecodable`; one line in the log, without content',
      before: 'delivered',
    });
  });

  it('has no producer, worker, replay or "send" without keys, and everything that stores nothing goes on', async () => {
    await using site = await install(used.server, { api: { faults: [{ kind: 'status', status: 400 }] } });
    const id = await site.enqueue(textMessage('c1', 1));
    await site.until(id, 'dead');
    const { source: _, ...settings } = site.config;
    const { redisUrl, namespace } = settings;
    const options = { redisUrl, namespace, requireEncryption: true };
    const missing = /requireEncryption is true, but encryptionKeysFile is not set/;
    expect(() => createProducer(options)).toThrow(missing);
    await expect(createWorker({ ...options, apiKey: 'key', logLevel: 'silent' }).run()).rejects.toThrow(missing);
    await using deadLetters = openDeadLetters(options);
    expect(await deadLetters.list()).toHaveLength(1);
    await expect(deadLetters.replay({ ids: [id], set: { 'message.text': 'x' } })).rejects.toThrow(missing);
    await using desk = await startConsole({ ...site.config, requireEncryption: true });
    await desk.visitor.get('/');
    const refused = await desk.visitor.post(`/dead-letters/${id}/replay`, {});
    expect(wordsOf(refused)).toContain('KITECHAT_REQUIRE_ENCRYPTION');

    const env = { REDIS_URL: used.url, KITECHAT_NAMESPACE: namespace ?? '', KITECHAT_REQUIRE_ENCRYPTION: 'true' };
    for (const args of [['send'], ['dead-letters', 'replay', '--all']]) {
      const { exitCode, stderr } = await runCommand(args, env, JSON.stringify(textMessage('c1', 2)));
      expect([exitCode, stderr.join('\n')]).toEqual([2, expect.stringContaining('KITECHAT_ENCRYPTION_KEYS_FILE')]);
    }
    for (const args of [['status'], ['message', id], ['dead-letters', 'list'], ['hold', '--page', 'p9']]) {
      expect(await runCommand(args, env)).toMatchObject({ exitCode: 0 });
    }
    const { stderr } = await runCommand(['cancel', id], env);
    expect(stderr.join('\n')).toContain('is not cancelled');
    expect(await site.deadLetters.count()).toBe(1);
  });
});
