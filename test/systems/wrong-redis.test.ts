import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { ConfigError, createProducer, QueueUnavailableError } from '../../src/producer/index.ts';
import { createWorker } from '../../src/worker/index.ts';
import { runProcess } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { startForegroundServer } from '../support/foreground-server.ts';
import { textMessage } from '../support/messages.ts';
import { startOldRedis } from '../support/old-redis.ts';
import { startRedisCluster } from '../support/redis-cluster.ts';
import { startTestRedis } from '../support/redis.ts';
import { settled } from '../support/settled.ts';
import { install } from '../support/worker.ts';

vi.setConfig({ maxConcurrency: 4 });

const message = textMessage('c1', 1);

interface Wrong extends AsyncDisposable {
  url: string;
  namespace?: string;
}

async function startSentinel(): Promise<Wrong> {
  const server = await startForegroundServer({
    program: 'redis-sentinel',
    args: ['server.conf'],
    configure: (port) => `port ${port}\nbind 127.0.0.1\n`,
    isReady: (_pid, read) => read('output.log').includes('Sentinel ID is'),
    portTaken: 'Address already in use',
  });
  return { url: `redis://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** One node of a cluster, and a namespace whose keys another node has. */
async function startNode(): Promise<Wrong> {
  const cluster = await startRedisCluster();
  const port = cluster.nodes[0]?.server.port ?? 0;
  const url = `redis://127.0.0.1:${port}`;
  const redis = new Redis(url);
  const names = Array.from({ length: 20 }, (_, n) => `wrong-${n}`);
  const answers = await Promise.allSettled(names.map((name) => redis.get(`{${name}}:shards`)));
  redis.disconnect();
  const namespace = names[answers.findIndex(({ status }) => status === 'rejected')] ?? '';
  return { url, namespace, [Symbol.asyncDispose]: () => cluster.stop() };
}

describe.concurrent('a URL that leads to what can never hold the queue', () => {
  it.each([
    { what: 'a Sentinel', start: startSentinel, problem: /REDIS_URL leads to a Sentinel.*redis\+sentinel:\/\// },
    { what: 'one node of a cluster', start: startNode, problem: /one node of a Redis Cluster.*redis\+cluster:\/\// },
    {
      what: 'an old Redis',
      start: async (): Promise<Wrong> => await startOldRedis('4.0.14'),
      problem: /REDIS_URL leads to a Redis of version 4\.0\.14/,
    },
  ])(
    '$what: exit code 2 for a worker and for commands, and a ConfigError for a producer',
    async ({ start, problem }) => {
      await using wrong = await start();
      const { url: redisUrl, namespace = 'wrong' } = wrong;
      const env = { REDIS_URL: redisUrl, KITECHAT_NAMESPACE: namespace, KITECHAT_API_KEY: 'key' };
      for (const command of [['worker'], ['status'], ['send']]) {
        const line = JSON.stringify(message);
        const { exitCode, stderr } = await runProcess(command, env, line);
        expect([command, exitCode, stderr.join(' ')]).toEqual([command, 2, expect.stringMatching(problem)]);
      }
      await using producer = createProducer({ redisUrl, namespace });
      const { error, ms } = await settled(producer.enqueueMessage(message));
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as Error).message).toMatch(/redisUrl/);
      expect(ms).toBeLessThan(4000);
    },
  );
});

/** 20 ms a key, with an eye on connections in between. */
const SLOW_TO_LOAD = ['--key-load-delay', '20000', '--loading-process-events-interval-bytes', '1024'];

async function startReplica() {
  const server = await startTestRedis();
  const redis = new Redis(server.url);
  await redis.call('REPLICAOF', '127.0.0.1', '1');
  const mend = async (): Promise<void> => void (await redis.call('REPLICAOF', 'NO', 'ONE'));
  return { url: server.url, mend, stop: () => (redis.disconnect(), server.stop()) };
}

async function startLoading() {
  const server = await startTestRedis({ appendOnly: true, args: SLOW_TO_LOAD });
  const redis = new Redis(server.url);
  await redis.mset(Object.fromEntries(Array.from({ length: 250 }, (_, n) => [`key-${n}`, 'x'.repeat(100)])));
  await redis.bgrewriteaof();
  await eventually('it is compacted', async () =>
    /aof_rewrite_in_progress:0[^]*aof_last_bgrewrite_status:ok/.test(await redis.info('persistence')),
  );
  redis.disconnect();
  await server.kill('SIGTERM');
  const back = server.restart();
  return { url: server.url, mend: () => back, stop: () => server.stop() };
}

async function startWebSite() {
  const server = createHttpServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`, mend: null, stop };
}

describe.concurrent('a URL that leads to what may hold the queue later', () => {
  it.each([
    { what: 'a replica', start: startReplica, told: /read-only replica/ },
    { what: 'a Redis that loads its data', start: startLoading, told: /still loading its data/ },
    { what: 'something else', start: startWebSite, told: /does not answer like a Redis/ },
  ])('$what: a worker waits and says why, once; a producer is told', async ({ start, told }) => {
    const { url, mend, stop } = await start();
    const lines: string[] = [];
    const logger = pino(
      { level: 'warn' },
      { write: (line: string) => lines.push((JSON.parse(line) as { msg: string }).msg) },
    );
    const about = (): string[] => lines.filter((line) => told.test(line));
    const site = await install({ url }, { startWorker: false, config: { enqueueTimeoutMs: 2000 } });
    const worker = createWorker({ ...site.config, logger });
    const running = worker.run();
    await eventually('the worker says so', () => about().length > 0);
    const { error } = await settled(site.producer.enqueueMessage(message));
    expect(error).toBeInstanceOf(QueueUnavailableError);
    expect((error as Error).message).toMatch(told);
    expect(worker.health().phase).toBe('starting');
    if (mend) {
      await mend();
      const id = await eventually('it is stored', () => site.enqueue(message).catch(() => null));
      await site.until(id, 'delivered');
    }
    expect(about()).toHaveLength(1);
    await worker.close();
    await running;
    await site[Symbol.asyncDispose]();
    await stop();
  });
});
