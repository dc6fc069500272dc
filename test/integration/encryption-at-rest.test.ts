import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EnqueueItem } from '../../src/producer/index.ts';
import { connectPatiently } from '../../src/shared/session/connect.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { encryptionKey, encryptionKeys, newKeysFile } from '../support/encryption-keys.ts';
import { eventually } from '../support/eventually.ts';
import { startTestRedis } from '../support/redis.ts';
import { install, type Installation } from '../support/worker.ts';

const canaries = {
  delivered: 'Kanarienvogel7319delivered',
  retried: 'Kanarienvogel7319retried',
  rejected: 'Kanarienvogel7319rejected',
  edited: 'Kanarienvogel7319edited',
  unknown: 'Kanarienvogel7319unknown',
  expired: 'Kanarienvogel7319expired',
  scheduled: 'Kanarienvogel7319scheduled',
  cancelled: 'Kanarienvogel7319cancelled',
  closed: 'Kanarienvogel7319closed',
  url: 'kanarienvogel7319url',
  payload: 'Kanarienvogel7319payload',
  answer: 'Kanarienvogel7319answer',
};
/** Labels are for finding messages, and stay readable. */
const LABEL = 'Label4711inClear';

function message(conversationId: string, text: string): EnqueueItem {
  return { pageId: 'p1', conversationId, message: { type: 'text', text }, label: LABEL };
}

/** Takes messages along every way that they can go. */
async function drive(site: Installation): Promise<void> {
  const { api, deadLetters, producer } = site;
  api.setFaults([
    { kind: 'status', status: 500, times: 2, match: { conversationId: 'retried' }, body: canaries.retried },
    { kind: 'status', status: 400, match: { textIncludes: canaries.rejected }, body: { message: canaries.answer } },
    { kind: 'reset', when: 'after', match: { conversationId: 'unknown' } },
  ]);
  const image: EnqueueItem = {
    ...message('delivered', ''),
    message: { type: 'image', url: `https://example.com/${canaries.url}.png`, text: canaries.delivered },
  };
  const template: EnqueueItem = {
    ...message('delivered', ''),
    message: {
      type: 'template',
      template: { buttons: [{ type: 'quick_replies', text: 'Yes', payload: canaries.payload }] },
    },
  };
  const rejected = await site.enqueue(message('rejected', canaries.rejected));
  const unknown = await site.enqueue({ ...message('unknown', canaries.unknown), onUnknownOutcome: 'dead-letter' });
  const scheduled = { ...message('scheduled', canaries.scheduled), delayMs: 3_600_000 };
  await site.enqueue(scheduled);
  const cancelled = await site.enqueue({ ...message('cancelled', canaries.cancelled), delayMs: 3_600_000 });
  expect(await producer.cancelMessage(cancelled)).toBe('cancelled');
  for (const item of [image, template]) await site.enqueue({ ...item, idempotencyKey: item.message.type });
  await site.until(await site.enqueue(message('retried', canaries.retried)), 'delivered');
  await site.until(rejected, 'dead');
  await site.until(unknown, 'dead');
  await deadLetters.replay({ ids: [rejected], set: { 'message.text': canaries.edited } });
  api.setFaults([]);
  await deadLetters.replay({ ids: [unknown], force: true });
  await eventually('what can be delivered is', () => {
    const texts = JSON.stringify(api.accepted.map(({ message: { text } }) => text));
    return [canaries.edited, canaries.unknown].every((text) => texts.includes(text));
  });
  // It is too old when the message before it has its answer.
  api.setFaults([{ kind: 'latency', ms: 300, match: { conversationId: 'expired' } }]);
  await site.enqueue(message('expired', 'the first'));
  const expired = await site.enqueue({ ...message('expired', canaries.expired), ttlMs: 1 });
  await site.until(expired, 'dead');
}

/** One whose key nobody knows, and that has expired: a dead letter that can't be opened. */
async function addClosed(site: Installation): Promise<void> {
  const { path } = newKeysFile(encryptionKeys('other'));
  await using other = await install(
    { url: site.config.redisUrl ?? '' },
    {
      config: { ...site.config, encryptionKeysFile: path },
      startWorker: false,
    },
  );
  await site.until(await other.enqueue({ ...message('closed', canaries.closed), ttlMs: 1 }), 'dead');
}

/** Everything that Redis has written: its append-only file with all that ever happened, and a dump of what is there. */
async function writtenBy(server: RedisServer): Promise<Buffer> {
  const redis = connectPatiently({ redisUrl: server.url });
  await redis.save();
  redis.disconnect();
  const dir = server.dir ?? '';
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const names = files.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['dump.rdb', expect.stringMatching(/\.aof$/)]));
  return Buffer.concat(files.map(({ parentPath, name }) => readFileSync(join(parentPath, name))));
}

/** A text as it may stand in a file: as it is, and in all that a simple encoding makes of it. */
function formsOf(text: string): string[] {
  const inBase64 = [0, 1, 2].flatMap((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]);
    const whole = Math.floor(bytes.length / 3) * 3;
    // Without the characters that depend on what stands before it.
    const inner = (encoded: string): string => encoded.slice(offset === 0 ? 0 : 4);
    const cut = bytes.subarray(0, whole);
    return [inner(cut.toString('base64')), inner(cut.toString('base64url'))];
  });
  const bytes = Buffer.from(text);
  return [...inBase64, text, bytes.toString('hex'), Buffer.from(text, 'utf16le').toString('latin1')];
}

function found(written: Buffer, texts: Record<string, string>): string[] {
  return Object.entries(texts).flatMap(([name, text]) =>
    formsOf(text).some((form) => written.includes(form, 0, 'latin1')) ? [name] : [],
  );
}

async function startOnDisk(): Promise<RedisServer> {
  // Compressed, what is in clear could hide.
  return await startTestRedis({ appendOnly: true, args: ['--rdbcompression', 'no'] });
}

describe('on the disk', () => {
  it('an encrypted installation leaves nothing of what messages and answers say, and not the key', async () => {
    await using server = await startOnDisk();
    const { path } = newKeysFile(encryptionKeys('k1'));
    await using site = await install(server, { config: { encryptionKeysFile: path } });
    await drive(site);
    await addClosed(site);
    const written = await writtenBy(server);
    expect(found(written, canaries)).toEqual([]);
    expect(found(written, { key: encryptionKey('k1') })).toEqual([]);
    expect(found(written, { LABEL, page: 'rejected' })).toEqual(['LABEL', 'page']);
  });

  it('without keys all of it would be found', async () => {
    await using server = await startOnDisk();
    await using site = await install(server);
    await drive(site);
    const written = await writtenBy(server);
    const { closed: _closed, ...others } = canaries;
    expect(found(written, others)).toEqual(Object.keys(others));
    for (const text of Object.values(others)) {
      for (const offset of [0, 1, 2]) {
        const inBase64 = Buffer.from(`${'x'.repeat(offset)}${text}!`).toString('base64');
        expect(formsOf(text).some((form) => inBase64.includes(form))).toBe(true);
      }
    }
  });
});
