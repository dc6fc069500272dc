import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** A proxy before the API that can be shut: then new connections are refused, and open ones are cut. */
export interface Gate {
  readonly port: number;
  /** The number of connections that were cut. */
  readonly cut: number;
  shut(): Promise<void>;
  open(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openGate(targetPort: number): Promise<Gate> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  };
  let server: Server | null = null;
  let port = 0;
  let cut = 0;

  const open = async (): Promise<void> => {
    server = createServer((near) => {
      const far = createConnection({ port: targetPort, host: '127.0.0.1' });
      for (const socket of [near, far]) keep(socket);
      near.pipe(far).pipe(near);
      near.on('close', () => far.destroy());
      far.on('close', () => near.destroy());
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address) port = address.port;
  };
  const shut = async (): Promise<void> => {
    const closing = server;
    server = null;
    if (!closing) return;
    closing.close();
    cut += sockets.size / 2;
    for (const socket of sockets) socket.resetAndDestroy();
    await once(closing, 'close');
  };
  await open();
  return {
    get port() {
      return port;
    },
    get cut() {
      return cut;
    },
    shut,
    open,
    [Symbol.asyncDispose]: shut,
  };
}
