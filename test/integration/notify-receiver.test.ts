import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  createReceiver,
  openDispatcher,
  openWebhookSecrets,
  type Receiver,
  webhookOf,
} from '../../src/notify/index.ts';
import { eventually } from '../support/eventually.ts';
import { startHttpProxy } from '../support/http-proxy.ts';
import { deliveryTo } from '../support/notify/delivery.ts';
import { deliveredEvent, sourceOf } from '../support/notify/events.ts';
import { newSecret, startWebhookReceiver, type WebhookReceiver } from '../support/notify/webhook-receiver.ts';
import { useFolder } from '../support/use-folder.ts';

const folder = useFolder();
const silent = { debug() {}, info() {}, warn() {}, error() {} };
let files = 0;

interface ReceiverInTest extends Receiver, AsyncDisposable {
  rotate(...secrets: string[]): void;
}

interface Options {
  timeoutMs?: number;
  httpProxy?: string;
  now?: () => number;
}

function receiverAt(server: Pick<WebhookReceiver, 'url' | 'secret'>, options: Options = {}): ReceiverInTest {
  const { timeoutMs = 10_000, httpProxy, ...others } = options;
  const path = join(folder, `secrets-${(files += 1)}`);
  const rotate = (...secrets: string[]): void => writeFileSync(path, secrets.join('\n'));
  rotate(server.secret);
  const dispatcher = openDispatcher({ connections: 10, connectTimeoutMs: timeoutMs, httpProxy });
  const secrets = openWebhookSecrets(path, silent);
  return {
    ...createReceiver({ url: new URL(server.url), secrets, timeoutMs, dispatcher, ...others }),
    rotate,
    [Symbol.asyncDispose]: async () => await dispatcher.destroy(),
  };
}

const webhook = webhookOf(deliveredEvent('khách 😀', 1));

describe.concurrent('a webhook', () => {
  it('is one POST that the reference library accepts, with type, timestamp and data', async () => {
    await using server = await startWebhookReceiver();
    await using receiver = receiverAt(server);
    expect(await receiver.post(webhook)).toMatchObject({ status: 204, failure: null, retryAfterMs: null });
    const event = deliveredEvent('khách 😀', 1);
    const { type: _, ...data } = event;
    expect(server.taken).toHaveLength(1);
    expect(server.taken[0]?.payload).toEqual({ type: 'message.delivered', timestamp: event.at, data });
    expect(server.taken[0]?.headers).toMatchObject({
      'webhook-id': '0-khách 😀-1.delivered.1'.replaceAll(/[^\w.-]/g, '_'),
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^kitechat-sender\//) as string,
    });
  });

  it('is verified before, during and after a rotation of the secret', async () => {
    await using server = await startWebhookReceiver();
    await using receiver = receiverAt(server);
    const [old, fresh] = [server.secret, newSecret()];
    await receiver.post(webhook);
    receiver.rotate(fresh, old);
    await eventually('it is signed twice', async () => {
      await receiver.post(webhook);
      return server.taken.at(-1)?.headers['webhook-signature']?.split(' ').length === 2;
    });
    server.secret = fresh;
    await receiver.post(webhook);
    receiver.rotate(fresh);
    await eventually('it is signed once', async () => {
      await receiver.post(webhook);
      return server.taken.at(-1)?.headers['webhook-signature']?.split(' ').length === 1;
    });
    expect(server.taken.every(({ status }) => status === 204)).toBe(true);
    receiver.rotate(old);
    await eventually('the old secret counts no more', async () => (await receiver.post(webhook)).status === 401);
  });

  it('that was tampered with is not accepted', async () => {
    await using server = await startWebhookReceiver();
    await using receiver = receiverAt(server);
    await receiver.post(webhook);
    const [{ body, headers } = { body: '', headers: {} as Record<string, string> }] = server.taken;
    const verify = (changed: string, more: Record<string, string> = {}) =>
      new Webhook(server.secret).verify(changed, { ...headers, ...more });
    expect(() => verify(body)).not.toThrow();
    expect(() => verify(body.replace('delivered', 'cancelled'))).toThrow('No matching signature found');
    expect(() => verify(body, { 'webhook-id': 'another' })).toThrow('No matching signature found');
    const later = String(Number(headers['webhook-timestamp']) + 1);
    expect(() => verify(body, { 'webhook-timestamp': later })).toThrow('No matching signature found');
  });

  it('has the time of its attempt, so that a captured one is soon too old', async () => {
    await using server = await startWebhookReceiver();
    await using receiver = receiverAt(server, { now: () => Date.now() - 301_000 });
    expect(await receiver.post(webhook)).toMatchObject({ status: 401 });
  });
});

describe.concurrent('an answer', () => {
  it('that redirects is not followed', async () => {
    await using server = await startWebhookReceiver();
    await using other = await startWebhookReceiver();
    await using receiver = receiverAt(server);
    server.answerTo = () => ({ status: 307, headers: { location: other.url } });
    expect(await receiver.post(webhook)).toMatchObject({ status: 307, failure: null });
    expect(other.taken).toEqual([]);
  });

  it('can ask to wait', async () => {
    await using server = await startWebhookReceiver();
    await using receiver = receiverAt(server);
    server.answerTo = () => ({ status: 429, headers: { 'retry-after': '7' } });
    expect(await receiver.post(webhook)).toMatchObject({ status: 429, retryAfterMs: 7000 });
  });

  it('that does not come is a time-out, and a receiver that is away a failed connection', async () => {
    await using server = await startWebhookReceiver();
    server.answerTo = () => 'none';
    await using receiver = receiverAt(server, { timeoutMs: 200 });
    expect(await receiver.post(webhook)).toMatchObject({ status: null, failure: 'TIMEOUT' });
    await server[Symbol.asyncDispose]();
    expect(await receiver.post(webhook)).toMatchObject({ status: null, failure: 'ECONNREFUSED' });
  });

  it('need not be waited for when the process ends', async () => {
    await using server = await startWebhookReceiver();
    server.answerTo = () => 'none';
    await using receiver = receiverAt(server);
    const end = new AbortController();
    const posted = receiver.post(webhook, end.signal);
    await eventually('it came', () => server.taken.length === 1);
    end.abort();
    expect(await posted).toMatchObject({ status: null });
  });

  it('may be sent through the proxy of the environment', async () => {
    await using server = await startWebhookReceiver();
    await using proxy = await startHttpProxy();
    await using receiver = receiverAt(server, { httpProxy: proxy.url });
    expect(await receiver.post(webhook)).toMatchObject({ status: 204 });
    expect(proxy.asked).toHaveLength(1);
  });
});

describe('events under random failures of a real receiver', () => {
  it('come in the order of their conversation, each verified', async () => {
    await using server = await startWebhookReceiver();
    await using receiver = receiverAt(server, { timeoutMs: 100 });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 5, maxLength: 20 }),
        fc.array(fc.constantFrom<(number | 'none')[]>(204, 204, 204, 500, 429, 'none'), { maxLength: 20 }),
        async (conversations, script) => {
          server.taken.length = 0;
          server.answerTo = () => script[server.taken.length] ?? 204;
          // A request of the run before may still be on its way.
          const run = (runs += 1);
          const events = conversations.map((conversation, n) => deliveredEvent(`${conversation}-${run}`, n));
          const source = sourceOf(events);
          const delivery = deliveryTo({ events: source, receiver, concurrency: 5, attempts: 100 });
          await delivery.run();
          expect(server.taken.every(({ payload }) => payload !== null)).toBe(true);
          for (const conversation of ['a', 'b', 'c']) {
            const ids = events.flatMap(({ conversationId, id }) =>
              conversationId === `${conversation}-${run}` ? id : [],
            );
            // On a busy machine an accepted request may be too late, and comes again.
            const accepted = new Set(server.accepted().map(({ id }) => id));
            expect([...accepted].filter((id) => ids.includes(id))).toEqual(ids);
          }
          expect(source.acked).toHaveLength(events.length);
        },
      ),
      { numRuns: 10 },
    );
  });
});
