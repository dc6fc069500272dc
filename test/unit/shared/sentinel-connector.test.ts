import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { ConfigError, createProducer } from '../../../src/producer/index.ts';
import { connectPatiently } from '../../../src/shared/session/connect.ts';
import { randomPort } from '../../../src/testing/redis/random-port.ts';
import { eventually } from '../../support/eventually.ts';
import { textMessage } from '../../support/messages.ts';
import { startOldRedis } from '../../support/old-redis.ts';
import { settled } from '../../support/settled.ts';

/** A sentinel that names a primary. */
async function startSentinel(primaryPort: number) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const command of String(data).split(/(?=\*\d+\r\n)/)) {
        const port = String(primaryPort);
        const names = `*2\r\n$9\r\n127.0.0.1\r\n$${port.length}\r\n${port}\r\n`;
        if (/get-master-addr/i.test(command)) socket.write(names);
        else socket.write(/hello/i.test(command) ? '%1\r\n+proto\r\n:3\r\n' : '+OK\r\n');
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

it('sentinels that answer do not count as away while the primary that they name can not be reached', async () => {
  const port = randomPort();
  await using first = await startSentinel(port);
  await using second = await startSentinel(port);
  const away = `127.0.0.1:${randomPort()}`;
  const hosts = [first.host, second.host, away].join(',');
  const redis = connectPatiently({ redisUrl: `redis+sentinel://${hosts}/mymaster` });
  const codes: unknown[] = [];
  redis.on('error', (error: Error) => codes.push(Reflect.get(error, 'code')));
  await eventually('all were asked twice', () => codes.filter((code) => code !== 'ECONNREFUSED').length > 1, 20_000);
  redis.disconnect();
  expect(new Set(codes)).toEqual(new Set(['ECONNREFUSED', 'SENTINEL_PRIMARY_AWAY']));
});

it.each(['4.0.14', '6.0.16'])('a primary of version %s is refused, whoever names it', async (version) => {
  await using old = await startOldRedis(version);
  await using sentinel = await startSentinel(old.port);
  await using producer = createProducer({ redisUrl: `redis+sentinel://${sentinel.host}/mymaster` });
  const { error } = await settled(producer.enqueueMessage(textMessage('c1', 1)));
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as Error).message).toContain(`redisUrl leads to a Redis of version ${version}: use 6.2 or later`);
});
