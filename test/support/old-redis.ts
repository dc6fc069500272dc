import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** Answers what a Redis of long ago says about itself, and OK to everything else. */
export async function startOldRedis(version: string): Promise<AsyncDisposable & { port: number; url: string }> {
  const info = `# Server\r\nredis_version:${version}\r\nredis_mode:standalone\r\nrole:master\r\nloading:0\r\n`;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      for (const [name] of bytes.toString().matchAll(/(?<=\*\d+\r\n\$\d+\r\n)\w+/g)) {
        socket.write(name.toLowerCase() === 'info' ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n');
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
