import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

/** A webhook that came, as its receiver sees it. */
export interface TakenWebhook {
  id: string;
  headers: Record<string, string>;
  body: string;
  /** What the reference library read; `null` if it did not accept the signature. */
  payload: { type: string; timestamp: string; data: Record<string, unknown> } | null;
  status: number | 'none';
}

/** What to answer; `none` leaves the request open. */
export type WebhookAnswer = number | 'none' | { status: number; headers: Record<string, string> };

/** An HTTP server that verifies webhooks with the reference library. */
export interface WebhookReceiver extends AsyncDisposable {
  url: string;
  /** The secret by which it verifies. */
  secret: string;
  /** All requests, in the order in which they came. */
  taken: TakenWebhook[];
  /** Decides the answer to each request; at first all are accepted. A webhook that can't be verified gets a 401. */
  answerTo: (webhook: TakenWebhook) => WebhookAnswer;
  /** The webhooks that were accepted, in order. */
  accepted(): TakenWebhook[];
}

export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const taken: TakenWebhook[] = [];
  const receiver: WebhookReceiver = {
    url: '',
    secret: newSecret(),
    taken,
    answerTo: () => 204,
    accepted: () => taken.filter(({ status }) => status !== 'none' && status < 300),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };

  const server = createServer((request, response) => {
    void (async () => {
      const body = await text(request);
      const headers = request.headers as Record<string, string>;
      const payload = verified(receiver.secret, body, headers);
      const webhook: TakenWebhook = { id: headers['webhook-id'] ?? '', headers, body, payload, status: 'none' };
      taken.push(webhook);
      const answer = payload === null ? 401 : receiver.answerTo(webhook);
      if (answer === 'none') return;
      const { status, headers: more } = typeof answer === 'number' ? { status: answer, headers: {} } : answer;
      webhook.status = status;
      response.writeHead(status, more).end();
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks?token=CANARY-query`;
  return receiver;
}

function verified(secret: string, body: string, headers: Record<string, string>): TakenWebhook['payload'] {
  try {
    return new Webhook(secret).verify(body, headers) as TakenWebhook['payload'];
  } catch {
    return null;
  }
}
