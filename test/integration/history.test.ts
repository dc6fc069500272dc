import { describe, expect, it } from 'vitest';
import { LedgerUnavailableError, type MessageRecord } from '../../src/producer/index.ts';
import type { Ledger } from '../../src/shared/ledger/ledger.ts';
import { deadlineIn } from '../../src/shared/redis/deadline.ts';
import { type HistoryDeps, type HistoryQuestion, readHistory } from '../../src/shared/reading/history.ts';
import { createSession } from '../../src/shared/session/session.ts';
import { historyOn, listed } from '../support/history.ts';
import { encryptionKeys, newKeysFile } from '../support/encryption-keys.ts';
import { unknownId } from '../support/messages.ts';
import { said, tellStory } from '../support/told-story.ts';
import { ledgerWith, settledEvent } from '../support/settled-events.ts';
import { completed } from '../support/settings.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

const used = useRedis();
const c1 = { pageId: 'p1', conversationId: 'c1' };
const HOUR_MS = 3_600_000;

describe('history', () => {
  it('yields every message of a conversation, whatever became of it, the newest first, with its request', async () => {
    await using to = await install(used.server);
    const ids = await tellStory(to);
    const records = await listed(to.producer.history(c1));
    expect(records.map(({ id, status }) => [id, status])).toEqual([
      [ids['last'], 'queued'],
      [ids['slowly'], 'held'],
      [ids['tomorrow'], 'scheduled'],
      [ids['called off'], 'cancelled'],
      [ids['again'], 'delivered'],
      [ids['refused'], 'dead'],
      [ids['first'], 'delivered'],
    ]);
    expect(records.map(({ request }) => request)).toEqual(Object.keys(ids).toReversed().map(said));
    const [, , tomorrow, calledOff, again, refused] = records;
    expect(again).toMatchObject({ proof: 'api', provedBy: null, answer: null, attemptsUsed: 1 });
    expect(again?.attempts.map(({ outcome }) => outcome)).toEqual(['unknown', 'delivered']);
    expect(Date.parse(again?.endedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(again?.enqueuedAt ?? ''));
    expect(calledOff).toMatchObject({ proof: null, endedAt: expect.any(String) as string });
    expect(tomorrow).toMatchObject({ endedAt: null, nextAttemptAt: expect.any(String) as string });
    expect(refused).toMatchObject({ reason: 'rejected', proof: null, replayedAs: null });
    for (const { request: _, ...record } of records.filter(({ status }) => status !== 'dead')) {
      expect(await to.producer.getMessage(record.id)).toEqual(record);
    }
  });

  it('is the same page by page, whatever the size of the pages, also if the last message of a page is gone', async () => {
    await using to = await install(used.server);
    await tellStory(to);
    const whole = (await listed(to.producer.history(c1))).map(({ id }) => id);
    for (let limit = 1; limit <= whole.length; limit += 1) {
      const paged: MessageRecord[] = [];
      for (;;) {
        const page = await listed(to.producer.history({ ...c1, before: paged.at(-1), limit }));
        paged.push(...page);
        if (page.length < limit) break;
      }
      expect(paged.map(({ id }) => id)).toEqual(whole);
    }
    const [end] = await listed(to.producer.history({ ...c1, before: new Date(Date.now() + HOUR_MS), limit: 6 })).then(
      (page) => page.slice(-1),
    );
    await to.deadLetters.discard({ ids: [end?.id ?? ''] });
    const rest = await listed(to.producer.history({ ...c1, before: end }));
    expect(rest.map(({ id }) => id)).toEqual(whole.slice(-1));
    expect(await listed(to.producer.history({ ...c1, before: rest[0]?.enqueuedAt }))).toEqual([]);
  });

  it('tells that a message replays a dead letter', async () => {
    await using to = await install(used.server, { api: { faults: [{ kind: 'status', status: 400, times: 1 }] } });
    const dead = await to.enqueue(said('hello'));
    await to.until(dead, 'dead');
    const { ids } = await to.deadLetters.replay({ ids: [dead] }).then(async () => ({
      ids: (await listed(to.producer.history(c1))).map((one) => ('replayOf' in one ? one.replayOf : null)),
    }));
    expect(ids).toEqual([dead]);
  });

  it('decrypts the requests with the keys, and yields null for them without', async () => {
    const keys = newKeysFile(encryptionKeys('k1'));
    await using to = await install(used.server, {
      startWorker: false,
      config: { encryptionKeysFile: keys.path },
    });
    await to.enqueue(said('secret'));
    expect((await listed(to.producer.history(c1))).map(({ request }) => request)).toEqual([said('secret')]);
    const session = createSession(completed(to.config));
    const deps = historyOn(to.config, session, null);
    expect((await listed(readHistory(deps, { ...c1, limit: 9 }))).map(({ request }) => request)).toEqual([null]);
    await session.close();
  });

  it.each([
    { ...c1, limit: 0 },
    { ...c1, limit: 1.5 },
    { ...c1, before: 'yesterday' },
    { ...c1, before: { id: unknownId, enqueuedAt: 'then' } },
    { ...c1, before: new Date(NaN) },
    { ...c1, pageId: '' },
    { ...c1, page: 'p1' },
  ])('refuses options that make no sense: %j', async (options) => {
    await using to = await install(used.server, { startWorker: false });
    expect(() => to.producer.history(options)).toThrow(TypeError);
  });
});

describe('history with a ledger', () => {
  const id = (n: number): string => unknownId.slice(0, -1) + String(n);
  const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 10, minute)).toISOString();

  async function read(
    to: Installation,
    ledger: Pick<Ledger, 'read'>,
    more: Partial<HistoryDeps & HistoryQuestion> = {},
  ): Promise<MessageRecord[]> {
    const session = createSession(completed(to.config));
    try {
      const deps = historyOn(to.config, session, ledger);
      return await listed(readHistory({ ...deps, ...more }, { ...c1, limit: 100, ...more }));
    } finally {
      await session.close();
    }
  }

  it('adds what Redis has forgotten; a message in both is told as Redis knows it', async () => {
    await using to = await install(used.server);
    const stored = await to.enqueue(said('hello'));
    const known = await to.until(stored, 'delivered');
    const ledger = ledgerWith([
      settledEvent({ type: 'cancelled', messageId: stored, at: known.endedAt ?? '', enqueuedAt: known.enqueuedAt }),
      settledEvent({
        type: 'resolved',
        messageId: id(4),
        at: at(40),
        enqueuedAt: at(4),
        reason: 'unknown-outcome',
        outcome: 'delivered',
        proof: 'operator',
        by: 'anna',
      }),
      settledEvent({
        type: 'resolved',
        messageId: id(3),
        at: at(39),
        enqueuedAt: at(3),
        reason: 'unknown-outcome',
        outcome: 'not-delivered',
        proof: 'operator',
        by: 'ben',
      }),
      settledEvent({
        type: 'replayed',
        messageId: id(2),
        at: at(38),
        enqueuedAt: at(2),
        reason: 'rejected',
        replayedAs: id(9),
      }),
      settledEvent({ type: 'superseded', messageId: id(5), at: at(22), enqueuedAt: at(5) }),
      settledEvent({ type: 'dead', messageId: id(4), at: at(21), enqueuedAt: at(4), reason: 'unknown-outcome' }),
      settledEvent({ type: 'dead', messageId: id(3), at: at(20), enqueuedAt: at(3), reason: 'unknown-outcome' }),
      settledEvent({ type: 'dead', messageId: id(2), at: at(19), enqueuedAt: at(2), reason: 'rejected' }),
      settledEvent({
        type: 'delivered',
        messageId: id(1),
        at: at(18),
        enqueuedAt: at(1),
        answer: { messageId: 'a-17' },
        request: said('hi'),
      }),
    ]);
    const records = await read(to, ledger);
    expect(records[0]).toEqual({ ...known, request: said('hello') });
    expect(records.slice(1)).toMatchObject([
      { id: id(5), status: 'superseded', endedAt: at(22), proof: null },
      { id: id(4), status: 'delivered', endedAt: at(40), proof: 'operator', provedBy: 'anna' },
      { id: id(3), status: 'dead', deadAt: at(20), proof: 'operator', provedBy: 'ben', reason: 'unknown-outcome' },
      { id: id(2), status: 'dead', expiresAt: null, replayedAs: id(9), proof: null },
      { id: id(1), status: 'delivered', proof: 'api', answer: { messageId: 'a-17' }, request: said('hi') },
    ]);
    expect(records).toHaveLength(6);
    expect(await read(to, ledger, { before: records[2], limit: 2 })).toEqual(records.slice(3, 5));
  });

  it('tells as the ledger does what Redis forgets while it is read', async () => {
    await using to = await install(used.server);
    const stored = await to.enqueue(said('hello'));
    const known = await to.until(stored, 'delivered');
    const ledger = ledgerWith([
      settledEvent({ type: 'delivered', messageId: stored, at: known.endedAt ?? '', enqueuedAt: known.enqueuedAt }),
    ]);
    const job = `{${to.config.namespace}:0}:send:${stored}`;
    const forgetful: Pick<Ledger, 'read'> = {
      async read(question) {
        await used.redis.del(job);
        return await ledger.read(question);
      },
    };
    expect(await read(to, forgetful)).toMatchObject([{ id: stored, status: 'delivered', request: null }]);
  });

  it('fails if the ledger fails or is silent; who asks for a part gets what Redis knows', async () => {
    await using to = await install(used.server);
    const stored = await to.enqueue(said('hello'));
    const failing: Pick<Ledger, 'read'> = { read: async () => await Promise.reject(new Error('connect ECONNREFUSED')) };
    const silent: Pick<Ledger, 'read'> = {
      read: async () => await new Promise<never>(() => {}),
    };
    const soon = { newLedgerDeadline: () => deadlineIn(20) };
    for (const ledger of [failing, silent]) {
      await expect(read(to, ledger, soon)).rejects.toThrow(LedgerUnavailableError);
      const failures: unknown[] = [];
      const partial = {
        mostLookedAt: 1000,
        onCut: () => {},
        onLedgerFailure: (error: unknown) => void failures.push(error),
      };
      const records = await read(to, ledger, { ...soon, partial });
      expect([records.map((one) => one.id), failures]).toEqual([[stored], [expect.any(LedgerUnavailableError)]]);
    }
  });
});
