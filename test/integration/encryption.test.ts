import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KEYLESS } from '../../src/shared/lanes/lib/places.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { createProducer, IdempotencyConflictError } from '../../src/producer/index.ts';
import { encryptionKey, encryptionKeys, newKeysFile } from '../support/encryption-keys.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

const used = useRedis();

/** What stands in Redis of a message, or of its dead letter. */
async function storedOf({ config }: Installation, queue: 'send' | 'dead', id: string): Promise<string> {
  return (await used.redis.hget(`{${config.namespace}:0}:${queue}:${id}`, 'data')) ?? '';
}

async function store(site: Installation, id: string, data: unknown): Promise<void> {
  await used.redis.hset(`{${site.config.namespace}:0}:send:${id}`, 'data', JSON.stringify(data));
}

interface SealedData {
  pageId: string;
  conversationId: string;
  sealed: string;
}

async function sealedOf(site: Installation, id: string): Promise<SealedData> {
  return JSON.parse(await storedOf(site, 'send', id)) as SealedData;
}

/** What the API got, as it was sent. */
function bodiesSent({ api }: Installation): string[] {
  return api.requests.map(({ body }) => JSON.stringify(body));
}

describe('with encryption keys', () => {
  it('a message stands encrypted in Redis, can be found by its ids and label, and is sent as it was given', async () => {
    const { path } = newKeysFile(encryptionKeys('k1'));
    await using site = await install(used.server, { config: { encryptionKeysFile: path }, startWorker: false });
    const template = { body: 'Xin chào 👋', buttons: [{ type: 'quick_replies', text: 'Yes', payload: 'p' }] };
    const request = { message: { template, type: 'template' }, conversationId: 'c1', pageId: 'p1' };
    const { id } = await site.producer.enqueueMessage(request as never, { label: 'spring' });
    const data = await storedOf(site, 'send', id);
    expect(JSON.parse(data)).toEqual({
      pageId: 'p1',
      conversationId: 'c1',
      sealed: expect.stringMatching(/^k1\.[\w-]+$/) as string,
    });
    expect(await site.producer.getMessage(id)).toMatchObject({ pageId: 'p1', conversationId: 'c1', label: 'spring' });
    site.startWorker();
    await site.until(id, 'delivered');
    expect(bodiesSent(site)).toEqual([JSON.stringify(request)]);
    const attempt = await eventually('the attempt is reported', () => site.attempts[0]);
    expect(attempt).toMatchObject({ type: 'template', label: 'spring', outcome: 'delivered' });
  });

  it('what was stored before they were given, and after they were taken from the producers, is delivered in order', async () => {
    const { path } = newKeysFile(encryptionKeys('k1'));
    await using site = await install(used.server, { startWorker: false });
    await using sealing = createProducer({ ...site.config, encryptionKeysFile: path });
    for (let n = 1; n <= 9; n += 1) {
      const { pageId, conversationId, message } = textMessage('c1', n);
      const producer = n > 3 && n <= 6 ? sealing : site.producer;
      await producer.enqueueMessage({ pageId, conversationId, message });
    }
    site.startWorker({ encryptionKeysFile: path });
    await site.api.waitForAccepted(9);
    expect(site.api.accepted.map(({ message }) => message.text)).toEqual(
      Array.from({ length: 9 }, (_, n) => `message ${n + 1}`),
    );
  });

  it('the dead letter of a message that was stored before them is encrypted, and so is the answer', async () => {
    const { path } = newKeysFile(encryptionKeys('k1'));
    await using site = await install(used.server, {
      startWorker: false,
      api: { faults: [{ kind: 'status', status: 400, body: 'bad: message 1' }] },
    });
    const id = await site.enqueue(textMessage('c1', 1));
    expect(await storedOf(site, 'send', id)).toContain('message 1');
    site.startWorker({ encryptionKeysFile: path });
    await site.until(id, 'dead');
    expect(await storedOf(site, 'dead', id)).not.toContain('message 1');
    await using opened = createProducer({ ...site.config, encryptionKeysFile: path });
    expect(await opened.getMessage(id)).toMatchObject({
      request: textMessage('c1', 1),
      response: { httpStatus: 400, body: 'bad: message 1' },
    });
    expect(await site.producer.getMessage(id)).toMatchObject({
      pageId: 'p1',
      conversationId: 'c1',
      request: null,
      response: { httpStatus: 400, body: '[encrypted]' },
      problem: 'its content is encrypted with the key k1, but KITECHAT_ENCRYPTION_KEYS_FILE is not set',
    });
  });

  it('new keys take the place of old ones while messages flow, without a stop and without a loss', async () => {
    const file = newKeysFile(encryptionKeys('old'));
    await using site = await install(used.server, { config: { encryptionKeysFile: file.path } });
    let n = 0;
    const enqueueNext = async (): Promise<SealedData> => {
      n += 1;
      const id = await site.enqueue(textMessage(`c${n % 3}`, 1 + Math.floor(n / 3)));
      return await sealedOf(site, id);
    };
    const untilSealedWith = async (key: string): Promise<void> => {
      await eventually(`messages are encrypted with the key ${key}`, async () =>
        (await enqueueNext()).sealed.startsWith(`${key}.`),
      );
    };
    await untilSealedWith('old');
    file.replace(encryptionKeys('old', 'new'));
    for (let more = 0; more < 30; more += 1) await enqueueNext();
    file.replace(encryptionKeys('new', 'old'));
    await untilSealedWith('new');
    await site.api.waitForAccepted(n);
    file.replace(encryptionKeys('new'));
    for (let more = 0; more < 30; more += 1) await enqueueNext();
    await site.api.waitForAccepted(n);
    expect(site.api.report()).toMatchObject({ accepted: n, duplicates: { count: 0 }, outOfOrder: { count: 0 } });
    expect(await site.deadLetters.count()).toBe(0);
  });

  it('a worker whose file has got a key just now knows it at once', async () => {
    const [early, late] = [newKeysFile(encryptionKeys('k1')), newKeysFile(encryptionKeys('k1'))];
    await using site = await install(used.server, { startWorker: false });
    await using producer = createProducer({ ...site.config, encryptionKeysFile: early.path });
    site.startWorker({ encryptionKeysFile: late.path });
    const { pageId, conversationId, message } = textMessage('c1', 1);
    const { id: first } = await producer.enqueueMessage({ pageId, conversationId, message });
    await site.until(first, 'delivered');
    for (const [nth, key] of ['k2', 'k3', 'k4', 'k5'].entries()) {
      early.replace(encryptionKeys(key));
      late.replace(encryptionKeys('k1', key));
      await using next = createProducer({ ...site.config, encryptionKeysFile: early.path });
      const { id } = await next.enqueueMessage(textMessage('c1', nth + 2));
      expect((await sealedOf(site, id)).sealed).toMatch(new RegExp(`^${key}\\.`));
      await site.until(id, 'delivered');
    }
  });
});

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

describe('what somebody has changed in Redis', () => {
  it.each<[string, (data: SealedData, other: SealedData) => unknown]>([
    ['with the content of another message', (data, other) => ({ ...data, sealed: other.sealed })],
    ['to lead to another conversation', (data) => ({ ...data, conversationId: 'c2' })],
    ['in one character', (data) => ({ ...data, sealed: data.sealed.replace(/.{5}$/, 'AAAAA') })],
    ['to no text at all', (data) => ({ ...data, sealed: { text: 'x' } })],
    ['beside a message in clear', (data) => ({ ...data, message: { type: 'text', text: 'x' } })],
    ['to a template of objects', () => ({ sealed: 'k1.__proto__' })],
  ])('%s is dead as undecodable and never sent', async (_what, change) => {
    const { path } = newKeysFile(encryptionKeys('k1'));
    await using site = await install(used.server, { config: { encryptionKeysFile: path }, startWorker: false });
    const id = await site.enqueue(textMessage('c1', 1));
    const other = await site.enqueue(textMessage('c1', 2));
    await store(site, id, change(await sealedOf(site, id), await sealedOf(site, other)));
    site.startWorker();
    await site.until(other, 'delivered');
    expect(await site.until(id, 'dead')).toMatchObject({ reason: 'undecodable', request: null });
    expect(site.api.accepted.map(({ message }) => message.text)).toEqual(['message 2']);
  });
});

describe('an idempotency key', () => {
  const request = textMessage('c1', 1);
  const other = textMessage('c1', 2);
  const options = { idempotencyKey: 'k' };

  it('knows its request again after encryption was turned on and after a rotation', async () => {
    const file = newKeysFile(encryptionKeys('k1'));
    await using site = await install(used.server, { startWorker: false });
    const { id } = await site.producer.enqueueMessage(request, options);
    for (const keys of [encryptionKeys('k1'), encryptionKeys('k2', 'k1')]) {
      file.replace(keys);
      await using producer = createProducer({ ...site.config, encryptionKeysFile: file.path });
      expect(await producer.enqueueMessage(request, options)).toEqual({ id, duplicate: true });
      await expect(producer.enqueueMessage(other, options)).rejects.toThrow(IdempotencyConflictError);
      const later = await producer.enqueueMessage(request, { idempotencyKey: 'later' });
      expect(later.duplicate).toBe(keys.includes('k2'));
    }
  });

  it('keeps no hash that content could be guessed by', async () => {
    const { path } = newKeysFile(encryptionKeys('k1'));
    await using site = await install(used.server, { config: { encryptionKeysFile: path }, startWorker: false });
    const { id } = await site.producer.enqueueMessage(request, options);
    const plain = createHash('sha256').update(JSON.stringify(request)).digest('base64url');
    const known = await used.redis.get(`{${site.config.namespace}:0}:idem:p1/k`);
    expect(known).toMatch(new RegExp(`^${id} k1\\.[\\w-]{43}$`));
    expect(known).not.toContain(plain);
    await using without = createProducer({ ...site.config, encryptionKeysFile: undefined });
    await expect(without.enqueueMessage(request, options)).rejects.toThrow(IdempotencyConflictError);
  });
});
