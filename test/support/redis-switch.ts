import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP address in front of Redis servers, such as a virtual IP or a network with address translation. */
export interface RedisSwitch {
  readonly url: string;
  /** The number of connections so far. */
  readonly connections: number;
  /** Leads new connections to this port. Open connections stay where they are. */
  leadTo(port: number): void;
  /** Forgets the open connections as a NAT does: they stay open, and nothing passes any more. New connections pass. */
  forgetOpen(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startRedisSwitch(port: number): Promise<RedisSwitch> {
  const sockets = new Set<Socket>();
  let target = port;
  let connections = 0;

  const server = createServer({ allowHalfOpen: true }, (client) => {
    connections += 1;
    const redis = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    client.pipe(redis).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    leadTo(next) {
      target = next;
    },
    forgetOpen() {
      for (const socket of sockets) socket.unpipe().resume();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
