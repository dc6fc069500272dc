import { Redis } from 'ioredis';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { ConfigError, createProducer } from '../../src/producer/index.ts';
import { createWorker } from '../../src/worker/index.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { startClusterNode } from '../support/redis-cluster.ts';
import { runCommand } from '../support/run-command.ts';

const message = textMessage('c1', 1);

type Range = [first: number, last: number];

/** Gives each node its slots, and waits until all of them are one cluster. */
async function join(...nodes: [server: { url: string; port: number }, slots: Range][]): Promise<void> {
  const clients = nodes.map(([{ url }]) => new Redis(url));
  try {
    for (const [n, [, slots]] of nodes.entries()) await clients[n]?.call('CLUSTER', 'ADDSLOTSRANGE', ...slots);
    for (const [{ port }] of nodes.slice(1)) await clients[0]?.call('CLUSTER', 'MEET', '127.0.0.1', port);
    await eventually('the cluster is up', async () => {
      const info = String(await clients[0]?.call('CLUSTER', 'INFO'));
      return info.includes('cluster_state:ok') && info.includes(`cluster_size:${nodes.length}\r`);
    });
  } finally {
    for (const client of clients) client.disconnect();
  }
}

describe('the URL of one node of a cluster, written like that of a single Redis', () => {
  it('is an error of the configuration, also if that node has the keys of the namespace', async () => {
    await using first = await startClusterNode();
    await using second = await startClusterNode();
    // {kitechat} is in slot 3259, and {kitechat:0} in slot 540.
    await join([first, [0, 4999]], [second, [5000, 16_383]]);
    const env = { REDIS_URL: first.url, KITECHAT_API_KEY: 'key' };
    for (const args of [['send'], ['hold', '--all'], ['dead-letters', 'list'], ['status'], ['reshard', '2']]) {
      const { exitCode, stderr } = await runCommand(args, env, JSON.stringify(message));
      const told = stderr.join('\n');
      expect([args, exitCode, told]).toEqual([args, 2, expect.stringMatching(/REDIS_URL.*redis\+cluster:\/\//)]);
    }
    const worker = createWorker({ redisUrl: first.url, apiKey: 'key', logger: pino({ level: 'silent' }) });
    await expect(worker.run()).rejects.toThrow(ConfigError);
    await worker.close();
    const redis = new Redis(first.url);
    expect(await redis.dbsize()).toBe(0);
    redis.disconnect();
  });

  it('will do if that node has all slots', async () => {
    await using only = await startClusterNode();
    await join([only, [0, 16_383]]);
    await using producer = createProducer({ redisUrl: only.url });
    const { id } = await producer.enqueueMessage(message);
    expect(await producer.getMessage(id)).toMatchObject({ status: 'queued' });
  });
});
