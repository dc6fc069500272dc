import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import { askGate, type GateAnswer, writeLimits } from '../../src/shared/lanes/fleet.ts';
import { connectPatiently } from '../../src/shared/redis.ts';
import { parseRateLimit } from '../../src/shared/rate-limit.ts';
import type { RedisServer } from '../../src/testing/redis-handle.ts';
import { startTestRedis } from '../support/redis.ts';

describe('a limit of the fleet that is changed', () => {
  let server: RedisServer;
  let redis: LaneRedis;
  let namespaces = 0;
  beforeAll(async () => {
    server = await startTestRedis();
    redis = connectPatiently(server.url);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  /** A worker that knows of this limit asks. */
  const asker =
    (namespace: string) =>
    async (limit: string): Promise<GateAnswer> =>
      await askGate(redis, namespace, { limit: parseRateLimit(limit), probeMs: 1000, circuits: [] });
  const newNamespace = (): string => `changed-${(namespaces += 1)}`;

  it('counts at once, also for a worker that has not heard of it', async () => {
    const namespace = newNamespace();
    const ask = asker(namespace);
    await ask('1/h');
    expect(await ask('1/h')).toMatchObject({ verdict: 'slot' });
    await writeLimits(redis, namespace, { rate: '100/s burst 3' });
    expect(await ask('1/h')).toEqual({ verdict: 'go' });
    await writeLimits(redis, namespace, { rate: 'none' });
    expect(await Promise.all([1, 2, 3].map(() => ask('1/h')))).toEqual([1, 2, 3].map(() => ({ verdict: 'go' })));
  });

  it('leaves no slot of an hour behind when the workers disagree, as while they are replaced', async () => {
    const ask = asker(newNamespace());
    for (let turn = 0; turn < 5; turn += 1) await ask('1/h');
    const answer = await ask('50/s');
    expect('delayMs' in answer ? answer.delayMs : 0).toBeLessThanOrEqual(20);
  });

  it('is that of the variables again when it is taken back', async () => {
    const namespace = newNamespace();
    const ask = asker(namespace);
    await writeLimits(redis, namespace, { rate: 'none' });
    await writeLimits(redis, namespace, { rate: null });
    await ask('1/h');
    expect(await ask('1/h')).toMatchObject({ verdict: 'slot' });
  });
});
