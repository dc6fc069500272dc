import { connect, type Socket } from 'node:net';

/** A connection on which a test writes what no HTTP client would. */
export interface RawClient {
  socket: Socket;
  /** All that the server has answered. */
  answered(): string;
  /** Settles when the server has closed the connection. */
  closed: Promise<void>;
}

/** Opens a connection and writes the beginning of a request. Settles when it is connected. */
export async function openRaw(url: string, begin: string | Buffer): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  let answered = '';
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    answered += chunk.toString('latin1');
  });
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  await new Promise<void>((resolve) => {
    socket.once('connect', () => resolve());
    socket.once('close', () => resolve());
  });
  socket.write(begin);
  return { socket, answered: () => answered, closed };
}

/** The head of a form for the console. */
export function headOfForm(path: string, length: number, headers: readonly string[] = []): string {
  return [
    `POST ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${length}`,
    ...headers,
    '',
    '',
  ].join('\r\n');
}

export function statusOf(answer: string): number | null {
  const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(answer) ?? [];
  return status === undefined ? null : Number(status);
}
