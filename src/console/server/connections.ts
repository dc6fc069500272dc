import type { IncomingMessage, Server, ServerOptions } from 'node:http';
import type { Socket } from 'node:net';

/** Few, since the console is for operators, and a worker in the same process needs open files for its own requests. */
const MAX_CONNECTIONS = 64;

/** A client sends a whole request within seconds, so nobody can hold a connection by being slow. */
export const connectionTimes: ServerOptions = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  // Node checks the first two only this often.
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16 * 1024,
};

/**
 * Bounds the connections of a server. At the limit, a new connection replaces the one that has waited longest, so that probes and
 * operators get in however many connections others keep open. Connections on which no request is being answered go first.
 */
export function boundConnections(server: Server): void {
  /** Both in the order in which the connections came to them. */
  const waiting = new Set<Socket>();
  const answering = new Set<Socket>();
  server.maxConnections = MAX_CONNECTIONS;
  // The size of all headers is bounded; with a bound on their number, Node would silently drop those that a proxy adds at the end.
  server.maxHeadersCount = 0;

  function begin(socket: Socket): void {
    if (waiting.delete(socket)) answering.add(socket);
  }

  function forget(socket: Socket): void {
    waiting.delete(socket);
    answering.delete(socket);
  }

  server.on('connection', (socket) => {
    waiting.add(socket);
    socket.once('close', () => forget(socket));
    if (waiting.size + answering.size < MAX_CONNECTIONS) return;
    const [oldest = socket] = [...waiting, ...answering];
    // At once, since several connections can come before it is closed.
    forget(oldest);
    oldest.destroy();
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    if (hasBody(request)) request.once('end', () => begin(socket));
    else begin(socket);
    response.once('finish', () => closeUnlessRead(request));
    response.once('close', () => {
      if (answering.delete(socket) && !socket.destroyed) waiting.add(socket);
    });
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

/** Closes the connection of a request that was refused before its body had come; otherwise Node would read the body to skip it. */
function closeUnlessRead(request: IncomingMessage): void {
  if (!request.complete) request.socket.destroySoon();
}
