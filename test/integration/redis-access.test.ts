import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProducer } from '../../src/producer/index.ts';
import { ConfigError } from '../../src/shared/errors/errors.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { createWorker } from '../../src/worker/index.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import { startClusterNode } from '../support/redis-cluster.ts';
import { useFolder } from '../support/use-folder.ts';
import { install } from '../support/worker.ts';

const folder = useFolder();
const socket = join(folder, 'redis.sock');
let server: RedisServer;
let admin: Redis;
/** A cluster of one. */
let node: RedisServer;
let nodeAdmin: Redis;

beforeAll(async () => {
  server = await startRedisServer({ engine: 'path', args: ['--unixsocket', socket, '--databases', '16'] });
  admin = new Redis(server.url);
  node = await startClusterNode(['--cluster-announce-ip', '127.0.0.1']);
  nodeAdmin = new Redis(node.url);
  await nodeAdmin.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
  await eventually('the cluster is up', async () =>
    String(await nodeAdmin.call('CLUSTER', 'INFO')).includes('cluster_state:ok'),
  );
});
afterAll(async () => {
  admin.disconnect();
  nodeAdmin.disconnect();
  await Promise.all([server.stop(), node.stop()]);
});

const { message, ...conversation } = textMessage('c1', 1);
const acl = async (...rules: string[]): Promise<unknown> => await admin.call('ACL', 'SETUSER', ...rules);
const as = (login: string, database = 0): string => `redis://${login}@127.0.0.1:${server.port}/${database}`;

/** The databases that the connections of a user have selected. */
async function databasesOf(user: string): Promise<Set<string>> {
  const clients = String(await admin.call('CLIENT', 'LIST')).split('\n');
  return new Set(
    clients.flatMap((line) => (line.includes(` user=${user} `) ? [/ db=(\d+)/.exec(line)?.[1] ?? ''] : [])),
  );
}

/** A logger with the lines that were written to it. */
function loggedLines(): { logger: pino.Logger; lines: string[] } {
  const lines: string[] = [];
  const stream = new Writable({
    write(line, _encoding, done) {
      lines.push(String(line));
      done();
    },
  });
  return { logger: pino(stream), lines };
}

describe('a database that Redis refuses', () => {
  beforeAll(async () => await acl('narrow', 'on', '>pw', '~*', '&*', '+@all', '-select'));

  it.each([
    ['its number is too high', () => as('default:', 99), /database 99 .*"databases" in its configuration/],
    ['the user may not SELECT', () => as('narrow:pw', 3), /database 3 .*\+select in the user's ACL/],
    ['a cluster has no other', () => `redis://127.0.0.1:${node.port}/3`, /database 3 .*SELECT is refused \(ERR\)/],
    ['the number is beyond all bounds', () => as('default:', 999_999_999), /database 999999999 /],
  ])('is a ConfigError, and nothing is written anywhere: %s', async (_why, url, problem) => {
    await using producer = createProducer({ redisUrl: url() });
    for (let call = 0; call < 2; call += 1) {
      const error = await producer.enqueueMessage({ ...conversation, message }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ConfigError);
      expect(error).toMatchObject({ problems: [expect.stringMatching(problem)] });
      expect(String(error)).toContain('redisUrl: ');
    }
    expect(await admin.info('keyspace')).not.toContain('db');
  });

  it('ends a worker that starts', async () => {
    const { logger, lines } = loggedLines();
    const worker = createWorker({ redisUrl: as('narrow:pw', 3), apiKey: 'key', logger });
    await expect(worker.run()).rejects.toThrow(/redisUrl: database 3 /);
    expect(lines.join('\n')).not.toContain('waits');
    expect(await admin.info('keyspace')).not.toContain('db');
  });

  it('makes a running worker wait, with a line in its log, and never use another database', async () => {
    const { logger, lines } = loggedLines();
    await acl('moving', 'on', '>pw', '~*', '&*', '+@all');
    const url = as('moving:pw', 5);
    await using site = await install({ url }, { hooks: { logger } });
    await site.until(await site.enqueue({ ...conversation, message }), 'delivered');
    expect(await databasesOf('moving')).toEqual(new Set(['5']));

    await acl('moving', '-select');
    await admin.call('CLIENT', 'KILL', 'USER', 'moving');
    await eventually('the worker says why it waits', () => lines.some((line) => line.includes('database 5 can')));
    await acl('moving', '+select');
    await site.until(await site.enqueue({ ...conversation, message }), 'delivered');
    await eventually('it uses its database again', async () => {
      return JSON.stringify([...(await databasesOf('moving'))]) === '["5"]';
    });
    expect(await admin.info('keyspace')).not.toContain('db0');
    await admin.flushall();
  });
});

describe('a socket', () => {
  it('carries messages, with a user, a password and a database', async () => {
    await acl('local', 'on', '>p/w', '~*', '&*', '+@all');
    await using site = await install({ url: `unix://local:p%2Fw@${socket}?db=7` });
    await site.until(await site.enqueue({ ...conversation, message }), 'delivered');
    expect(await databasesOf('local')).toEqual(new Set(['7']));
    await admin.flushall();
  });
});

describe('REDIS_URL_FILE', () => {
  it.each<[string, (login: string) => string, () => Redis]>([
    ['one server', (login) => as(login), () => admin],
    ['a cluster', (login) => `redis+cluster://${login}@127.0.0.1:${node.port}`, () => nodeAdmin],
  ])(
    'is read again when the password has changed: workers, their blocking connections and producers of %s come back',
    async (_what, urlFor, adminOf) => {
      const redisUrlFile = join(folder, 'url');
      const change = async (...command: [string, ...string[]]): Promise<unknown> => await adminOf().call(...command);
      const rotate = async (password: string): Promise<void> => {
        await change('ACL', 'SETUSER', 'app', 'resetpass', `>${password}`);
        await change('CLIENT', 'KILL', 'USER', 'app');
        writeFileSync(redisUrlFile, `${urlFor(`app:${password}`)}\n`);
      };
      await change('ACL', 'SETUSER', 'app', 'on', '>first', '~*', '&*', '+@all');
      const redisUrl = urlFor('app:first');
      writeFileSync(redisUrlFile, redisUrl);
      await using site = await install({ url: redisUrl }, { config: { redisUrlFile } });
      await site.until(await site.enqueue({ ...conversation, message }), 'delivered');
      const connections = async (): Promise<number> =>
        String(await change('CLIENT', 'LIST')).split(' user=app ').length - 1;
      const before = await connections();
      for (const password of ['second', 'third']) {
        await rotate(password);
        // A call of the moment in which the connection ends fails.
        const stored = async (): Promise<string | null> =>
          await site.enqueue({ ...conversation, message }).catch(() => null);
        const id = await eventually('a message is stored', stored);
        expect(await site.until(id, 'delivered')).toMatchObject({ status: 'delivered' });
        await eventually('all connections are back', async () => (await connections()) >= before);
      }
    },
  );
});
