import { describe, expect, it } from 'vitest';
import { KEYLESS } from '../../src/shared/lanes/lib/places.ts';
import { createLogger } from '../../src/shared/logging/logger.ts';
import { createProducer } from '../../src/producer/index.ts';
import { encryptionKey, encryptionKeys, newKeysFile } from '../support/encryption-keys.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';
import { tried } from '../support/tried.ts';

const used = useRedis();

describe('a message whose key this worker lacks', () => {
  it('waits in its order, is shown as held for its key, and is delivered once the file has the key, without an attempt', async () => {
    const producers = newKeysFile(encryptionKeys('k2'));
    const workers = newKeysFile(encryptionKeys('k1'));
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', destination: { write: (line: string) => void lines.push(line) } });
    await using site = await install(used.server, {
      config: { encryptionKeysFile: workers.path, attempts: 1 },
      hooks: { logger },
      startWorker: false,
    });
    await using producer = createProducer({ ...site.config, encryptionKeysFile: producers.path });
    const ids: string[] = [];
    for (const n of [1, 2]) ids.push((await producer.enqueueMessage(textMessage('c1', n))).id);
    const behind = await site.enqueue(textMessage('c1', 3));
    site.startWorker();
    await site.until(await site.enqueue(textMessage('c2', 1)), 'delivered');
    const problem = 'its content is encrypted with the key k2, which is not in KITECHAT_ENCRYPTION_KEYS_FILE';
    expect(await site.until(ids[0] ?? '', 'held')).toMatchObject({
      attempts: [{ outcome: 'held', detail: problem, usedAttempt: false }],
      attemptsUsed: 0,
    });
    const env = { REDIS_URL: used.url, KITECHAT_NAMESPACE: site.config.namespace ?? '' };
    const status = await runCommand(['status', '--json'], env);
    expect(JSON.parse(status.stdout.join(''))).toMatchObject({
      held: 1,
      queued: 2,
      holds: [
        { scope: 'conversation', page: 'p1', conversation: 'c1', reason: 'no-encryption-key', evidence: problem },
      ],
    });
    workers.replace(encryptionKeys('k1', 'k2'));
    await site.until(behind, 'delivered');
    expect(site.api.accepted.map(({ message }) => message.text)).toEqual([
      'message 1',
      'message 1',
      'message 2',
      'message 3',
    ]);
    expect(await site.deadLetters.count()).toBe(0);
    const said = lines.filter((line) => line.includes('no-encryption-key'));
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('KITECHAT_ENCRYPTION_KEYS_FILE');
  });

  it('waits for a worker that has the file, until it expires, where the worker has none', async () => {
    const { path } = newKeysFile(encryptionKeys('k1'));
    await using site = await install(used.server, { startWorker: false });
    await using producer = createProducer({ ...site.config, encryptionKeysFile: path });
    const { id: first } = await producer.enqueueMessage(textMessage('c1', 1), { ttlMs: 1500 });
    const { id: second } = await producer.enqueueMessage(textMessage('c1', 2));
    const worker = site.startWorker();
    await site.until(first, 'held');
    expect(await site.until(first, 'dead')).toMatchObject({
      reason: 'expired',
      attemptsUsed: 0,
      problem: expect.stringMatching(/is not set$/) as string,
    });
    await site.until(second, 'held');
    site.startWorker({ encryptionKeysFile: path });
    await worker.close();
    await site.until(second, 'delivered');
  });

  it('leaves the others of its page alone, however many there are, and the log has one line about all of them', async () => {
    const { path } = newKeysFile(encryptionKeys('k1'));
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', destination: { write: (line: string) => void lines.push(line) } });
    await using site = await install(used.server, {
      config: { concurrency: 5 },
      hooks: { logger },
      startWorker: false,
    });
    await using producer = createProducer({ ...site.config, encryptionKeysFile: path });
    const ids = await producer.enqueueMessages(Array.from({ length: 500 }, (_, n) => textMessage(`closed${n}`, 1)));
    site.startWorker();
    await site.until(ids.at(-1)?.id ?? '', 'held');
    const others = await site.producer.enqueueMessages(Array.from({ length: 50 }, (_, n) => textMessage(`c${n}`, 1)));
    const startedAt = performance.now();
    for (const { id } of others) await site.until(id, 'delivered');
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(lines.filter((line) => line.includes('no-encryption-key'))).toHaveLength(1);
    expect(lines.length).toBeLessThan(100);
    const root = `{${site.config.namespace}:0}:`;
    expect(await used.redis.zcount(`${root}heads:p1`, KEYLESS, KEYLESS)).toBeGreaterThan(400);
    expect(await site.deadLetters.count()).toBe(0);
    tried({
      against: 'redis',
      input: 'messages with an encryption key that no worker has, in front of 50 others of the same page',
      count: 500,
      result: 'they wait, the 50 are delivered, one line in the log',
      before: '500 dead letters',
    });
  });
});

describe('a message that a key with the same id does not open', () => {
  it('is dead as undecodable with its reason, the next one goes on, and a replay delivers it once the right key is back', async () => {
    const producers = newKeysFile(encryptionKeys('k1'));
    const workers = newKeysFile(`{"k1": "${encryptionKey('other')}"}`);
    await using site = await install(used.server, { config: { encryptionKeysFile: workers.path }, startWorker: false });
    await using producer = createProducer({ ...site.config, encryptionKeysFile: producers.path });
    const ids: string[] = [];
    for (const n of [1, 2]) ids.push((await producer.enqueueMessage(textMessage('c1', n))).id);
    const [id = '', second = ''] = ids;
    const next = await site.enqueue(textMessage('c1', 3));
    const worker = site.startWorker();
    await site.until(next, 'delivered');
    const problem = expect.stringContaining("can't be decrypted with the key k1") as string;
    expect(await site.deadLetters.get(id)).toMatchObject({
      reason: 'undecodable',
      pageId: 'p1',
      conversationId: 'c1',
      request: null,
      attempts: [],
      attemptsUsed: 0,
      problem,
    });
    const attempt = await eventually('the attempt is reported', () => site.attempts.find((one) => one.id === id));
    expect(attempt).toMatchObject({ type: 'text', next: 'dead', reason: 'undecodable', detail: problem });
    expect(await site.deadLetters.replay({ all: true })).toEqual({
      matched: 2,
      done: 0,
      skipped: [
        { id, why: 'undecodable' },
        { id: second, why: 'undecodable' },
      ],
    });
    await worker.close();
    workers.replace(encryptionKeys('k1'));
    site.startWorker();
    await eventually('the key is seen', async () => (await site.deadLetters.get(id))?.request !== null);
    expect(await site.deadLetters.get(id)).toMatchObject({ request: textMessage('c1', 1), problem });
    const set = { 'message.text': 'message 1, mended' };
    expect(await site.deadLetters.replay({ ids: [id], set })).toMatchObject({ done: 1 });
    expect(await site.deadLetters.replay({ all: true })).toMatchObject({ matched: 1, done: 1 });
    await site.api.waitForAccepted(3);
    expect(site.api.accepted.map(({ message }) => message.text)).toEqual([
      'message 3',
      'message 1, mended',
      'message 2',
    ]);
  });
});
