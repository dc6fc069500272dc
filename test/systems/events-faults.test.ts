import { describe, expect, it, vi } from 'vitest';
import type { EventRecord } from '../../src/events/index.ts';
import { createProducer } from '../../src/producer/index.ts';
import { readGroups } from '../../src/shared/lanes/stream/groups.ts';
import { connectPatiently } from '../../src/shared/session/connect.ts';
import { openEventLog } from '../support/event-log.ts';
import { type ConsumerOptions, startConsumer } from '../support/events-consumer.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { CUT, startRedisProxy } from '../support/redis-proxy.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

// Leases that end by themselves take ten seconds: these tests wait at the same time.
vi.setConfig({ testTimeout: 180_000, maxConcurrency: 5 });

const used = useRedis();

/** Ends messages by cancelling them before any worker sends them, in this order. @returns their ids */
async function endMany({ producer }: Pick<Installation, 'producer'>, count: number): Promise<string[]> {
  const items = manyMessages(1, count);
  for (const item of items) item.delayMs = 3_600_000;
  const receipts = await producer.enqueueMessages(items);
  for (const { id } of receipts) await producer.cancelMessage(id);
  return receipts.map(({ id }) => id);
}

const idsIn = (events: readonly EventRecord[]): string[] =>
  events.flatMap((event) => (event.type === 'gap' ? [] : [event.messageId]));
const lostIn = (events: readonly EventRecord[]): number =>
  events.reduce((lost, event) => lost + (event.type === 'gap' ? event.lost : 0), 0);

function keysOf({ config }: Installation): { stream: string; readers: string } {
  const root = `{${config.namespace}:0}:`;
  return { stream: `${root}events`, readers: `${root}readers` };
}

function optionsFor({ config }: Installation, more: Partial<ConsumerOptions> = {}): ConsumerOptions {
  return { redisUrl: used.url, namespace: config.namespace, group: 'crm', ...more };
}

async function untilOpened(to: Installation): Promise<void> {
  await eventually('the group is there', async () => (await used.redis.hexists(keysOf(to).readers, 'seen:crm')) === 1);
}

/** The process that reads the shard for the group. */
async function ownerIn(to: Installation): Promise<string | null> {
  return await used.redis.hget(keysOf(to).readers, 'owner:crm');
}

async function untilAcknowledged(to: Installation): Promise<void> {
  await eventually('all is acknowledged', async () => {
    const root = `{${to.config.namespace}:0}:`;
    const [group] = await readGroups(used.redis, { root, index: 0, nowMs: 0 });
    return group?.waiting === 0;
  });
}

describe.concurrent('a consumer of events', () => {
  it('whose answers are lost gets every event once, in order', async () => {
    await using to = await install(used.server, { startWorker: false });
    await using proxy = await startRedisProxy(used.server.port);
    await using log = await openEventLog(used.redis, { ...to.config, redisUrl: proxy.url, group: 'crm' });
    let answers = 0;
    let cuts = 0;
    proxy.replies = (bytes) => {
      if (!bytes.includes('cancelled') || cuts === 8) return 'pass';
      answers += 1;
      if (answers % 2 === 0) return 'pass';
      cuts += 1;
      return CUT;
    };
    const ids = await endMany(to, 600);
    expect(idsIn(await log.until(600))).toEqual(ids);
    expect(cuts).toBeGreaterThan(0);
    await untilAcknowledged(to);
  });

  it('goes on when Redis was killed and is back, on each shard', async () => {
    await using server = await startTestRedis({ appendOnly: true, args: ['--appendfsync', 'always'] });
    const namespace = 'restarted';
    const config = { redisUrl: server.url, namespace, shards: 3 };
    await using producer = createProducer(config);
    const redis = connectPatiently({ redisUrl: server.url });
    const told: unknown[] = [];
    await using log = await openEventLog(redis, { ...config, group: 'crm', onError: (error) => told.push(error) });
    for (const shard of [1, 2]) {
      const readers = `{${namespace}:${shard}}:readers`;
      await eventually('the group is there', async () => (await redis.hexists(readers, 'seen:crm')) === 1);
    }
    const ids: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const receipts = await producer.enqueueMessages(
        Array.from({ length: 30 }, (_, n) => textMessage(`c${n}`, round + 1)),
      );
      for (const { id } of receipts) await producer.cancelMessage(id);
      ids.push(...receipts.map(({ id }) => id));
      await server.kill('SIGKILL');
      await server.restart();
    }
    await eventually('all came', () => new Set(idsIn(log.events)).size === ids.length);
    expect(new Set(idsIn(log.events))).toEqual(new Set(ids));
    // A call waits for Redis, so a short outage is none for the reader.
    expect(told.length).toBeLessThanOrEqual(9);
    const first = [...new Set(idsIn(log.events))];
    for (let n = 0; n < 30; n += 1) {
      const own = [ids[n], ids[n + 30], ids[n + 60]];
      expect(first.filter((id) => own.includes(id))).toEqual(own);
    }
    redis.disconnect();
  });

  it('closes within the time that calls have, although Redis is away', async () => {
    await using server = await startTestRedis();
    const config = { redisUrl: server.url, namespace: 'away' };
    const redis = connectPatiently({ redisUrl: server.url });
    const log = await openEventLog(redis, { ...config, group: 'crm' });
    redis.disconnect();
    await server.pause();
    const from = performance.now();
    await log.close();
    expect(performance.now() - from).toBeLessThan(8000);
    await server.resume();
  });

  it('that was stopped past the bound is told how many events it lost, exactly', async () => {
    await using to = await install(used.server, { config: { keepEvents: 100 } });
    await using consumer = startConsumer(optionsFor(to));
    await untilOpened(to);
    const before = await endMany(to, 50);
    await eventually('some came', () => consumer.events.length === 50);
    await untilAcknowledged(to);
    consumer.kill('SIGSTOP');
    const missed = await endMany(to, 400);
    await eventually('the leader has removed the oldest', async () => {
      return (await used.redis.xlen(keysOf(to).stream)) <= 100;
    });
    consumer.kill('SIGCONT');
    const after = await endMany(to, 50);
    await eventually('the last one came', () => idsIn(consumer.events).includes(after.at(-1) ?? ''));
    const all = [...before, ...missed, ...after];
    const got = idsIn(consumer.events);
    expect(new Set(got).size).toBe(got.length);
    await eventually('the loss is told', () => lostIn(consumer.events) > 0);
    expect(lostIn(consumer.events) + got.length).toBe(all.length);
    expect(got).toEqual(all.filter((id) => got.includes(id)));
  });

  it('that was killed and started again later loses what was removed in between, exactly', async () => {
    await using to = await install(used.server, { config: { keepEvents: 100 } });
    await using killed = startConsumer(optionsFor(to));
    await untilOpened(to);
    const before = await endMany(to, 20);
    await eventually('some came', () => killed.events.length === 20);
    await untilAcknowledged(to);
    killed.kill('SIGKILL');
    await killed.ended();
    const missed = await endMany(to, 300);
    await eventually('the leader has removed the oldest', async () => {
      return (await used.redis.xlen(keysOf(to).stream)) <= 100;
    });
    await using next = startConsumer(optionsFor(to));
    await eventually('the last one came', () => idsIn(next.events).includes(missed.at(-1) ?? ''));
    await eventually('the loss is told', () => lostIn(next.events) > 0);
    expect(lostIn(next.events) + idsIn(next.events).length).toBe(missed.length);
    expect(idsIn(next.events).some((id) => before.includes(id))).toBe(false);
  });

  it('that stands still for longer than its lease hands out nothing that another one has handled since', async () => {
    await using to = await install(used.server, { startWorker: false });
    // It handles an event slowly, so that many wait in its memory.
    await using stopped = startConsumer(optionsFor(to, { thinkMs: 50 }));
    await untilOpened(to);
    const owner = await ownerIn(to);
    const ids = await endMany(to, 400);
    await eventually('it is at work', () => stopped.events.length > 5);
    stopped.kill('SIGSTOP');
    await using other = startConsumer(optionsFor(to));
    await eventually('the other one took over', async () => ![owner, null].includes(await ownerIn(to)));
    await eventually('the other one got the rest', () => idsIn(other.events).includes(ids.at(-1) ?? ''));
    await untilAcknowledged(to);
    stopped.kill('SIGCONT');
    const more = await endMany(to, 20);
    await eventually('the other one goes on', () => idsIn(other.events).includes(more.at(-1) ?? ''));
    stopped.kill('SIGTERM');
    await stopped.ended();
    // Only the event that it was handling when it was stopped, and those whose acknowledgements it had not written, come to both.
    const both = idsIn(stopped.events).filter((id) => idsIn(other.events).includes(id));
    expect(both.length).toBeLessThan(10);
    const all = [...idsIn(stopped.events), ...idsIn(other.events)];
    expect([...new Set(all)]).toEqual([...ids, ...more]);
  });

  it('that comes back when the one that took over is gone gets what that one left, although it had much to do itself', async () => {
    await using to = await install(used.server, { startWorker: false });
    await using stopped = startConsumer(optionsFor(to, { thinkMs: 50 }));
    await untilOpened(to);
    const ids = await endMany(to, 600);
    await eventually('it is at work', () => stopped.events.length > 5);
    stopped.kill('SIGSTOP');
    const before = await ownerIn(to);
    await using other = startConsumer(optionsFor(to, { thinkMs: 50 }));
    await eventually('the other one took over', async () => ![before, null].includes(await ownerIn(to)));
    await eventually('the other one is at work', () => other.events.length > 5);
    other.kill('SIGTERM');
    await other.ended();
    stopped.kill('SIGCONT');
    await eventually('the rest came', () => idsIn(stopped.events).includes(ids.at(-1) ?? ''));
    const all = [...idsIn(stopped.events), ...idsIn(other.events)];
    expect(new Set(all)).toEqual(new Set(ids));
    await untilAcknowledged(to);
  });
});
