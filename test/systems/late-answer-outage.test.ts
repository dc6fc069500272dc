import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import type { EnqueueItem } from '../../src/producer/index.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { install, type Installation } from '../support/worker.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

vi.setConfig({ maxConcurrency: 3 });

/** The lock lasts 6 s with this, and is looked at every 3 s. */
const TIMEOUT_MS = 3000;
/** The API holds each request for so long, and then takes it. A busy machine has the rest of the time-out to deliver the request. */
const LATENCY_MS = 1000;
/** From the last answer on: longer than one lock and a look. */
const OUTAGE_MS = 9500;
const SHUTDOWN_MS = 20_000;
/** What a busy machine may add to any wait. */
const SLACK_MS = 10_000;
const OF_EACH_POLICY = 10;

interface Outage {
  kind: string;
  begin(server: RedisServer, admin: Redis): Promise<unknown>;
  end(server: RedisServer, admin: Redis): Promise<unknown>;
}

const outages: Outage[] = [
  {
    kind: 'refuses writes for lack of replicas (NOREPLICAS)',
    begin: async (_server, admin) => await admin.config('SET', 'min-replicas-to-write', '1'),
    end: async (_server, admin) => await admin.config('SET', 'min-replicas-to-write', '0'),
  },
  {
    kind: 'is read-only (READONLY)',
    begin: async (_server, admin) => await admin.call('REPLICAOF', '127.0.0.1', '1'),
    end: async (_server, admin) => await admin.call('REPLICAOF', 'NO', 'ONE'),
  },
  {
    kind: 'stands still (SIGSTOP)',
    begin: async (server) => await server.pause(),
    end: async (server) => await server.resume(),
  },
];

/** An installation on a Redis of its own, with somebody who breaks that. */
interface Site extends Installation {
  begin(): Promise<void>;
  end(): Promise<void>;
}

async function installWithOutage({ begin, end }: Outage): Promise<Site> {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startTestRedis());
  const admin = new Redis(server.url);
  stack.defer(() => admin.disconnect());
  const config = { timeoutMs: TIMEOUT_MS, shutdownMs: SHUTDOWN_MS };
  const site = stack.use(await install(server, { startWorker: false, config, api: { latencyMs: LATENCY_MS } }));
  // Before all else: what stands still can't be closed.
  stack.defer(async () => void (await end(server, admin)));
  return {
    ...site,
    begin: async () => void (await begin(server, admin)),
    end: async () => void (await end(server, admin)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const policies = ['resend', 'dead-letter'] as const;

/** So many messages of each policy, each of a conversation of its own. */
function inFlight(): EnqueueItem[] {
  return policies.flatMap((onUnknownOutcome) =>
    Array.from({ length: OF_EACH_POLICY }, (_, n) => ({
      ...textMessage(`${onUnknownOutcome}-${n}`, 1),
      onUnknownOutcome,
    })),
  );
}

/** Stores messages, lets Redis fail while the API has all of them, and waits until a lock would have ended. */
async function failInMidRequest(site: Site, whileAway: () => Promise<void> = async () => {}): Promise<string[]> {
  const ids = (await site.producer.enqueueMessages(inFlight())).map(({ id }) => id);
  await eventually('the API holds all requests', () => site.api.report().requests >= ids.length);
  await site.begin();
  await eventually('the API has answered', () => site.api.requests.every(({ answeredAt }) => answeredAt !== null));
  await whileAway();
  await delay(OUTAGE_MS);
  await site.end();
  return ids;
}

async function expectEachDeliveredOnce(site: Site, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const { attempts } = await site.until(id, 'delivered');
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['delivered']);
  }
  const { requests, accepted, duplicates } = site.api.report();
  expect({ requests, accepted, duplicates: duplicates.count }).toEqual({
    requests: ids.length,
    accepted: ids.length,
    duplicates: 0,
  });
  expect(await site.deadLetters.count()).toBe(0);
}

describe.concurrent.each(outages)('when Redis $kind for longer than a lock, after the API said yes', (outage) => {
  it('every message ends as delivered, and arrives once, whatever its policy', async () => {
    await using site = await installWithOutage(outage);
    for (const worker of [site.startWorker(), site.startWorker()]) {
      await eventually('both workers are ready', () => worker.health().phase === 'taking');
    }
    const ids = await failInMidRequest(site);
    await expectEachDeliveredOnce(site, ids);
  });

  it('a worker that is told to stop meanwhile settles all that it knows before it ends', async () => {
    await using site = await installWithOutage(outage);
    await using worker = await startWorkerProcess(site.config);
    let toldAt = 0;
    const ids = await failInMidRequest(site, async () => {
      worker.kill('SIGTERM');
      toldAt = performance.now();
    });
    expect(await worker.ended()).toBe(0);
    expect(performance.now() - toldAt).toBeLessThan(SHUTDOWN_MS + SLACK_MS);
    for (const id of ids) expect(await site.producer.getMessage(id)).toMatchObject({ status: 'delivered' });
    await expectEachDeliveredOnce(site, ids);
    site.startWorker();
    const last = await site.enqueue(textMessage('after', 1));
    await expectEachDeliveredOnce(site, [...ids, last]);
  });
});
