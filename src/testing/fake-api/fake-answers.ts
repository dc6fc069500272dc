import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FakeExchange } from './fake-exchange.ts';
import type { AnsweringFault } from './faults.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const GARBAGE = Buffer.from('\u0016\u0003\u0001 this is no HTTP\r\n\r\n', 'latin1');
const CHUNK_BYTES = 65_536;

/** Answers with a text unchanged, or with anything else as JSON. */
export function answer(
  { res, ending }: FakeExchange,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  ending(status);
  res.statusCode = status;
  res.setHeader('content-type', typeof body === 'string' ? 'text/plain; charset=utf-8' : JSON_TYPE);
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  res.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Carries out a fault on the connection. Settles when this request needs nothing more. */
export async function answerWithFault(exchange: FakeExchange, fault: AnsweringFault): Promise<void> {
  switch (fault.kind) {
    case 'status': {
      const { status, retryAfter } = fault;
      const body = 'body' in fault ? fault.body : { success: status < 300, message: `Fault: status ${status}` };
      return answer(exchange, status, body, retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) });
    }
    case 'hang':
      return;
    case 'reset':
      exchange.ending(null);
      exchange.req.socket.resetAndDestroy();
      return;
    case 'success-false':
      return answer(exchange, 200, { success: false, message: 'Fault: success-false' });
    case 'redirect':
      return answer(exchange, 302, '', { location: fault.location ?? '/moved' });
    case 'slow-body':
      return answerSlowly(exchange, fault.ms);
    case 'broken-body':
      startHalfAnswer(exchange, () => exchange.req.socket.destroy());
      return;
    case 'huge-body':
      return answerHugely(exchange, fault.bytes);
    case 'garbage':
      exchange.ending(null);
      exchange.req.socket.end(GARBAGE);
  }
}

/** Waits for a time in ms, or until the client is gone. */
export function waitWhileOpen(res: ServerResponse, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      res.off('close', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    res.once('close', done);
  });
}

async function answerSlowly(exchange: FakeExchange, ms: number): Promise<void> {
  const rest = startHalfAnswer(exchange);
  await waitWhileOpen(exchange.res, ms);
  exchange.res.end(rest);
}

/** Sends the head and half of a body, and returns the other half. */
function startHalfAnswer({ res, ending }: FakeExchange, sent?: () => void): string {
  const body = JSON.stringify({ success: true });
  const half = body.length / 2;
  ending(200);
  res.writeHead(200, { 'content-type': JSON_TYPE, 'content-length': body.length });
  res.write(body.slice(0, half), sent);
  return body.slice(half);
}

async function answerHugely({ res, ending }: FakeExchange, bytes: number): Promise<void> {
  ending(200);
  // Without a content-length, so that the client learns the size only by reading.
  res.writeHead(200, { 'content-type': JSON_TYPE });
  try {
    await pipeline(Readable.from(hugeJson(bytes)), res);
  } catch {
    // The client may close the connection when it has read enough.
  }
}

function* hugeJson(bytes: number): Generator<string> {
  const start = '{"success":true,"padding":"';
  const end = '"}';
  yield start;
  for (let left = bytes - start.length - end.length; left > 0; left -= CHUNK_BYTES) {
    yield 'x'.repeat(Math.min(left, CHUNK_BYTES));
  }
  yield end;
}
