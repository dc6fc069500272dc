import { describe, expect, it } from 'vitest';
import { textMessage } from '../support/messages.ts';
import { settled } from '../support/settled.ts';
import { laneIds } from '../support/stored-messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

const HOUR_MS = 3_600_000;

const used = useRedis();

/** The texts that the API accepted, in order. */
function textsAt({ api }: Installation): unknown[] {
  return api.accepted.map(({ message }) => 'text' in message && message.text);
}

describe.concurrent('a message with a delay', () => {
  it('is scheduled, with the time at which it is due, and has no place in its conversation yet', async () => {
    await using to = await install(used.server, { startWorker: false });
    const before = Date.now();
    const id = await to.enqueue({ ...textMessage('c1', 1), delayMs: HOUR_MS });
    const record = await to.producer.getMessage(id);
    expect(record?.status).toBe('scheduled');
    const dueAt = Date.parse(record?.nextAttemptAt ?? '');
    expect(dueAt).toBeGreaterThanOrEqual(before + HOUR_MS - 1);
    expect(dueAt).toBeLessThanOrEqual(Date.now() + HOUR_MS + 1);
    expect(await laneIds(used.redis, to.config.namespace ?? '', 'p1', 'c1')).toEqual([]);
  });

  it('is sent when it is due and not before, after those of its conversation that were stored meanwhile', async () => {
    await using to = await install(used.server);
    const delayMs = 3000;
    const storedAt = Date.now();
    const scheduled = await to.enqueue({ ...textMessage('c1', 3), delayMs });
    const first = await to.enqueue(textMessage('c1', 1));
    const second = await to.enqueue(textMessage('c1', 2));
    await Promise.all([to.until(first, 'delivered'), to.until(second, 'delivered')]);
    expect(Date.now() - storedAt).toBeLessThan(delayMs);
    expect(await to.producer.getMessage(scheduled)).toMatchObject({ status: 'scheduled', attempts: [] });
    const { attempts } = await to.until(scheduled, 'delivered');
    expect(attempts).toHaveLength(1);
    const sentAt = Date.parse(attempts[0]?.at ?? '');
    expect(sentAt).toBeGreaterThanOrEqual(storedAt + delayMs - 1);
    expect(textsAt(to)).toEqual(['message 1', 'message 2', 'message 3']);
  });

  it('takes its place by its time, whatever the order of the calls', async () => {
    await using to = await install(used.server);
    const now = Date.now();
    await to.enqueue({ ...textMessage('c1', 3), sendAt: new Date(now + 2500) });
    await to.enqueue({ ...textMessage('c1', 2), sendAt: new Date(now + 2000).toISOString() });
    await to.enqueue({ ...textMessage('c1', 1), delayMs: 300 });
    await to.api.waitForAccepted(3);
    expect(textsAt(to)).toEqual(['message 1', 'message 2', 'message 3']);
  });

  it('is sent at once if its time has passed', async () => {
    await using to = await install(used.server, { startWorker: false });
    const past = await to.enqueue({ ...textMessage('c1', 1), sendAt: new Date(0), ttlMs: 60_000 });
    const none = await to.enqueue({ ...textMessage('c1', 2), delayMs: 0 });
    for (const id of [past, none]) {
      expect(await to.producer.getMessage(id)).toMatchObject({ status: 'queued', nextAttemptAt: null });
    }
    to.startWorker();
    await Promise.all([to.until(past, 'delivered'), to.until(none, 'delivered')]);
    expect(textsAt(to)).toEqual(['message 1', 'message 2']);
  });

  it('lives for its TTL from when it is due, not from when it was stored', async () => {
    await using to = await install(used.server);
    const id = await to.enqueue({ ...textMessage('c1', 1), delayMs: 3000, ttlMs: 2900 });
    const { attempts } = await to.until(id, 'delivered');
    expect(attempts).toHaveLength(1);
  });

  it('is the same for its idempotency key, whenever it is to be sent', async () => {
    await using to = await install(used.server, { startWorker: false });
    const { pageId, conversationId, message } = textMessage('c1', 1);
    const send = { pageId, conversationId, message };
    const first = await to.producer.enqueueMessage(send, { idempotencyKey: 'k', delayMs: HOUR_MS });
    const second = await to.producer.enqueueMessage(send, { idempotencyKey: 'k', priority: 'high' });
    expect(second).toEqual({ id: first.id, duplicate: true });
    expect((await to.producer.getMessage(first.id))?.status).toBe('scheduled');
  });

  it('is refused with a delay and a time, alone and in a batch', async () => {
    await using to = await install(used.server, { startWorker: false });
    const both = { delayMs: 1, sendAt: new Date() };
    const one = await settled(to.producer.enqueueMessage(textMessage('c1', 1), both));
    expect(one.error).toMatchObject({ issues: [{ path: 'options.sendAt' }] });
    const batch = await settled(
      to.producer.enqueueMessages([textMessage('c1', 1), { ...textMessage('c1', 2), ...both }]),
    );
    expect(batch.error).toMatchObject({ issues: [{ path: '[1].sendAt' }] });
  });
});

describe.concurrent('a message with high priority', () => {
  it('goes before the waiting ones of its page, never past its own conversation, and others of its kind keep their order', async () => {
    await using to = await install(used.server, { startWorker: false, config: { pageParallelism: 1, concurrency: 1 } });
    // A worker tells the page that one conversation goes at once; then there is only a producer.
    const worker = to.startWorker();
    await to.until(await to.enqueue(textMessage('c0', 0)), 'delivered');
    await worker.close();
    for (const c of ['c1', 'c2', 'c3', 'c4']) await to.enqueue(textMessage(c, 1));
    await to.enqueue({ ...textMessage('c4', 2), priority: 'high' });
    await to.enqueue({ ...textMessage('c5', 1), priority: 'high' });
    await to.enqueue({ ...textMessage('c6', 1), priority: 'high' });
    await to.enqueue({ ...textMessage('c7', 1), priority: 'normal' });
    to.startWorker();
    await to.api.waitForAccepted(9);
    expect(to.api.accepted.slice(1).map(({ conversationId }) => conversationId)).toEqual([
      'c5',
      'c6',
      'c1',
      'c2',
      'c3',
      'c4',
      'c4', // high, but behind its conversation; then before those that still wait
      'c7',
    ]);
  });
});
