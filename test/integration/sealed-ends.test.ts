import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shardOfId } from '../../src/shared/lanes/key-names.ts';
import { tickIn } from '../../src/shared/lanes/fleet/leader.ts';
import { encryptionKeys, newKeysFile } from '../support/encryption-keys.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { type SecuredRedis, startSecuredRedis } from '../support/secured-redis.ts';
import { settled } from '../support/settled.ts';
import { useRedis } from '../support/use-redis.ts';
import { useLanes } from '../support/use-lanes.ts';
import { dead, delivered } from '../support/settlements.ts';
import { install } from '../support/worker.ts';
import { tried } from '../support/tried.ts';

const ROOT = '{kitechat:0}:';

/** How somebody with a producer's Redis user writes the job of a message again that has ended. */
const ways: Readonly<
  Record<string, (app: Redis, job: string, fields: Readonly<Record<string, string>>) => Promise<unknown>>
> = {
  'as it was': async (app, job, fields) => {
    await app.del(job);
    await app.hset(job, fields);
  },
  'with a later expiry': async (app, job, fields) => {
    await app.del(job);
    await app.hset(job, { ...fields, exp: Number(fields['exp']) + 3_600_000 });
  },
  'with another policy': async (app, job, fields) => {
    await app.del(job);
    await app.hset(job, { ...fields, policy: 'dead-letter' });
  },
  'without its end': async (app, job) => await app.hdel(job, 'place', 'why', 'attempt', 'finishedOn'),
  'as one that is released': async (app, job, fields) => {
    await app.hset(job, { ...fields, place: 'released' });
    await app.lpush(`${ROOT}send:wait`, job.slice(`${ROOT}send:`.length));
  },
  'as one whose worker died': async (app, job, fields) => {
    await app.hset(job, { ...fields, place: 'sending', attempt: 'x.1' });
    await app.lpush(`${ROOT}send:wait`, job.slice(`${ROOT}send:`.length));
  },
};

describe('an encrypted message that has ended', () => {
  const stack = new AsyncDisposableStack();
  let redis: SecuredRedis;
  beforeAll(async () => {
    redis = stack.use(await startSecuredRedis());
  });
  afterAll(async () => await stack.disposeAsync());

  it('is not sent again although a user of an app writes it again, whichever way, and nobody but workers can make it forgotten', async () => {
    const { path } = newKeysFile(encryptionKeys('k1'));
    await using site = await install(
      { url: redis.urlOf('kitechat-worker') },
      {
        config: { namespace: 'kitechat', encryptionKeysFile: path },
        api: { faults: [{ kind: 'status', status: 400, match: { textIncludes: 'message 2' } }] },
        startWorker: false,
      },
    );
    const app = new Redis(redis.urlOf('kitechat-producer'));
    const names = Object.keys(ways);
    const stored: { id: string; lane: string; way: string; fields: Record<string, string> }[] = [];
    for (const [nth, way] of [...names, ...names].entries()) {
      const id = await site.enqueue(textMessage(`c${nth}`, nth < names.length ? 1 : 2));
      stored.push({ id, lane: `p1/c${nth}`, way, fields: await redis.admin.hgetall(`${ROOT}send:${id}`) });
    }
    site.startWorker();
    const ends = async () =>
      await Promise.all(stored.map(async ({ id }) => (await site.producer.getMessage(id))?.status));
    await eventually('all have ended', async () =>
      (await ends()).every((status) => status === 'delivered' || status === 'dead'),
    );
    expect(site.api.requests).toHaveLength(stored.length);
    for (const { id, lane, way, fields } of stored) {
      await ways[way]?.(app, `${ROOT}send:${id}`, fields);
      await app.rpush(`${ROOT}lane:${lane}`, id);
      await app.zadd(`${ROOT}heads:p1`, 0, lane);
    }
    const denied = await settled(app.call('ZREM', `${ROOT}known-ends`, stored[0]?.id ?? ''));
    expect(String(denied.error)).toContain('NOPERM');
    await app.sadd(`${ROOT}pages`, 'p1');
    await app.zadd(`${ROOT}turns`, 0, 'p1');
    await app.zadd(`${ROOT}send:marker`, 0, '0');
    app.disconnect();
    // Each conversation goes on, so what was written into it was looked at.
    const more = await Promise.all(stored.map(async (_, nth) => await site.enqueue(textMessage(`c${nth}`, 3))));
    for (const id of more) await site.until(id, 'delivered');
    expect(site.api.requests).toHaveLength(2 * stored.length);
    expect(await redis.admin.zcard(`${ROOT}known-ends`)).toBe(2 * stored.length);
    tried({
      against: 'redis',
      input:
        'as `kitechat-producer`: an encrypted message that was delivered or rejected, written back as it was, with another expiry or policy, without its end, as released, as being sent',
      count: stored.length,
      result: 'not sent again, and its conversation goes on; `NOPERM` for the record of ends',
      before: '11 of 12 sent again',
    });
  });
});

describe('the job of an encrypted message that was delivered', () => {
  const used = useRedis();

  it('is not sent again although it was written again while it was being sent', async () => {
    const { path } = newKeysFile(encryptionKeys('k1'));
    await using site = await install(used.server, {
      config: { encryptionKeysFile: path },
      api: { latencyMs: 1000 },
      startWorker: false,
    });
    const root = `{${site.config.namespace}:0}:`;
    const id = await site.enqueue(textMessage('c1', 1));
    const job = `${root}send:${id}`;
    const fields = await used.redis.hgetall(job);
    site.startWorker();
    await eventually('it is being sent', () => site.api.requests.length === 1);
    await used.redis.multi().del(job).hset(job, fields).exec();
    await eventually('the worker knows how it ended', () => site.attempts.length === 1);
    await used.redis.zadd(`${root}heads:p1`, 0, 'p1/c1');
    await used.redis.zadd(`${root}turns`, 0, 'p1');
    const next = await site.enqueue(textMessage('c1', 2));
    await site.until(next, 'delivered');
    expect(site.api.requests).toHaveLength(2);
    tried({
      against: 'redis',
      input: 'an encrypted message whose job was written again while it was being sent',
      result: 'not sent again after its end',
      before: 'sent again',
    });
  });

  it('is not sent from another shard either', async () => {
    const { path } = newKeysFile(encryptionKeys('k1'));
    await using site = await install(used.server, {
      config: { encryptionKeysFile: path, shards: 2 },
      startWorker: false,
    });
    const id = await site.enqueue(textMessage('c1', 1));
    const shard = shardOfId(id) ?? 0;
    const rootOf = (index: number): string => `{${site.config.namespace}:${index}}:`;
    const fields = await used.redis.hgetall(`${rootOf(shard)}send:${id}`);
    site.startWorker();
    await site.until(id, 'delivered');
    const other = rootOf(1 - shard);
    await used.redis.hset(`${other}send:${id}`, fields);
    await used.redis.rpush(`${other}lane:p1/c1`, id);
    await used.redis.zadd(`${other}heads:p1`, 0, 'p1/c1');
    await used.redis.sadd(`${other}pages`, 'p1');
    await used.redis.zadd(`${other}turns`, 0, 'p1');
    await used.redis.zadd(`${other}send:marker`, 0, '0');
    await eventually('it is gone', async () => (await used.redis.exists(`${other}lane:p1/c1`)) === 0);
    expect(site.api.requests).toHaveLength(1);
    tried({
      against: 'redis',
      input: 'an encrypted message that was delivered, written into another shard',
      result: 'removed',
      before: 'sent again',
    });
  });
});

describe('the ends of encrypted messages', () => {
  const lanes = useLanes();

  it('are known until they would be too old, the latest 100,000, and those of other messages never', async () => {
    const ends = `${lanes.shard.root}known-ends`;
    const far = 8e12;
    for (const settlement of [delivered, dead, { ...delivered, knownUntilMs: far }, { ...dead, knownUntilMs: far }]) {
      await lanes.store({ conversation: 'c1' });
      await lanes.settle(await lanes.takeNext(), settlement);
    }
    expect(await lanes.redis.zcard(ends)).toBe(2);
    for (let from = 0; from < 100_000; from += 1000) {
      await lanes.redis.zadd(ends, ...Array.from({ length: 1000 }, (_, n) => [far - 1, `${from + n}`]).flat());
    }
    await lanes.redis.zadd(ends, 1, 'old', 2, 'older');
    const ticked = await tickIn(lanes.shard, {
      workerId: 'leader',
      keepDoneMs: 60_000,
      keepDone: 1000,
      keepEvents: 1000,
      lockMs: 60_000,
    });
    expect(ticked).not.toBe('resigned');
    expect(await lanes.redis.zcard(ends)).toBe(100_000);
    expect(await lanes.redis.zscore(ends, 'old')).toBeNull();
    expect(await lanes.redis.zcount(ends, far, far)).toBe(2);
  });
});
