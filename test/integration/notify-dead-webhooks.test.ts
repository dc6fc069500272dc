import { describe, expect, it } from 'vitest';
import { createDeadWebhooks, type DeadWebhook, type DeadWebhooks } from '../../src/notify/index.ts';
import { createSession } from '../../src/shared/session/session.ts';
import { createProducer } from '../../src/producer/index.ts';
import { deliveredEvent } from '../support/notify/events.ts';
import { textMessage } from '../support/messages.ts';
import { completed } from '../support/settings.ts';
import { useRedis } from '../support/use-redis.ts';

const used = useRedis();
let sites = 0;

interface Opened extends DeadWebhooks, AsyncDisposable {
  key: string;
}

/** The dead letters of a group in a namespace that was set up. */
async function openDead(most?: number): Promise<Opened> {
  const namespace = `dead-webhooks-${(sites += 1)}`;
  const config = completed({ redisUrl: used.url, namespace });
  await using producer = createProducer({ redisUrl: used.url, namespace });
  await producer.enqueueMessage(textMessage('c1', 1));
  const session = createSession(config);
  const dead = createDeadWebhooks({ session, namespace, group: 'crm', timeoutMs: 5000, ...(most && { most }) });
  const key = `{${namespace}:fleet}:webhooks:crm`;
  return { ...dead, key, [Symbol.asyncDispose]: async () => await session.close() };
}

function deadOf(n: number): DeadWebhook {
  const deadAt = new Date(1_800_000_000_000 + n).toISOString();
  return { event: deliveredEvent('c1', n), attempts: 8, status: 400, failure: null, deadAt };
}

describe.concurrent('dead letters of webhooks', () => {
  it('are listed oldest first, and removed by the ids of their events', async () => {
    await using dead = await openDead();
    for (const n of [2, 1, 3]) await dead.add(deadOf(n));
    expect(await dead.list()).toEqual([deadOf(1), deadOf(2), deadOf(3)]);
    expect(await dead.remove([deadOf(2).event.id, 'unknown'])).toBe(1);
    expect(await dead.list()).toEqual([deadOf(1), deadOf(3)]);
    expect(await dead.count()).toBe(2);
  });

  it('are there once, also if an event dies again after a crash', async () => {
    await using dead = await openDead();
    await dead.add(deadOf(1));
    await dead.add({ ...deadOf(1), attempts: 9 });
    expect(await dead.list()).toEqual([{ ...deadOf(1), attempts: 9 }]);
  });

  it('never have the content of the message', async () => {
    await using dead = await openDead();
    const { event, ...others } = deadOf(1);
    const request = textMessage('c1', 1);
    await dead.add({ ...others, event: { ...event, request } as DeadWebhook['event'] });
    expect(await dead.list()).toEqual([deadOf(1)]);
    expect(JSON.stringify(await used.redis.hgetall(dead.key))).not.toContain('message 1');
  });

  it('are bounded: the oldest give way', async () => {
    await using dead = await openDead(20);
    for (let n = 0; n < 25; n += 1) await dead.add(deadOf(n));
    const kept = await dead.list();
    expect(kept).toHaveLength(20);
    expect(kept[0]).toEqual(deadOf(5));
  });

  it('that others have written nonsense to are passed over', async () => {
    await using dead = await openDead();
    await dead.add(deadOf(1));
    await used.redis.hset(dead.key, { a: 'no JSON', b: '{}', c: JSON.stringify({ ...deadOf(2), event: { id: 7 } }) });
    expect(await dead.list()).toEqual([deadOf(1)]);
  });
});
