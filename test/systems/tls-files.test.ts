import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProducer, QueueUnavailableError } from '../../src/producer/index.ts';
import { randomPort } from '../../src/testing/redis/random-port.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import { makeCertificates } from '../support/certificates.ts';
import { startForegroundServer } from '../support/foreground-server.ts';
import { textMessage } from '../support/messages.ts';
import { eventually } from '../support/eventually.ts';
import { install } from '../support/worker.ts';

const { message, ...conversation } = textMessage('c1', 1);

describe('a Redis that asks for a client certificate', () => {
  const stack = new AsyncDisposableStack();
  const certificates = stack.use(makeCertificates());
  const { ca, cert, key } = certificates;
  const files = { redisCaFile: ca, redisCertFile: cert, redisKeyFile: key };
  const tls = (port: number): Record<string, string> => ({
    'tls-port': String(port),
    'tls-cert-file': cert,
    'tls-key-file': key,
    'tls-ca-cert-file': ca,
    'tls-auth-clients': 'yes',
  });
  const startRedis = async (port: number, more: readonly string[] = []): Promise<RedisServer> => {
    const args = Object.entries(tls(port)).flatMap(([name, value]) => [`--${name}`, value]);
    return stack.use(await startRedisServer({ engine: 'path', args: [...args, ...more] }));
  };
  const ports = { single: randomPort(), node: 15_000 + (randomPort() % 7000) };
  let sentinelPort: number;

  beforeAll(async () => {
    await startRedis(ports.single);
    // A node that has met no other one doesn't know its address.
    const cluster = ['--cluster-enabled', 'yes', '--tls-cluster', 'yes', '--cluster-announce-ip', '127.0.0.1'];
    const node = await startRedis(ports.node, cluster);
    const admin = stack.adopt(new Redis(node.url), (redis) => redis.disconnect());
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
    await eventually('the cluster is up', async () =>
      String(await admin.call('CLUSTER', 'INFO')).includes('cluster_state:ok'),
    );
    const sentinel = stack.use(
      await startForegroundServer({
        program: 'redis-sentinel',
        args: ['server.conf'],
        configure: (port) =>
          [
            'port 0',
            'bind 127.0.0.1',
            'tls-replication yes',
            ...Object.entries(tls(port)).map(([name, value]) => `${name} ${value}`),
            `sentinel monitor main 127.0.0.1 ${ports.single} 1`,
          ].join('\n'),
        isReady: (_pid, read) => read('output.log').includes('+monitor master main'),
        portTaken: 'Address already in use',
      }),
    );
    sentinelPort = sentinel.port;
  });
  afterAll(async () => await stack.disposeAsync());

  it.each<[string, () => string]>([
    ['one server', () => `rediss://127.0.0.1:${ports.single}/4`],
    ['one node of a cluster', () => `rediss+cluster://127.0.0.1:${ports.node}`],
    ['sentinels', () => `rediss+sentinel://127.0.0.1:${sentinelPort}/main/4`],
  ])('is reached with the CA, the certificate and the key in files: %s', async (_what, url) => {
    await using site = await install({ url: url() }, { config: files });
    const id = await site.enqueue({ ...conversation, message });
    expect(await site.until(id, 'delivered')).toMatchObject({ status: 'delivered' });
  });

  it('says which settings it needs', async () => {
    const redisUrl = `rediss://127.0.0.1:${ports.single}`;
    const failureOf = async (options: Partial<typeof files>): Promise<unknown> => {
      await using producer = createProducer({ redisUrl, enqueueTimeoutMs: 500, ...options });
      return await producer.enqueueMessage({ ...conversation, message }).catch((thrown: unknown) => thrown);
    };
    const errors = await Promise.all([failureOf({}), failureOf({ redisCaFile: ca })]);
    for (const error of errors) expect(error).toBeInstanceOf(QueueUnavailableError);
    expect(errors.map(String)).toEqual([
      expect.stringContaining('set redisCaFile (REDIS_CA_FILE) to a file with the certificate of that CA'),
      expect.stringContaining('it asks for a client certificate; set redisCertFile and redisKeyFile'),
    ]);
  });
});
