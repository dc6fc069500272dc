import { setImmediate } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { openDeadLetters } from '../../src/dead-letters/index.ts';
import { randomPort } from '../../src/testing/redis/random-port.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { settled } from '../support/settled.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

describe('dead letters', () => {
  const used = useRedis();

  /** An installation with some messages that the API refused. */
  async function withDeadLetters(count: number): Promise<Installation & { ids: string[] }> {
    const installation = await install(used.server, { api: { faults: [{ kind: 'status', status: 400 }] } });
    const ids: string[] = [];
    for (let n = 1; n <= count; n += 1) {
      const id = await installation.enqueue({ ...textMessage(`c${n}`, 1, `p${n % 2}`), label: `label-${n}` });
      await installation.until(id, 'dead');
      ids.push(id);
    }
    installation.api.setFaults([]);
    return { ...installation, ids };
  }

  it('are failed jobs of a BullMQ queue, so that every BullMQ tool shows them', async () => {
    await using site = await withDeadLetters(1);
    const queue = new Queue('dead', { connection: used.redis, prefix: `{${site.config.namespace}:0}` });
    const [job] = await queue.getFailed();
    expect(job).toMatchObject({ id: site.ids[0], name: 'rejected', failedReason: 'rejected' });
    expect(await queue.getJobCounts()).toMatchObject({ failed: 1, 'waiting-children': 0 });
    const send = new Queue('send', { connection: used.redis, prefix: `{${site.config.namespace}:0}` });
    await eventually('nothing of it is left in the send queue', async () => !(await send.getJob(site.ids[0] ?? '')));
    await Promise.all([queue.close(), send.close()]);
  });

  it('are listed newest first, by filters that all must hold, up to a limit', async () => {
    await using site = await withDeadLetters(5);
    const newestFirst = site.ids.toReversed();
    const idsOf = async (filter: Parameters<Installation['deadLetters']['list']>[0]): Promise<string[]> =>
      (await site.deadLetters.list(filter)).map(({ id }) => id);
    expect(await idsOf({})).toEqual(newestFirst);
    expect(await idsOf({ limit: 2 })).toEqual(newestFirst.slice(0, 2));
    expect(await idsOf({ pageId: 'p0' })).toEqual([site.ids[3], site.ids[1]]);
    expect(await idsOf({ conversationId: 'c5' })).toEqual([site.ids[4]]);
    expect(await idsOf({ label: 'label-2', pageId: 'p0' })).toEqual([site.ids[1]]);
    expect(await idsOf({ label: 'label-2', pageId: 'p1' })).toEqual([]);
    expect(await idsOf({ reason: 'exhausted' })).toEqual([]);
    const third = await site.deadLetters.get(site.ids[2] ?? '');
    const since = new Date(third?.deadAt ?? '');
    expect(await idsOf({ since })).toEqual(newestFirst.slice(0, 3));
    expect(await idsOf({ until: since })).toEqual(newestFirst.slice(3));
    expect(await site.deadLetters.count()).toBe(5);
    const [entry] = await site.deadLetters.list({ limit: 1 });
    expect(entry).toMatchObject({ pageId: 'p1', conversationId: 'c5', message: { type: 'text' }, reason: 'rejected' });
    expect(entry).not.toHaveProperty('request');
  });

  it('a replay sends the message under a new id at the end of its conversation, and the entry goes', async () => {
    await using site = await withDeadLetters(2);
    const [id = ''] = site.ids;
    expect(await site.deadLetters.replay({ ids: [id] })).toEqual({ matched: 1, done: 1, skipped: [] });
    await site.api.waitForAccepted(1);
    expect(await site.deadLetters.get(id)).toBeNull();
    expect(await site.deadLetters.count()).toBe(1);
    const delivered = await eventually('the replay is delivered', () =>
      site.attempts.find(({ next }) => next === 'delivered'),
    );
    expect(delivered.id).not.toBe(id);
    expect(delivered).toMatchObject({ conversationId: 'c1', label: 'label-1' });
  });

  it('a replay that dies again names the entry that it replays', async () => {
    await using site = await withDeadLetters(1);
    site.api.setFaults([{ kind: 'status', status: 404 }]);
    await site.deadLetters.replay({ ids: site.ids });
    const [again] = await eventually('it died again', async () => {
      const entries = await site.deadLetters.list();
      return entries.some(({ replayOf }) => replayOf !== null) && entries;
    });
    expect(again).toMatchObject({ replayOf: site.ids[0], reason: 'rejected', response: { httpStatus: 404 } });
  });

  it('of many replays of one entry at once exactly one sends it', async () => {
    await using site = await withDeadLetters(1);
    const results = await Promise.all(Array.from({ length: 20 }, () => site.deadLetters.replay({ ids: site.ids })));
    expect(results.filter(({ done }) => done === 1)).toHaveLength(1);
    const last = await site.enqueue(textMessage('c1', 2));
    await site.until(last, 'delivered');
    expect(site.api.accepted).toHaveLength(2);
  });

  it('unknown ids and expired entries are skipped with the reason; force sends the expired ones', async () => {
    await using site = await install(used.server, { startWorker: false });
    const id = await site.enqueue({ ...textMessage('c1', 1), ttlMs: 1 });
    site.startWorker();
    await site.until(id, 'dead');
    const unknown = '0-01ARZ3NDEKTSV4RRFFQ69G5FAV';
    expect(await site.deadLetters.replay({ ids: [id, unknown, 'nonsense'] })).toEqual({
      matched: 1,
      done: 0,
      skipped: [
        { id, why: 'expired' },
        { id: unknown, why: 'not found' },
        { id: 'nonsense', why: 'not found' },
      ],
    });
    expect(await site.deadLetters.replay({ ids: [id], force: true })).toEqual({ matched: 1, done: 1, skipped: [] });
    await site.api.waitForAccepted(1);
  });

  it('a replay that finds the queue full keeps the entry', async () => {
    await using site = await install(used.server, {
      config: { maxQueued: 1 },
      api: { faults: [{ kind: 'status', status: 400 }] },
      startWorker: false,
    });
    const worker = site.startWorker();
    const id = await site.enqueue(textMessage('c1', 1));
    await site.until(id, 'dead');
    await worker.close();
    await site.enqueue(textMessage('c2', 1));
    await expect(site.deadLetters.replay({ ids: [id] })).rejects.toThrow(/The queue is full/);
    expect(await site.deadLetters.get(id)).toMatchObject({ id, reason: 'rejected' });
  });

  it('tell a call that waits for Redis when they are closed', async () => {
    const deadLetters = openDeadLetters({ redisUrl: `redis://127.0.0.1:${randomPort()}` });
    const waiting = settled(deadLetters.count());
    await setImmediate();
    await deadLetters.close();
    const { error } = await waiting;
    expect(String(error)).toContain('This connection is closed');
  });
});
