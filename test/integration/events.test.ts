import { describe, expect, it } from 'vitest';
import { type EventRecord, openEvents } from '../../src/events/index.ts';
import { forgetGroup } from '../../src/shared/lanes/stream/read-events.ts';
import { tickIn } from '../../src/shared/lanes/fleet/leader.ts';
import { reconcile } from '../../src/shared/lanes/repair/reconcile.ts';
import { shardOn } from '../../src/shared/lanes/shard.ts';
import { openEventLog } from '../support/event-log.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

const used = useRedis();

const shardOf = (to: Installation) => shardOn(used.redis, to.config.namespace ?? '', 0);
const lostIn = (events: readonly EventRecord[]): number =>
  events.reduce((lost, event) => lost + (event.type === 'gap' ? event.lost : 0), 0);
const streamOf = (to: Installation) => `${shardOf(to).root}events`;

describe.concurrent('events', () => {
  it('tell that a message was delivered, with its attempts', async () => {
    await using to = await install(used.server, { api: { faults: [{ kind: 'status', status: 500, times: 1 }] } });
    await using log = await openEventLog(used.redis, { ...to.config, group: 'crm' });
    const id = await to.enqueue({ ...textMessage('c1', 1), label: 'sale' });
    const [event] = await log.until(1);
    const record = await to.until(id, 'delivered');
    expect(event).toMatchObject({
      id: expect.stringMatching(`^${id}\\.delivered\\.\\d+$`) as string,
      type: 'delivered',
      messageId: id,
      pageId: 'p1',
      conversationId: 'c1',
      label: 'sale',
      enqueuedAt: record.enqueuedAt,
      attempts: record.attempts,
      attemptsUsed: record.attemptsUsed,
      httpStatus: 200,
      proof: 'api',
    });
    expect(event).not.toHaveProperty('request');
    expect(JSON.stringify(event)).not.toContain('message 1');
  });

  it('tell why a message is dead, and that it was sent again', async () => {
    await using to = await install(used.server, { api: { faults: [{ kind: 'status', status: 400, times: 1 }] } });
    await using log = await openEventLog(used.redis, { ...to.config, group: 'crm' });
    const id = await to.enqueue({ ...textMessage('c1', 1), label: 'sale' });
    await to.until(id, 'dead');
    await to.deadLetters.replay({ ids: [id] });
    const events = await log.until(3);
    const replayedAs = to.api.accepted.length === 1 && (events[2] as { messageId: string }).messageId;
    expect(events).toMatchObject([
      { type: 'dead', messageId: id, reason: 'rejected', httpStatus: 400, conversationId: 'c1', label: 'sale' },
      { type: 'replayed', messageId: id, reason: 'rejected', replayedAs, conversationId: 'c1', label: 'sale' },
      { type: 'delivered', messageId: replayedAs },
    ]);
  });

  it('tell what an operator found out', async () => {
    await using to = await install(used.server, {
      config: { onUnknownOutcome: 'dead-letter' },
      api: { faults: [{ kind: 'status', status: 500, times: 2 }] },
    });
    await using log = await openEventLog(used.redis, { ...to.config, group: 'crm' });
    const first = await to.enqueue({ ...textMessage('c 1', 1), label: 'sale' });
    await to.until(first, 'dead');
    const second = await to.enqueue(textMessage('c2', 1));
    await to.until(second, 'dead');
    await to.deadLetters.settle({ id: first, outcome: 'delivered', by: 'lan' });
    await to.deadLetters.settle({ id: second, outcome: 'not-delivered' });
    const resolved = { type: 'resolved', reason: 'unknown-outcome', proof: 'operator', attempts: [] };
    const events = await log.until(4);
    expect(events.slice(2)).toMatchObject([
      { ...resolved, messageId: first, outcome: 'delivered', by: 'lan', conversationId: 'c 1', label: 'sale' },
      { ...resolved, messageId: second, outcome: 'not-delivered', conversationId: 'c2' },
    ]);
  });

  it('tell that a message was cancelled, once', async () => {
    await using to = await install(used.server, { startWorker: false });
    await using log = await openEventLog(used.redis, { ...to.config, group: 'crm' });
    const id = await to.enqueue(textMessage('c1', 1));
    await to.producer.cancelMessage(id);
    await to.producer.cancelMessage(id);
    const other = await to.enqueue(textMessage('c1', 2));
    await to.producer.cancelMessage(other);
    const events = await log.until(2);
    expect(events).toMatchObject([
      { type: 'cancelled', messageId: id },
      { type: 'cancelled', messageId: other },
    ]);
  });

  it('have ids of any kind as they were given', async () => {
    await using to = await install(used.server);
    await using log = await openEventLog(used.redis, { ...to.config, group: 'crm' });
    await to.enqueue({ ...textMessage('khách hàng/1 😀', 1), pageId: 'a page' });
    const gone = await to.enqueue({ ...textMessage('later "x"', 2), delayMs: 60_000 });
    await to.producer.cancelMessage(gone);
    const events = await log.until(2);
    expect(events).toContainEqual(expect.objectContaining({ pageId: 'a page', conversationId: 'khách hàng/1 😀' }));
    expect(events).toContainEqual(expect.objectContaining({ pageId: 'p1', conversationId: 'later "x"' }));
  });

  it('have the request if content was asked for', async () => {
    await using to = await install(used.server);
    await using log = await openEventLog(used.redis, { ...to.config, group: 'archive', content: true });
    const item = textMessage('c1', 1);
    await to.enqueue(item);
    expect(await log.until(1)).toMatchObject([{ type: 'delivered', request: item }]);
  });

  it('are not written while nobody reads them', async () => {
    await using to = await install(used.server);
    await to.until(await to.enqueue(textMessage('c1', 1)), 'delivered');
    expect(await used.redis.exists(streamOf(to))).toBe(0);
  });

  it('come again if they were not acknowledged, and before newer ones', async () => {
    await using to = await install(used.server);
    const options = { ...to.config, group: 'crm' };
    const first = await openEventLog(used.redis, options, { acknowledges: false });
    for (const n of [1, 2, 3]) await to.enqueue(textMessage('c1', n));
    const told = await first.until(3);
    await first.received[1]?.ack();
    await first.close();
    await to.enqueue(textMessage('c1', 4));
    await using second = await openEventLog(used.redis, options);
    const again = await second.until(3);
    expect(again.slice(0, 2)).toEqual([told[0], told[2]]);
    expect(again[2]).toMatchObject({ type: 'delivered', conversationId: 'c1' });
  });

  it('come to each group', async () => {
    await using to = await install(used.server);
    await using crm = await openEventLog(used.redis, { ...to.config, group: 'crm' });
    await using bi = await openEventLog(used.redis, { ...to.config, group: 'bi' });
    await to.enqueue(textMessage('c1', 1));
    expect(await bi.until(1)).toEqual(await crm.until(1));
  });

  it('come to one process of a group at a time; the next one takes over when it ends', async () => {
    await using to = await install(used.server);
    const options = { ...to.config, group: 'crm' };
    const first = await openEventLog(used.redis, options);
    await using second = await openEventLog(used.redis, options);
    for (const n of [1, 2, 3]) await to.enqueue(textMessage('c1', n));
    await first.until(3);
    expect(second.events).toEqual([]);
    await first.close();
    await to.enqueue(textMessage('c1', 4));
    expect(await second.until(1)).toHaveLength(1);
  });

  it('are removed once every group has acknowledged them, and the stream goes with its last group', async () => {
    await using to = await install(used.server);
    const log = await openEventLog(used.redis, { ...to.config, group: 'crm' });
    for (const n of [1, 2, 3]) await to.enqueue(textMessage('c1', n));
    await log.until(3);
    await log.close();
    await eventually('the stream is empty', async () => (await used.redis.xlen(streamOf(to))) === 0);
    expect(await forgetGroup(shardOf(to), 'crm')).toBe(true);
    expect(await forgetGroup(shardOf(to), 'crm')).toBe(false);
    expect(await used.redis.exists(streamOf(to))).toBe(0);
  });

  it('that were lost past the bound are counted in a gap', async () => {
    await using to = await install(used.server, { startWorker: false });
    const options = { ...to.config, group: 'crm' };
    const first = await openEventLog(used.redis, options, { acknowledges: false });
    const ids = await Promise.all(Array.from({ length: 30 }, (_, n) => to.enqueue(textMessage(`c${n}`, 1))));
    for (const id of ids.slice(0, 5)) await to.producer.cancelMessage(id);
    await first.until(5);
    await first.close();
    for (const id of ids.slice(5)) await to.producer.cancelMessage(id);
    await tickIn(shardOf(to), { workerId: 'leader', keepDoneMs: 60_000, keepDone: 100, lockMs: 5000, keepEvents: 10 });
    // 5 that were handed out, and 15 that were not; told again until it is acknowledged.
    const second = await openEventLog(used.redis, options, { acknowledges: false });
    await eventually('the loss is told', () => lostIn(second.events) > 0);
    await second.close();
    const third = await openEventLog(used.redis, options);
    await eventually('all is told', () => lostIn(third.events) === 20 && third.events.at(-1)?.type === 'cancelled');
    const events = third.events;
    const told = events.flatMap((event) => (event.type === 'gap' ? [] : [event.messageId]));
    expect(told).toEqual(ids.slice(20));
    await third.close();
    await using fourth = await openEventLog(used.redis, options);
    await to.producer.cancelMessage(await to.enqueue(textMessage('c1', 2)));
    expect(await fourth.until(1)).toMatchObject([{ type: 'cancelled' }]);
  });

  it('that were removed after they were handed out are counted, and the ones left come, however many they are', async () => {
    await using to = await install(used.server, { startWorker: false });
    const options = { ...to.config, group: 'crm' };
    const first = await openEventLog(used.redis, options, { acknowledges: false });
    const receipts = await to.producer.enqueueMessages(Array.from({ length: 300 }, (_, n) => textMessage('c1', n + 1)));
    for (const { id } of receipts) await to.producer.cancelMessage(id);
    await first.until(300);
    await first.close();
    await tickIn(shardOf(to), { workerId: 'leader', keepDoneMs: 60_000, keepDone: 100, lockMs: 5000, keepEvents: 20 });
    await using second = await openEventLog(used.redis, options);
    await eventually('all is told', () => lostIn(second.events) === 280 && second.events.at(-1)?.type === 'cancelled');
    const told = second.events.flatMap((event) => (event.type === 'gap' ? [] : [event.messageId]));
    expect(told).toEqual(receipts.slice(280).map(({ id }) => id));
  });

  it('go on when the stream was deleted or somebody else wrote into it', async () => {
    await using to = await install(used.server);
    await using log = await openEventLog(used.redis, { ...to.config, group: 'crm' });
    await to.enqueue(textMessage('c1', 1));
    await log.until(1);
    await used.redis.xadd(streamOf(to), '*', 'hello', 'world');
    await to.enqueue(textMessage('c1', 2));
    await log.until(2);
    await used.redis.del(streamOf(to));
    await eventually('the group is there again', async () => (await used.redis.exists(streamOf(to))) === 1);
    await to.enqueue(textMessage('c1', 3));
    const events = await log.until(3);
    expect(events.map(({ type }) => type)).toEqual(['delivered', 'delivered', 'delivered']);
  });

  it('that are stored under a key of another type stop no message, and the key is removed', async () => {
    await using to = await install(used.server);
    await used.redis.set(streamOf(to), 'no stream');
    const record = await to.until(await to.enqueue(textMessage('c1', 1)), 'delivered');
    expect(record.attemptsUsed).toBe(0);
    await reconcile(shardOf(to), '0');
    expect(await used.redis.exists(streamOf(to))).toBe(0);
  });

  it('end when the loop is left, and when the signal says so', async () => {
    await using to = await install(used.server, { startWorker: false });
    const options = { ...to.config, group: 'crm' };
    const ending = new AbortController();
    const opened = openEvents({ ...options, signal: ending.signal });
    const read = async (): Promise<string> => {
      for await (const event of opened) return event.type;
      return 'ended';
    };
    const reading = read();
    ending.abort();
    expect(await reading).toBe('ended');
    await expect(read()).rejects.toThrow('being read already');
  });

  it('are refused for options that cannot work', () => {
    expect(() => openEvents({ group: 'a b' })).toThrow('group: must have 1 to 64 letters, digits and _ . -');
    expect(() => openEvents({} as { group: string })).toThrow('group: is required');
    expect(() => openEvents({ group: 'crm', groop: 1 } as { group: string })).toThrow('groop');
  });
});
