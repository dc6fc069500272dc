import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Pool } from 'undici';
import type { SendRequest } from '../../../src/producer/index.ts';

/** What the front answers by itself. */
export interface FrontAnswer {
  status: number;
  body?: string | Buffer;
  headers?: Record<string, string>;
}

export interface FrontRequest extends SendRequest {
  apiKey: string | undefined;
  atMs: number;
}

/** A server before the fake API that answers some requests itself, as `answerOf` says, and passes the others on. */
export interface Front extends AsyncDisposable {
  url: string;
  requests: FrontRequest[];
  /** The requests that it answered itself. */
  refused: FrontRequest[];
  answer(answerOf: (request: FrontRequest) => FrontAnswer | undefined): void;
}

export async function openFront(
  apiUrl: string,
  firstAnswerOf: (request: FrontRequest) => FrontAnswer | undefined,
): Promise<Front> {
  let answerOf = firstAnswerOf;
  const { origin, pathname } = new URL(apiUrl);
  const pool = new Pool(origin);
  const requests: FrontRequest[] = [];
  const refused: FrontRequest[] = [];

  async function answerTo(incoming: IncomingMessage): Promise<FrontAnswer> {
    const body = await buffer(incoming);
    const apiKey = incoming.headers['apikey']?.toString();
    const request = { ...(JSON.parse(body.toString()) as SendRequest), apiKey, atMs: performance.now() };
    requests.push(request);
    const own = answerOf(request);
    if (own) {
      refused.push(request);
      return own;
    }
    const headers = { 'content-type': 'application/json', apikey: apiKey ?? '' };
    const passed = await pool.request({ method: 'POST', path: pathname, headers, body });
    return {
      status: passed.statusCode,
      body: await passed.body.text(),
      headers: { 'content-type': 'application/json' },
    };
  }

  const server = createServer((incoming, outgoing) => {
    void answerTo(incoming).then(
      ({ status, body = '{"error":"refused"}', headers = { 'content-type': 'application/json' } }) => {
        outgoing.writeHead(status, headers).end(body);
      },
      () => outgoing.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    requests,
    refused,
    answer: (next) => void (answerOf = next),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await pool.destroy();
    },
  };
}
