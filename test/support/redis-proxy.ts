import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** The fate of some bytes: they pass, they are lost while the connection stays open, or the connection is cut after some bytes. */
export type Treatment = 'pass' | 'swallow' | { cutAfter: number };

export const CUT: Treatment = { cutAfter: 0 };

/** A TCP proxy in front of a Redis that loses requests or replies on purpose. */
export interface RedisProxy {
  readonly url: string;
  /** Decides the fate of requests and of replies; at first both pass. Also applies to open connections. */
  requests: (bytes: Buffer) => Treatment;
  replies: (bytes: Buffer) => Treatment;
  /** The number of connections so far. */
  readonly connections: number;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startRedisProxy(port: number): Promise<RedisProxy> {
  const sockets = new Set<Socket>();
  let connections = 0;

  const server = createServer((client) => {
    connections += 1;
    const redis = connect(port, '127.0.0.1');
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        redis.destroy();
      });
    }
    client.on('data', (bytes) => relay(bytes, proxy.requests(bytes), redis, client));
    redis.on('data', (bytes) => relay(bytes, proxy.replies(bytes), client, redis));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const proxy: RedisProxy = {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => 'pass',
    replies: () => 'pass',
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

function relay(bytes: Buffer, treatment: Treatment, to: Socket, from: Socket): void {
  if (treatment === 'pass') to.write(bytes);
  if (typeof treatment === 'string') return;
  if (treatment.cutAfter > 0) to.end(bytes.subarray(0, treatment.cutAfter));
  else to.destroy();
  from.destroySoon();
}

/** Whether some bytes hold a message that is being stored. */
export function holdMessage(bytes: Buffer): boolean {
  return bytes.includes('"conversationId":');
}
