import { describe, expect, it } from 'vitest';
import type { CancelResult } from '../../src/producer/index.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { settled } from '../support/settled.ts';
import { laneIds } from '../support/stored-messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

const HOUR_MS = 3_600_000;

const used = useRedis();

/** Nothing of the message is left in any place from which it could be sent; twice is the same as once. */
async function expectCancelled(to: Installation, id: string): Promise<void> {
  expect(await to.producer.cancelMessage(id)).toBe('cancelled');
  expect(await to.producer.cancelMessage(id)).toBe('cancelled');
  expect(await to.producer.getMessage(id)).toMatchObject({ id, status: 'cancelled', nextAttemptAt: null });
  expect(await laneIds(used.redis, to.config.namespace ?? '', 'p1', 'c1')).not.toContain(id);
  const due = `{${to.config.namespace}:0}:due`;
  expect(await used.redis.zscore(due, id)).toBeNull();
}

describe.concurrent('cancelMessage', () => {
  it('cancels the first message of a conversation, and the next one goes on', async () => {
    await using to = await install(used.server, { startWorker: false });
    const first = await to.enqueue(textMessage('c1', 1));
    const second = await to.enqueue(textMessage('c1', 2));
    await expectCancelled(to, first);
    to.startWorker();
    await to.until(second, 'delivered');
    expect(to.api.accepted).toHaveLength(1);
  });

  it('cancels one in the middle of a conversation, and the others keep their order', async () => {
    await using to = await install(used.server, { startWorker: false });
    const ids = await Promise.all([1, 2, 3].map((n) => to.enqueue(textMessage('c1', n))));
    await expectCancelled(to, ids[1] ?? '');
    expect(await laneIds(used.redis, to.config.namespace ?? '', 'p1', 'c1')).toEqual([ids[0], ids[2]]);
    to.startWorker();
    await to.until(ids[2] ?? '', 'delivered');
    expect(to.api.accepted).toHaveLength(2);
  });

  it('cancels a scheduled one, which then never comes due', async () => {
    await using to = await install(used.server);
    const scheduled = await to.enqueue({ ...textMessage('c1', 1), delayMs: 300 });
    await expectCancelled(to, scheduled);
    const later = await to.enqueue({ ...textMessage('c1', 2), delayMs: 600 });
    await to.until(later, 'delivered');
    expect(to.api.accepted).toHaveLength(1);
  });

  it('cancels one in backoff, and its conversation goes on at once', async () => {
    await using to = await install(used.server, {
      config: { backoffMs: HOUR_MS, backoffMaxMs: HOUR_MS },
      api: { faults: [{ kind: 'status', status: 500, times: 1 }] },
    });
    const failing = await to.enqueue(textMessage('c1', 1));
    const next = await to.enqueue(textMessage('c1', 2));
    await to.until(failing, 'retrying');
    await expectCancelled(to, failing);
    await to.until(next, 'delivered');
    expect((await to.producer.getMessage(failing))?.attempts).toHaveLength(1);
  });

  it('cancels one that a limit of the API holds', async () => {
    await using to = await install(used.server, {
      api: { faults: [{ kind: 'status', status: 429, retryAfter: 600, times: 1 }] },
    });
    const held = await to.enqueue(textMessage('c1', 1));
    await to.until(held, 'held');
    await expectCancelled(to, held);
  });

  it('is too late for one that is being sent, that was delivered, and that is dead', async () => {
    await using to = await install(used.server, {
      config: { shutdownMs: 100 },
      api: {
        faults: [
          { kind: 'hang', match: { conversationId: 'hangs' } },
          { kind: 'status', status: 400, match: { conversationId: 'refused' } },
        ],
      },
    });
    const sending = await to.enqueue(textMessage('hangs', 1));
    const dead = await to.enqueue(textMessage('refused', 1));
    const delivered = await to.enqueue(textMessage('c1', 1));
    const states = [
      [sending, 'sending'],
      [dead, 'dead'],
      [delivered, 'delivered'],
    ] as const;
    for (const [id, status] of states) {
      await to.until(id, status);
      expect(await to.producer.cancelMessage(id)).toBe('too-late');
      expect((await to.producer.getMessage(id))?.status).toBe(status);
    }
  });

  it('finds no message under an id that is unknown, or none', async () => {
    await using to = await install(used.server, { startWorker: false });
    const id = await to.enqueue(textMessage('c1', 1));
    const others = [`0-${'0'.repeat(26)}`, `1-${id.slice(2)}`, `${id}:lock`, '', 'wait', '__proto__', undefined, 5];
    for (const other of others) expect(await to.producer.cancelMessage(other as string)).toBe('not-found');
    expect((await to.producer.getMessage(id))?.status).toBe('queued');
  });

  it('frees its place in the queue', async () => {
    await using to = await install(used.server, { startWorker: false, config: { maxQueued: 1 } });
    const first = await to.enqueue(textMessage('c1', 1));
    await expect(to.enqueue(textMessage('c2', 1))).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    await expectCancelled(to, first);
    await to.enqueue(textMessage('c2', 1));
  });

  it('gives up in time when Redis falls silent, says that it cannot know, and may be called again', async () => {
    await using own = await startTestRedis();
    await using to = await install(own, { startWorker: false, config: { enqueueTimeoutMs: 1000 } });
    const id = await to.enqueue(textMessage('c1', 1));
    await own.pause();
    const { error } = await settled(to.producer.cancelMessage(id));
    await own.resume();
    expect(error).toMatchObject({ name: 'ChangeUncertainError', code: 'CHANGE_UNCERTAIN' });
    // The connection that was silent for too long may be given up only now.
    await eventually('it is cancelled', async () => {
      const again = await settled(to.producer.cancelMessage(id));
      return again.error === undefined && again.value === 'cancelled';
    });
    await to.producer.close();
    await expect(to.producer.cancelMessage(id)).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE' });
  });

  it('while workers send: what was cancelled never reaches the API, and what came too late does', async () => {
    await using to = await install(used.server, {
      startWorker: false,
      config: { concurrency: 10 },
      api: { latencyMs: 20 },
    });
    const items = Array.from({ length: 300 }, (_, n) => textMessage(`c${n % 40}`, n, `p${n % 4}`));
    const ids = (await to.producer.enqueueMessages(items)).map(({ id }) => id);
    for (let n = 0; n < 2; n += 1) to.startWorker();
    // From the front, where the workers are, and from the end in turn, a little behind the workers.
    const order = ids.map((_, n) => (n % 2 === 0 ? n / 2 : ids.length - (n + 1) / 2));
    const results: Record<CancelResult, number[]> = { cancelled: [], 'too-late': [], 'not-found': [] };
    for (const [done, n] of order.entries()) {
      await to.api.waitForAccepted(Math.min(50, Math.floor(done / 4)));
      results[await to.producer.cancelMessage(ids[n] ?? '')].push(n);
    }
    expect(results['not-found']).toEqual([]);
    expect(Math.min(results.cancelled.length, results['too-late'].length)).toBeGreaterThanOrEqual(20);
    await Promise.all(results['too-late'].map((n) => to.until(ids[n] ?? '', 'delivered')));
    await to.until(await to.enqueue(textMessage('end', 0)), 'delivered');

    // A message's number is its text; the API keeps all that arrived, accepted or not.
    const reached = to.api.requests.map(({ body }) => Number(/"message (\d+)"/.exec(JSON.stringify(body))?.[1]));
    expect(sorted(reached.slice(0, -1))).toEqual(sorted(results['too-late']));
    for (const n of results.cancelled) {
      expect((await to.producer.getMessage(ids[n] ?? ''))?.status).toBe('cancelled');
    }
  });
});

function sorted(numbers: readonly number[]): number[] {
  return numbers.toSorted((one, other) => one - other);
}
