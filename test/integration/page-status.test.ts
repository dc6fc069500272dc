import { completed } from '../support/settings.ts';
import { describe, expect, it } from 'vitest';
import { readConversations, readLane, readPlace } from '../../src/shared/reading/conversations.ts';
import { deadlineIn } from '../../src/shared/redis/deadline.ts';
import { BACKOFF, HELD, HIGH_BELOW, IN_FLIGHT } from '../../src/shared/lanes/lib/places.ts';
import { readPage, readPages } from '../../src/shared/reading/pages.ts';
import { createSession, type Session } from '../../src/shared/session/session.ts';
import { newKeysFile } from '../support/encryption-keys.ts';
import { type HeldInstallation, installWithHolds } from '../support/held-installation.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import type { InstallationOptions } from '../support/worker.ts';

const ODD_PAGE = '~ <b>"page" ü/..';
const LONG_CONVERSATION = 'c'.repeat(256);

const used = useRedis();

interface Site extends HeldInstallation {
  session: Session;
  settings: ReturnType<typeof completed>;
}

/** Without a worker, unless it is told otherwise: everything waits. */
async function site(options: InstallationOptions = {}): Promise<Site> {
  const installation = await installWithHolds(used, { startWorker: false, ...options });
  const settings = completed(installation.config);
  const session = createSession(settings);
  return {
    ...installation,
    session,
    settings,
    async [Symbol.asyncDispose]() {
      await session.close();
      await installation[Symbol.asyncDispose]();
    },
  };
}

describe.each([1, 3])('with %i shards', (shards) => {
  it('the busiest pages come first, with what waits on them', async () => {
    await using to = await site({ config: { shards } });
    const items = [
      ...Array.from({ length: 7 }, (_, n) => textMessage('c1', n, 'busy')),
      ...Array.from({ length: 3 }, (_, n) => textMessage(`c${n}`, n, ODD_PAGE)),
      textMessage('c1', 1, 'quiet'),
    ];
    await to.producer.enqueueMessages(items);
    const { pages, known, looked } = await readPages(to.session, to.settings, deadlineIn(5000));
    expect({ known, looked }).toEqual({ known: 3, looked: 3 });
    expect(pages).toEqual([
      { pageId: 'busy', messages: 7, isCut: false, conversations: 1, sending: 0, failing: 0, holds: [] },
      { pageId: ODD_PAGE, messages: 3, isCut: false, conversations: 3, sending: 0, failing: 0, holds: [] },
      { pageId: 'quiet', messages: 1, isCut: false, conversations: 1, sending: 0, failing: 0, holds: [] },
    ]);
  });
});

it('a held page comes first, also one without work, and says why', async () => {
  await using to = await site();
  await to.producer.enqueueMessages([textMessage('c1', 1, 'busy'), textMessage('c2', 1, 'busy')]);
  await to.hold({ page: ODD_PAGE });
  await to.hold({ page: 'busy', conversation: 'c2' });
  const { pages } = await readPages(to.session, to.settings, deadlineIn(5000));
  expect(new Set(pages.map(({ pageId }) => pageId))).toEqual(new Set(['busy', ODD_PAGE]));
  expect(pages.find(({ pageId }) => pageId === ODD_PAGE)?.holds).toEqual([
    { scope: 'page', page: ODD_PAGE, reason: 'operator' },
  ]);
  const busy = await readPage(to.session, to.settings, 'busy', deadlineIn(5000));
  expect(busy).toMatchObject({ messages: 2, holds: [{ scope: 'conversation', conversation: 'c2' }] });
});

it.each([1, 3])('a page that the fleet holds is there once, with its hold, with %i shards', async (shards) => {
  const { path: apiKeysFile } = newKeysFile('{"p1":"key"}');
  await using to = await site({ startWorker: true, config: { shards, apiKey: undefined, apiKeysFile } });
  const pageIds = ['p2', 'p3', 'p4'];
  for (const pageId of pageIds) await to.until(await to.enqueue(textMessage('c1', 1, pageId)), 'held');
  const { pages, known } = await readPages(to.session, to.settings, deadlineIn(5000));
  expect(pages).toHaveLength(pageIds.length);
  expect(new Set(pages.map(({ pageId }) => pageId))).toEqual(new Set(pageIds));
  expect(known).toBe(pageIds.length);
  for (const { pageId, messages, holds } of pages) {
    expect(messages).toBe(1);
    expect(holds).toMatchObject([{ scope: 'page', page: pageId, reason: 'unauthorized' }]);
  }
});

it('tells what is sent now, and what waits for another attempt', async () => {
  await using to = await site({
    startWorker: true,
    config: { backoffMs: 60_000, backoffMaxMs: 60_000 },
    api: {
      faults: [
        { kind: 'hang', match: { conversationId: 'c1' } },
        { kind: 'status', status: 500 },
      ],
    },
  });
  await to.enqueue(textMessage('c1', 1));
  const failing = await to.enqueue(textMessage('c2', 1));
  await to.enqueue(textMessage('c2', 2));
  await to.until(failing, 'retrying');
  const page = await readPage(to.session, to.settings, 'p1', deadlineIn(5000));
  expect(page).toMatchObject({ messages: 3, conversations: 2, sending: 1, failing: 1 });
  const conversations = await readConversations({ ...asked(to), pageId: 'p1' }, deadlineIn(5000));
  expect(conversations).toMatchObject([
    { conversationId: 'c1', messages: 1, first: { status: 'sending' } },
    { conversationId: 'c2', messages: 2, first: { id: failing, status: 'retrying', attemptsUsed: 1 } },
  ]);
});

it('the conversations of a page come in the order in which they go on', async () => {
  await using to = await site();
  const heads = `{${to.config.namespace ?? ''}:0}:heads:p1`;
  const scores = { high: 1 + 2 * HIGH_BELOW, first: 1, second: 2, sent: IN_FLIGHT, failing: BACKOFF, held: HELD };
  await to.producer.enqueueMessages(Object.keys(scores).map((conversation) => textMessage(conversation, 1)));
  await used.redis.zadd(
    heads,
    ...Object.entries(scores).flatMap(([conversation, score]) => [score, `p1/${conversation}`]),
  );
  const conversations = await readConversations({ ...asked(to), pageId: 'p1' }, deadlineIn(5000));
  const order = ['sent', 'failing', 'held', 'high', 'first', 'second'];
  expect(conversations.map(({ conversationId }) => conversationId)).toEqual(order);
  const page = await readPage(to.session, to.settings, 'p1', deadlineIn(5000));
  expect(page).toMatchObject({ messages: 6, conversations: 6, sending: 0, failing: 1 });
});

it('a page that nobody has heard of has nothing', async () => {
  await using to = await site();
  const page = await readPage(to.session, to.settings, ODD_PAGE, deadlineIn(5000));
  expect(page).toEqual({
    pageId: ODD_PAGE,
    messages: 0,
    isCut: false,
    conversations: 0,
    sending: 0,
    failing: 0,
    holds: [],
  });
  expect(await readConversations({ ...asked(to), pageId: ODD_PAGE }, deadlineIn(5000))).toEqual([]);
});

it('a conversation shows its messages in their order, with the hold that keeps them', async () => {
  await using to = await site();
  const ids: string[] = [];
  for (let n = 1; n <= 3; n += 1) ids.push(await to.enqueue(textMessage(LONG_CONVERSATION, n, ODD_PAGE)));
  const conversation = { ...asked(to), pageId: ODD_PAGE, conversationId: LONG_CONVERSATION };
  const before = await readLane(conversation, deadlineIn(5000));
  expect(before).toMatchObject({ length: 3, holds: [] });
  expect(before.messages.map(({ id, status }) => [id, status])).toEqual(ids.map((id) => [id, 'queued']));
  await to.hold({ page: ODD_PAGE, conversation: LONG_CONVERSATION });
  const held = await readLane(conversation, deadlineIn(5000));
  expect(held.holds).toMatchObject([{ scope: 'conversation', reason: 'operator' }]);
  expect(held.messages.map(({ status }) => status)).toEqual(['held', 'held', 'held']);
  expect(await readPlace({ ...conversation, id: ids[2] ?? '' }, deadlineIn(5000))).toBe(3);
  expect(await readPlace({ ...conversation, id: 'none' }, deadlineIn(5000))).toBeNull();
  const [listed] = await readConversations({ ...asked(to), pageId: ODD_PAGE }, deadlineIn(5000));
  expect(listed).toMatchObject({ conversationId: LONG_CONVERSATION, messages: 3, first: { id: ids[0] } });
});

describe('whatever the backlog', () => {
  it('looks at a thousand lanes of a page, and says when there are more', async () => {
    await using to = await site();
    const items = Array.from({ length: 1500 }, (_, n) => textMessage(`c${n}`, 1));
    await to.producer.enqueueMessages(items);
    const page = await readPage(to.session, to.settings, 'p1', deadlineIn(5000));
    expect(page).toMatchObject({ messages: 1000, isCut: true, conversations: 1500 });
    expect(await readConversations({ ...asked(to), pageId: 'p1' }, deadlineIn(5000))).toHaveLength(100);
  });

  it('shows a hundred messages of a long conversation, and its whole length', async () => {
    await using to = await site();
    await to.producer.enqueueMessages(Array.from({ length: 300 }, (_, n) => textMessage('c1', n)));
    const lane = await readLane({ ...asked(to), pageId: 'p1', conversationId: 'c1' }, deadlineIn(5000));
    expect([lane.length, lane.messages.length]).toEqual([300, 100]);
  });

  it('the number of commands does not grow with the pages once there are many', async () => {
    await using to = await site();
    const root = `{${to.config.namespace ?? ''}:0}:`;
    const commandsFor = async (pages: number): Promise<number> => {
      const pipeline = used.redis.pipeline();
      for (let n = 0; n < pages; n += 1) {
        pipeline.sadd(`${root}pages`, `p${n}`);
        pipeline.zadd(
          `${root}heads:p${n}`,
          ...Array.from({ length: 80 }, (_, lane) => [lane, `p${n}/c${lane}`]).flat(),
        );
      }
      await pipeline.exec();
      await used.redis.config('RESETSTAT');
      const { pages: shown, known } = await readPages(to.session, to.settings, deadlineIn(5000));
      expect([shown.length, known]).toEqual([100, pages]);
      const stats = await used.redis.info('commandstats');
      return [...stats.matchAll(/calls=(\d+)/g)].reduce((total, [, calls]) => total + Number(calls), 0);
    };
    const few = await commandsFor(2000);
    const many = await commandsFor(6000);
    expect(many).toBeLessThan(1.5 * few);
    expect(many).toBeLessThan(20_000);
  });
});

function asked({ session, settings }: Site): { session: Session; config: Site['settings'] } {
  return { session, config: settings };
}
