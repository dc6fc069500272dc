import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';
import { listen } from '../../../src/testing/fake-api/listen.ts';

/** A request of which every byte arrived. */
export interface ReceivedRequest {
  /** `POST /path HTTP/1.1` and the headers, a line each. */
  head: string[];
  body: Buffer;
}

/** What the server does with a request that it has read; `nth` counts from 1. */
export type Answer = (socket: Socket, nth: number, request: ReceivedRequest) => void;

export interface BrokenServer {
  port: number;
  origin: string;
  received: ReceivedRequest[];
  /** All connections so far, those that are open now, and the most that were open at once. */
  connections: { total: number; open: number; most: number };
}

export interface BrokenServerOptions {
  answer?: Answer;
  /** Takes a connection over before anything is read from it; `nth` counts from 1. Default: requests are read. */
  connected?: (socket: Socket, nth: number) => 'taken' | 'read';
  tls?: TlsOptions;
}

export const ok: Answer = (socket) => void socket.write(answerText('200 OK', '{"success":true}'));

export function answerText(status: string, body = '', headers: Record<string, string> = {}): string {
  const all = { 'content-length': String(Buffer.byteLength(body)), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`;
}

/** A server on loopback that answers byte by byte as it is told, and goes with the test. */
export async function startBrokenServer(options: BrokenServerOptions = {}): Promise<BrokenServer> {
  const { answer = ok, connected = () => 'read', tls } = options;
  const received: ReceivedRequest[] = [];
  const connections = { total: 0, open: 0, most: 0 };
  const sockets = new Set<Socket>();

  const accept = (socket: Socket): void => {
    connections.total += 1;
    connections.open += 1;
    connections.most = Math.max(connections.most, connections.open);
    sockets.add(socket);
    // A reset by the other side is what some tests are about.
    socket.on('error', () => {});
    socket.on('close', () => {
      connections.open -= 1;
      sockets.delete(socket);
    });
    if (connected(socket, connections.total) === 'taken') return;
    readRequests(socket, (request) => {
      received.push(request);
      answer(socket, received.length, request);
    });
  };

  const server = tls ? createTlsServer(tls, accept) : createServer(accept);
  const port = await listen(server, '127.0.0.1', 0);
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { port, origin: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, received, connections };
}

function readRequests(socket: Socket, take: (request: ReceivedRequest) => void): void {
  let unread: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    unread = Buffer.concat([unread, chunk]);
    const headEnd = unread.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const head = unread.subarray(0, headEnd).toString('latin1').split('\r\n');
    const length = Number(head.find((line) => /^content-length:/i.test(line))?.split(':')[1]);
    const body = unread.subarray(headEnd + 4, headEnd + 4 + length);
    if (body.length < length) return;
    unread = unread.subarray(headEnd + 4 + length);
    take({ head, body });
  });
}
