import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProducer } from '../../src/producer/index.ts';
import { type Cli, installWithCli, jsonLinesOf } from '../support/cli-installation.ts';
import { startConsole, wordsOf } from '../support/console.ts';
import { eventually } from '../support/eventually.ts';
import { startHttpProcess } from '../support/http-process.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts';
import { install, type Installation } from '../support/worker.ts';
import { runCommand } from '../support/run-command.ts';

const SHARDS = 5;

describe('on a Redis Cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(async () => await cluster.stop());

  const environmentOf = ({ config }: Installation): Record<string, string> => ({
    REDIS_URL: cluster.url,
    KITECHAT_NAMESPACE: config.namespace ?? '',
    KITECHAT_SHARDS: String(SHARDS),
    KITECHAT_API_KEY: 'key',
    KITECHAT_API_URL: String(config.apiUrl),
  });
  const cliOf =
    (site: Installation): Cli =>
    (...args) =>
      runCommand(args, environmentOf(site));

  it('messages of many pages arrive in order, through failures, over several shards', async () => {
    await using site = await install(cluster, {
      config: { shards: SHARDS },
      api: { faults: [{ kind: 'status', status: 500, rate: 0.1 }], seed: 7 },
    });
    const messages = manyMessages(40, 5, 10);
    await site.producer.enqueueMessages(messages);
    await site.api.waitForAccepted(messages.length);
    expect(site.api.report()).toMatchObject({ accepted: 200, duplicates: { count: 0 }, outOfOrder: { count: 0 } });
  });

  it('dead letters are listed, exported, sent again and discarded', async () => {
    await using site = await installWithCli(cluster, { config: { shards: SHARDS } });
    const cli = cliOf(site);
    site.api.setFaults([{ kind: 'status', status: 400 }]);
    const pages = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'];
    const ids = await Promise.all(pages.map((page) => site.enqueue(textMessage('c1', 1, page))));
    for (const id of ids) await site.until(id, 'dead');
    site.api.setFaults([]);
    expect(new Set(jsonLinesOf(await cli('dead-letters', 'list', '--json')).map(({ id }) => id))).toEqual(new Set(ids));
    expect((await cli('dead-letters', 'export')).stdout).toHaveLength(6);
    const discarded = await cli('dead-letters', 'discard', '--page', 'p6', '--yes', '--json');
    expect(jsonLinesOf(discarded)).toEqual([{ matched: 1, done: 1, skipped: [] }]);
    const replayed = await cli('dead-letters', 'replay', '--all', '--json');
    expect(jsonLinesOf(replayed)).toEqual([{ matched: 5, done: 5, skipped: [] }]);
    await eventually('they are delivered', () => site.api.requests.filter(({ status }) => status === 200).length === 5);
  });

  it('a dead letter can hold its conversation, and is sent again before what waits behind it', async () => {
    await using site = await install(cluster, { config: { shards: SHARDS, onDeadLetter: 'hold' } });
    site.api.setFaults([{ kind: 'status', status: 400, times: 1 }]);
    const first = await site.enqueue(textMessage('c1', 1));
    await site.until(first, 'dead');
    const second = await site.enqueue(textMessage('c1', 2));
    await site.until(second, 'held');
    expect(await site.deadLetters.replay({ ids: [first] })).toMatchObject({ done: 1 });
    await site.until(second, 'delivered');
    expect(site.api.report()).toMatchObject({ accepted: 2, outOfOrder: { count: 0 } });
  });

  it('holds keep everything back, pages and conversations, and status shows them', async () => {
    await using site = await installWithCli(cluster, { config: { shards: SHARDS } });
    const cli = cliOf(site);
    await cli('hold', '--all');
    await cli('hold', '--page', 'p2');
    const ids = await Promise.all(['p1', 'p2', 'p3'].map((page) => site.enqueue(textMessage('c1', 1, page))));
    const [status] = jsonLinesOf(await cli('status', '--json'));
    expect(status).toMatchObject({ held: 3, holds: [{ scope: 'all' }, { scope: 'page', page: 'p2' }] });
    expect(status?.['workers']).toHaveLength(1);
    await cli('release', '--all');
    await site.until(ids[0] ?? '', 'delivered');
    await site.until(ids[2] ?? '', 'delivered');
    expect(await site.producer.getMessage(ids[1] ?? '')).toMatchObject({ status: 'held' });
    await cli('release', '--page', 'p2');
    await site.until(ids[1] ?? '', 'delivered');
  });

  it('limits of the fleet and of each page are kept to', async () => {
    await using site = await installWithCli(cluster, { config: { shards: SHARDS, pageRateLimit: '20/s' } });
    expect((await cliOf(site)('limits', 'set', '--rate', '40/s')).exitCode).toBe(0);
    site.startWorker();
    await eventually('the workers know it', async () => {
      const [shown] = jsonLinesOf(await cliOf(site)('limits', 'show', '--json'));
      return JSON.stringify(shown).includes('40/s');
    });
    await site.producer.enqueueMessages(manyMessages(60, 1, 3));
    await site.api.waitForAccepted(60);
    const arrivals = site.api.accepted.map(({ at }) => at);
    const lastingMs = Math.max(...arrivals) - Math.min(...arrivals);
    expect(lastingMs).toBeGreaterThan((59 / 40) * 1000 * 0.9);
  });

  it('scheduled messages come when they are due, those with high priority first, cancelled ones never', async () => {
    await using site = await install(cluster, { startWorker: false, config: { shards: SHARDS, concurrency: 5 } });
    const cancelled = await site.enqueue(textMessage('c1', 1));
    const scheduled = await site.enqueue({ ...textMessage('c2', 2), delayMs: 500 });
    expect(await site.producer.cancelMessage(cancelled)).toBe('cancelled');
    site.startWorker();
    await site.until(scheduled, 'delivered');
    expect(await site.producer.getMessage(cancelled)).toMatchObject({ status: 'cancelled' });
    expect(site.api.report().accepted).toBe(1);
  });

  it('a refused key holds its pages, whichever node they are at', async () => {
    await using site = await install(cluster, { config: { shards: SHARDS } });
    site.api.setFaults([{ kind: 'status', status: 401, times: 2 }]);
    const ids = await Promise.all(['p1', 'p2', 'p3'].map((page) => site.enqueue(textMessage('c1', 1, page))));
    for (const id of ids) await site.until(id, 'delivered');
    const records = await Promise.all(ids.map((id) => site.producer.getMessage(id)));
    expect(records.map((record) => record?.status === 'delivered' && record.attemptsUsed)).toEqual([0, 0, 0]);
  });

  it('a worker tells that it is alive and ready, and the console shows what there is', async () => {
    await using site = await install(cluster, { startWorker: false, config: { shards: SHARDS } });
    const dead = await site.enqueue(textMessage('c1', 1, 'p7'));
    site.api.setFaults([{ kind: 'status', status: 400, times: 1 }]);
    await using worker = await startHttpProcess('worker', { ...environmentOf(site), KITECHAT_PAGE_PARALLELISM: '2' });
    await eventually('the worker is ready', async () => (await worker.ask('/readyz')).status === 200);
    expect((await worker.ask('/healthz')).status).toBe(200);
    await site.until(dead, 'dead');
    expect((await worker.ask('/metrics')).body).toContain('kitechat_sender_redis_up 1');
    await using console = await startConsole(site.config);
    expect(wordsOf(await console.visitor.get('/'))).toContain('1 message died');
    expect((await console.visitor.get('/dead-letters')).text).toContain(dead);
    expect((await console.visitor.get('/queues')).status).toBe(200);
  });

  it('one node is enough, also where the nodes announce addresses that are not reachable from here', async () => {
    const natMap: string[] = [];
    for (const [index, { redis, server }] of cluster.nodes.entries()) {
      await redis.config('SET', 'cluster-announce-hostname', `node-${index}.internal`);
      await redis.config('SET', 'cluster-preferred-endpoint-type', 'hostname');
      natMap.push(`node-${index}.internal:${server.port}=127.0.0.1:${server.port}`);
    }
    await eventually('all nodes know all names', async () => {
      const known = await Promise.all(cluster.nodes.map(({ redis }) => redis.call('CLUSTER', 'SLOTS')));
      return known.every((slots) => JSON.stringify(slots).match(/node-\d\.internal/g)?.length === cluster.nodes.length);
    });
    const url = `redis+cluster://127.0.0.1:${cluster.nodes[0]?.server.port}`;
    const config = { shards: SHARDS, redisNatMap: natMap.join(',') };
    await using site = await install({ url }, { config });
    const messages = manyMessages(20, 2, 10);
    await site.producer.enqueueMessages(messages);
    await site.api.waitForAccepted(messages.length);
    expect(site.api.report()).toMatchObject({ accepted: 40, duplicates: { count: 0 }, outOfOrder: { count: 0 } });
  });

  it('a URL for a single Redis is answered with the one for a cluster', async () => {
    const failures = cluster.nodes.map(async ({ server }) => {
      await using producer = createProducer({ redisUrl: server.url, enqueueTimeoutMs: 1000 });
      return await producer.enqueueMessage(textMessage('c1', 1)).then(() => null, String);
    });
    const moved = (await Promise.all(failures)).filter((failure) => failure?.includes('redis+cluster://'));
    // One node has the slot, and replicas are refused as such.
    expect(moved.length).toBeGreaterThanOrEqual(2);
  });
});
