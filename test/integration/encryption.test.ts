import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createProducer, IdempotencyConflictError } from '../../src/producer/index.ts';
import { encryptionKeys, newKeysFile } from '../support/encryption-keys.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
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
