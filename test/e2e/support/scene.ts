import { openDeadLetters } from '../../../src/dead-letters/index.ts';
import type { EnqueueItem, EnqueueOptions, Producer } from '../../../src/producer/index.ts';
import type { Fault } from '../../../src/testing/index.ts';
import { runProcess } from '../../support/command-line.ts';
import { eventually } from '../../support/eventually.ts';
import { type Desk, startDesk } from './desk.ts';
import { seedTraffic } from './seed-traffic.ts';

/** A quiet installation and one in trouble, side by side on one Redis, with the same data each time. */
export interface Scene extends AsyncDisposable {
  /** Nothing waits, nothing died. */
  quietUrl: string;
  /** Messages died, wait, are held, are being sent; of content nothing is shown. */
  troubleUrl: string;
  /** The same with their content. */
  contentUrl: string;
  /** Many messages died, and nothing else is amiss: for a replay. */
  replayUrl: string;
  /** The same as `troubleUrl`, behind a token. */
  tokenUrl: string;
  /** A message that waits in its conversation. */
  waitingId: string;
  /** A dead letter that the API refused, and one of which nobody knows whether it arrived. */
  rejectedId: string;
  unknownId: string;
}

const SCENE_TOKEN = 'a-token-that-nobody-can-guess';
const SCENE_TEXT = 'Your voucher for Sunday';
export const HELD_PAGE = 'bike-repair';
export const HELD_CONVERSATION = { page: 'garden-centre', conversation: 'marta' };

const TROUBLE = 'trouble';
const NAMES = ['anna', 'ben', 'chloe', 'david', 'emma'];
const REJECTED = 6;
/** To be replayed, in an installation of its own. */
const MANY = 40;
export const REPLAYED_PAGE = 'weekly-news';
const faults: Fault[] = [
  {
    kind: 'status',
    status: 400,
    body: { success: false, message: 'message.text: vouchers need an approved template' },
    match: { pageId: 'bakery', textIncludes: 'voucher' },
  },
  { kind: 'status', status: 400, match: { pageId: REPLAYED_PAGE }, times: MANY },
  { kind: 'status', status: 429, retryAfter: 840, match: { pageId: 'city-library' } },
  {
    kind: 'status',
    status: 500,
    body: { success: false, message: 'internal error' },
    match: { pageId: 'flower-shop' },
  },
  { kind: 'hang', match: { pageId: 'night-pharmacy' } },
  { kind: 'latency', ms: 20 },
];

export async function startScene(): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const desk = stack.use(await startDesk());
  const quiet = await desk.startWorker({ KITECHAT_NAMESPACE: 'quiet', KITECHAT_CONCURRENCY: '20' });
  await seedTraffic(desk.redis.url, 'quiet', false);
  await seedTraffic(desk.redis.url, TROUBLE, true);
  const { ids, worker } = await causeTrouble(desk);
  const env = { KITECHAT_NAMESPACE: TROUBLE };
  const content = await desk.startConsole({ ...env, KITECHAT_CONSOLE_SHOW_CONTENT: 'true' });
  const token = await desk.startConsole({ ...env, KITECHAT_CONSOLE_TOKEN: SCENE_TOKEN });
  const replayUrl = await causeDeaths(desk);
  const all = stack.move();
  return {
    quietUrl: quiet.url,
    troubleUrl: worker.url,
    contentUrl: content.url,
    tokenUrl: token.url,
    replayUrl,
    ...ids,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function causeTrouble(desk: Desk) {
  const env = { KITECHAT_NAMESPACE: TROUBLE };
  const producer = desk.producer(TROUBLE);
  desk.api.setFaults(faults);
  // Too old before any worker looks at them.
  await producer.enqueueMessages(texts('tea-house', 2, 'Your table is free', { ttlMs: 1 }));
  const worker = await desk.startWorker({
    ...env,
    KITECHAT_CONCURRENCY: '20',
    // What hangs stays in flight, and what waits for its next attempt waits.
    KITECHAT_TIMEOUT_MS: '600000',
    KITECHAT_BACKOFF_MS: '3600000',
    KITECHAT_BACKOFF_MAX_MS: '3600000',
  });
  const held = HELD_CONVERSATION;
  await runProcess(['hold', '--page', HELD_PAGE], { REDIS_URL: desk.redis.url, ...env });
  await runProcess(['hold', '--page', held.page, '--conversation', held.conversation], {
    REDIS_URL: desk.redis.url,
    ...env,
  });
  const ids = await enqueueTrouble(producer);
  await untilItStands(desk, producer, ids);
  return { ids, worker };
}

async function causeDeaths(desk: Desk): Promise<string> {
  const namespace = 'replay';
  const worker = await desk.startWorker({ KITECHAT_NAMESPACE: namespace, KITECHAT_REFUSALS_TO_HOLD: '0' });
  await desk.producer(namespace).enqueueMessages(texts(REPLAYED_PAGE, MANY, 'News'));
  await untilDead(desk, namespace, MANY);
  return worker.url;
}

async function untilDead(desk: Desk, namespace: string, count: number): Promise<void> {
  await using deadLetters = openDeadLetters({ redisUrl: desk.redis.url, namespace });
  await eventually('the messages have died', async () => (await deadLetters.count()) === count);
}

async function enqueueTrouble(producer: Producer) {
  const enqueueAll = async (items: EnqueueItem[]): Promise<string[]> =>
    (await producer.enqueueMessages(items)).map(({ id }) => id);
  await enqueueAll(texts('tea-house', 40, 'Your order is ready'));
  const rejected = await enqueueAll(texts('bakery', REJECTED, SCENE_TEXT, { label: 'sunday-vouchers' }));
  const unknown = await enqueueAll(
    texts('flower-shop', 2, 'Your flowers are on their way', { onUnknownOutcome: 'dead-letter' }),
  );
  const retrying = await enqueueAll([{ ...text('flower-shop', 'emma', 'Your invoice'), label: 'invoices' }]);
  await enqueueAll(texts('night-pharmacy', 3, 'Your medicine is here'));
  await enqueueAll(texts('city-library', 9, 'Your book is due'));
  const waiting = await enqueueAll(texts(HELD_PAGE, 23, 'Your bike is repaired'));
  const { page, conversation } = HELD_CONVERSATION;
  await enqueueAll([1, 2, 3, 4].map((n) => text(page, conversation, `Your seeds, parcel ${n}`)));
  await enqueueAll(texts('tea-house', 6, 'See you tomorrow', { delayMs: 8 * 3_600_000 }));
  const nth = (all: string[], n: number): string => all.at(n) ?? '';
  // The eighth of the held page stands behind two others in its conversation.
  return {
    rejectedId: nth(rejected, -1),
    unknownId: nth(unknown, 0),
    waitingId: nth(waiting, 12),
    retryingId: nth(retrying, 0),
  };
}

async function untilItStands(desk: Desk, producer: Producer, { retryingId }: { retryingId: string }): Promise<void> {
  await untilDead(desk, TROUBLE, REJECTED + 2 + 2);
  await eventually('one is tried again', async () => (await producer.getMessage(retryingId))?.status === 'retrying');
  await desk.api.waitForAccepted(40);
}

function texts(pageId: string, count: number, words: string, options: EnqueueOptions = {}): EnqueueItem[] {
  return Array.from({ length: count }, (_, index) => ({
    ...text(pageId, NAMES[index % NAMES.length] ?? '', `${words} ${index}`),
    ...options,
  }));
}

function text(pageId: string, conversationId: string, words: string): EnqueueItem {
  return { pageId, conversationId, message: { type: 'text', text: words } };
}
