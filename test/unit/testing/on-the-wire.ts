import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** What one request got back, byte by byte. */
export interface WireAnswer {
  text: string;
  /** Everything up to the empty line. */
  head: string;
  body: string;
  /** How long after the first byte the last one came. */
  spreadMs: number;
  /** How the connection ended. */
  end: 'closed' | 'reset';
}

export interface WireRequest {
  body: unknown;
  path?: string;
  method?: string;
  headers?: Record<string, string>;
}

/** Sends a request over a socket of its own and leaves it open. */
export function openRequest(url: string, { body, path, method = 'POST', headers = {} }: WireRequest): Socket {
  const { hostname, port, pathname } = new URL(url);
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const all = {
    host: `${hostname}:${port}`,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    connection: 'close',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const socket = connect(Number(port), hostname);
  socket.write(`${method} ${path ?? pathname} HTTP/1.1\r\n${lines.join('')}\r\n${text}`);
  return socket;
}

/** Sends a request and reads until the server ends the connection. */
export function sendOnWire(url: string, request: WireRequest): Promise<WireAnswer> {
  const socket = openRequest(url, request);
  const arrivals: number[] = [];
  let text = '';
  let end: WireAnswer['end'] = 'closed';
  return new Promise((resolve) => {
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      arrivals.push(performance.now());
    });
    socket.on('error', () => (end = 'reset'));
    socket.on('close', () => {
      const [head = '', body = ''] = text.split(/\r\n\r\n(.*)/s);
      const spreadMs = (arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0);
      resolve({ text, head, body, spreadMs, end });
    });
  });
}
