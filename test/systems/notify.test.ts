import { describe, expect, it } from 'vitest';
import { connectPatiently } from '../../src/shared/session/connect.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { runCommand } from '../support/run-command.ts';
import { type NotifyProcess, type NotifyProcessOptions, startNotify } from '../support/notify/notify-process.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/notify/webhook-receiver.ts';
import { useFolder } from '../support/use-folder.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

const used = useRedis();
const folder = useFolder();
const CONVERSATIONS = 5;

interface Site extends AsyncDisposable {
  installation: Installation;
  receiver: WebhookReceiver;
  notify(more?: Pick<NotifyProcessOptions, 'args' | 'env'>): Promise<NotifyProcess>;
}

async function openSite(server: Pick<RedisServer, 'url'> = used.server): Promise<Site> {
  await using stack = new AsyncDisposableStack();
  const installation = stack.use(await install(server));
  const redis = stack.adopt(connectPatiently({ redisUrl: server.url }), (one) => one.disconnect());
  const receiver = stack.use(await startWebhookReceiver());
  const owned = stack.move();
  return {
    installation,
    receiver,
    notify: async (more = {}) => await startNotify({ installation, receiver, folder, redis, ...more }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Enqueues messages round robin over the conversations. @returns the ids of each conversation's messages */
async function enqueueMany({ enqueue }: Installation, count: number): Promise<string[][]> {
  const ids = Array.from({ length: CONVERSATIONS }, (): string[] => []);
  for (let n = 0; n < count; n += 1) {
    const conversation = n % CONVERSATIONS;
    ids[conversation]?.push(await enqueue(textMessage(`c${conversation}`, n)));
  }
  return ids;
}

/** The messages whose webhooks were accepted, without repetitions. */
function acceptedMessages(receiver: WebhookReceiver): string[] {
  const webhooks = new Map(receiver.accepted().map(({ id, payload }) => [id, payload?.data['messageId'] as string]));
  return [...webhooks.values()];
}

async function expectInOrder(receiver: WebhookReceiver, conversations: readonly string[][]): Promise<void> {
  await eventually('all were accepted', () => acceptedMessages(receiver).length === conversations.flat().length);
  const accepted = acceptedMessages(receiver);
  for (const ids of conversations) expect(accepted.filter((id) => ids.includes(id))).toEqual(ids);
}

describe.concurrent('kitechat-sender notify', () => {
  it('that is killed again and again loses no event, and keeps the order of each conversation', async () => {
    await using site = await openSite();
    const { installation, receiver } = site;
    let notify = await site.notify();
    const enqueued = enqueueMany(installation, 60);
    for (const enough of [5, 25]) {
      await eventually(`${enough} were accepted`, () => receiver.accepted().length >= enough);
      // The next request stays open: its event must come again.
      receiver.answerTo = () => 'none';
      const { length } = receiver.taken;
      await eventually('a request is open', () => receiver.taken.length > length);
      notify.kill('SIGKILL');
      await notify.ended();
      receiver.answerTo = () => 204;
      notify = await site.notify();
    }
    await expectInOrder(receiver, await enqueued);
    expect(receiver.taken.every(({ payload }) => payload !== null)).toBe(true);
    notify.kill('SIGTERM');
    expect(await notify.ended()).toBe(0);

    // What was acknowledged at the end does not come again.
    const before = receiver.taken.length;
    await using _another = await site.notify();
    const id = await installation.enqueue(textMessage('c0', 100));
    await eventually('the next event came', () => acceptedMessages(receiver).includes(id));
    expect(receiver.taken).toHaveLength(before + 1);
  });

  it('waits for a receiver that is down, without losing or reordering an event', async () => {
    await using site = await openSite();
    const { installation, receiver } = site;
    receiver.answerTo = () => 503;
    await using notify = await site.notify({ args: ['--attempts', '1'] });
    const conversations = await enqueueMany(installation, 20);
    await notify.lineWhere('stdout', (line) => line.includes('the receiver does not accept events'));
    receiver.answerTo = () => 204;
    await expectInOrder(receiver, conversations);
    const lines = notify.lines();
    expect(lines.filter(({ next }) => next === 'dead')).toEqual([]);
    expect(lines.some(({ msg }) => String(msg).startsWith('the receiver answers again'))).toBe(true);
  });

  it('goes on after an outage of Redis', async () => {
    await using server = await startTestRedis({ appendOnly: true });
    await using site = await openSite(server);
    const { installation, receiver } = site;
    await using notify = await site.notify();
    const first = await enqueueMany(installation, 10);
    await eventually('some were accepted', () => receiver.accepted().length >= 5);
    await server.kill('SIGKILL');
    await notify.lineWhere('stdout', (line) => line.includes('no events can be read'));
    await server.restart();
    await expectInOrder(receiver, first);
    const id = await installation.enqueue(textMessage('c0', 100));
    await eventually('the next event came', () => acceptedMessages(receiver).includes(id));
    expect(receiver.taken.every(({ payload }) => payload !== null)).toBe(true);
  });

  it('makes an event that is refused a dead letter, which can be sent again', async () => {
    await using site = await openSite();
    const { installation, receiver } = site;
    let isFixed = false;
    receiver.answerTo = ({ payload }) => (payload?.data['conversationId'] === 'bad' && !isFixed ? 422 : 204);
    await using notify = await site.notify({ args: ['--attempts', '2'] });
    const [bad, good] = [
      await installation.enqueue(textMessage('bad', 1)),
      await installation.enqueue(textMessage('good', 2)),
    ];
    await notify.lineWhere('stdout', (line) => line.includes('"next":"dead"'));
    isFixed = true;
    const next = await installation.enqueue(textMessage('bad', 3));
    await eventually('both conversations go on', () => {
      const accepted = acceptedMessages(receiver);
      return accepted.includes(good) && accepted.includes(next);
    });
    expect(acceptedMessages(receiver)).not.toContain(bad);
    const { redisUrl = '', namespace = '' } = installation.config;
    const env = { REDIS_URL: redisUrl, KITECHAT_NAMESPACE: namespace };
    expect(await runCommand(['webhooks', 'replay', '--all', ...notify.toReceiver], env)).toMatchObject({ exitCode: 0 });
    expect(acceptedMessages(receiver)).toContain(bad);
  });

  it('ends when the receiver is gone: exit 1', async () => {
    await using site = await openSite();
    site.receiver.answerTo = () => 410;
    await using notify = await site.notify();
    await site.installation.enqueue(textMessage('c1', 1));
    expect(await notify.ended()).toBe(1);
    expect(notify.stderr.join('\n')).toMatch(/the receiver at http:\/\/127\.0\.0\.1:\d+ answered 410/);
  });

  it('lets an open request end when it is stopped: exit 0', async () => {
    await using site = await openSite();
    const { installation, receiver } = site;
    receiver.answerTo = () => 'none';
    await using notify = await site.notify({ env: { KITECHAT_SHUTDOWN_MS: '3000' } });
    await installation.enqueue(textMessage('c1', 1));
    await eventually('a request is open', () => receiver.taken.length === 1);
    const before = performance.now();
    notify.kill('SIGTERM');
    expect(await notify.ended()).toBe(0);
    // The receiver never answers, so the process waits for as long as it may.
    const tookMs = performance.now() - before;
    expect(tookMs).toBeGreaterThan(1500);
    expect(tookMs).toBeLessThan(10_000);
  });

  it('never logs content, the secret or the query of the URL', async () => {
    await using site = await openSite();
    const { installation, receiver } = site;
    receiver.answerTo = () => (receiver.taken.length === 1 ? 500 : 204);
    await using notify = await site.notify({ args: ['--content'], env: { LOG_LEVEL: 'trace' } });
    const message = { type: 'text', text: 'CANARY-text' } as const;
    await installation.enqueue({ pageId: 'p1', conversationId: 'c1', message });
    await eventually('it was accepted', () => receiver.accepted().length === 1);
    expect(receiver.accepted()[0]?.payload?.data['request']).toEqual({ pageId: 'p1', conversationId: 'c1', message });
    notify.kill('SIGTERM');
    expect(await notify.ended()).toBe(0);
    const output = [...notify.stdout, ...notify.stderr].join('\n');
    expect(output).not.toContain('CANARY');
    expect(output).not.toContain(receiver.secret.slice('whsec_'.length));
    expect(notify.lines().filter(({ eventId }) => eventId !== undefined)).toMatchObject([
      { result: 'failed', status: 500, attempt: 1, next: 'again' },
      { result: 'accepted', status: 204, attempt: 2, next: 'done' },
    ]);
  });
});
