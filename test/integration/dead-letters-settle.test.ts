import { describe, expect, it } from 'vitest';
import type { KitechatWorker } from '../../src/worker/index.ts';
import type { DeadReason } from '../../src/shared/model/dead-letter.ts';
import { encryptionKeys, newKeysFile } from '../support/encryption-keys.ts';
import { eventually } from '../support/eventually.ts';
import { keysOf } from '../support/keys-of.ts';
import { textMessage, unknownId } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { type HeldInstallation, installWithHolds } from '../support/held-installation.ts';
import type { InstallationOptions } from '../support/worker.ts';
import { type LetterToWrite, writeLetters } from '../support/written-letters.ts';

const used = useRedis();

const doubtful = { pageId: 'p1', conversationId: 'c1', reason: 'unknown-outcome' } as const;

/** Letters that were written without dead messages. */
async function withLetters(...letters: LetterToWrite[]): Promise<HeldInstallation & { ids: string[]; id: string }> {
  const site = await installWithHolds(used.server, { startWorker: false });
  const ids = await writeLetters(used.redis, site.config.namespace ?? '', letters);
  return { ...site, ids, id: ids[0] ?? '' };
}

/** A message whose request gets no answer, and is not sent twice. */
async function withUnknown(
  given: InstallationOptions = {},
): Promise<HeldInstallation & { id: string; worker: KitechatWorker }> {
  const { config, ...others } = given;
  const site = await installWithHolds(used.server, {
    ...others,
    config: { onUnknownOutcome: 'dead-letter', ...config },
    api: { faults: [{ kind: 'reset', when: 'before', times: 1 }] },
    startWorker: false,
  });
  const worker = site.startWorker();
  const id = await site.enqueue({ ...textMessage('c1', 1), label: 'campaign' });
  await site.until(id, 'dead');
  return { ...site, id, worker };
}

describe('a dead letter that is settled as delivered', () => {
  it('becomes a delivered message with the proof of an operator, and all that was known of it', async () => {
    await using site = await withUnknown();
    const before = await site.deadLetters.get(site.id);
    const result = await site.deadLetters.settle({ id: site.id, outcome: 'delivered', by: 'anna' });
    expect(result).toEqual({ matched: 1, done: 1, skipped: [] });
    expect(await site.deadLetters.get(site.id)).toBeNull();
    expect(await site.deadLetters.counts()).toMatchObject({ total: 0, byPage: [] });
    expect(await site.producer.getMessage(site.id)).toEqual({
      id: site.id,
      pageId: 'p1',
      conversationId: 'c1',
      status: 'delivered',
      enqueuedAt: before?.enqueuedAt,
      attemptsUsed: before?.attemptsUsed,
      attemptsAllowed: before?.attemptsAllowed,
      attempts: before?.attempts,
      nextAttemptAt: null,
      label: 'campaign',
      proof: 'operator',
      provedBy: 'anna',
      endedAt: expect.any(String) as string,
      answer: null,
      replayOf: null,
    });
    expect(before?.attempts).toMatchObject([{ outcome: 'unknown' }]);
  });

  it('is kept as long as other delivered messages, and by a name only if one was given', async () => {
    await using site = await withLetters(doubtful);
    await site.deadLetters.settle({ id: site.id, outcome: 'delivered' });
    expect(await site.producer.getMessage(site.id)).toMatchObject({ proof: 'operator', provedBy: null });
    site.startWorker({ keepDoneMs: 1000 });
    await eventually('it is forgotten', async () => (await site.producer.getMessage(site.id)) === null);
  });

  it('is not counted as a delivery by the API', async () => {
    await using site = await withUnknown();
    await site.deadLetters.settle({ id: site.id, outcome: 'delivered', by: 'anna' });
    const delivered = await site.enqueue(textMessage('c2', 1));
    await site.until(delivered, 'delivered');
    expect(await site.producer.getMessage(delivered)).toMatchObject({ proof: 'api', provedBy: null });
    // A worker that is closed writes what it has counted.
    await site.worker.close();
    const buckets = await keysOf(used.redis, `{${site.config.namespace}:fleet}:traffic:*`);
    const counted = await Promise.all(buckets.map((key) => used.redis.hgetall(key)));
    const sum = (kind: string): number => counted.reduce((total, fields) => total + Number(fields[kind] ?? 0), 0);
    expect({ delivered: sum('delivered'), unknown: sum('unknown') }).toEqual({ delivered: 1, unknown: 1 });
  });

  it('lets the conversation that is held for it go on, but not one that an operator holds', async () => {
    await using site = await withUnknown({ config: { onDeadLetter: 'hold' } });
    const next = await site.enqueue(textMessage('c1', 2));
    await site.until(next, 'held');
    await site.deadLetters.settle({ id: site.id, outcome: 'delivered' });
    await site.until(next, 'delivered');

    await site.hold({ page: 'p1', conversation: 'c1' });
    const [other = ''] = await writeLetters(used.redis, site.config.namespace ?? '', [doubtful]);
    const later = await site.enqueue(textMessage('c1', 3));
    await site.until(later, 'held');
    await site.deadLetters.settle({ id: other, outcome: 'delivered' });
    const { holds } = await site.status();
    expect(holds.filter(({ scope }) => scope === 'conversation')).toMatchObject([{ reason: 'operator' }]);
  });

  it('is found by a late answer of its worker, which changes nothing but the history', async () => {
    await using site = await withUnknown();
    const job = `{${site.config.namespace}:0}:send:${site.id}`;
    const attempt = await used.redis.hget(`{${site.config.namespace}:0}:dead:${site.id}`, 'attempt');
    await site.deadLetters.settle({ id: site.id, outcome: 'delivered' });
    expect(await used.redis.hmget(job, 'place', 'why', 'attempt')).toEqual(['ended', 'delivered', attempt]);
  });
});

describe('a dead letter that is settled as not delivered', () => {
  it('stays, says who found it out and when, and is sent again without force', async () => {
    await using site = await withUnknown();
    expect(await site.deadLetters.replay({ ids: [site.id] })).toMatchObject({ done: 0 });
    const { deadAt } = (await site.deadLetters.get(site.id)) ?? { deadAt: '' };
    const result = await site.deadLetters.settle({ id: site.id, outcome: 'not-delivered', by: 'anna' });
    expect(result).toEqual({ matched: 1, done: 1, skipped: [] });
    const resolution = {
      outcome: 'not-delivered',
      proof: 'operator',
      by: 'anna',
      at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    };
    expect(await site.deadLetters.get(site.id)).toMatchObject({ deadAt, reason: 'unknown-outcome', resolution });
    expect(await site.deadLetters.list()).toMatchObject([{ id: site.id, resolution, message: { text: 'message 1' } }]);
    for await (const entry of site.deadLetters.export()) expect(entry).toMatchObject({ resolution });
    expect(await site.deadLetters.replay({ ids: [site.id] })).toMatchObject({ matched: 1, done: 1 });
    await site.api.waitForAccepted(1);
  });

  it('can still be settled as delivered, when the operator was wrong', async () => {
    await using site = await withLetters(doubtful);
    await site.deadLetters.settle({ id: site.id, outcome: 'not-delivered' });
    expect(await site.deadLetters.settle({ id: site.id, outcome: 'delivered' })).toMatchObject({ done: 1 });
    expect(await site.producer.getMessage(site.id)).toMatchObject({ status: 'delivered', proof: 'operator' });
  });

  it('keeps the hold of its conversation', async () => {
    await using site = await withUnknown({ config: { onDeadLetter: 'hold' } });
    await site.deadLetters.settle({ id: site.id, outcome: 'not-delivered' });
    const { holds } = await site.status();
    expect(holds.filter(({ scope }) => scope === 'conversation')).toMatchObject([{ reason: 'dead-letter' }]);
  });
});

describe('settling', () => {
  const outcomes = ['delivered', 'not-delivered'] as const;

  it.each(outcomes)('as %s a second time changes nothing', async (outcome) => {
    await using site = await withLetters(doubtful);
    await site.deadLetters.settle({ id: site.id, outcome, by: 'anna' });
    const before = await site.producer.getMessage(site.id);
    expect(await site.deadLetters.settle({ id: site.id, outcome, by: 'bert' })).toMatchObject({
      done: 0,
      skipped: [{ id: site.id, why: 'settled already' }],
    });
    expect(await site.producer.getMessage(site.id)).toEqual(before);
  });

  it('as not delivered comes too late once it is settled as delivered', async () => {
    await using site = await withLetters(doubtful);
    await site.deadLetters.settle({ id: site.id, outcome: 'delivered' });
    expect(await site.deadLetters.settle({ id: site.id, outcome: 'not-delivered' })).toEqual({
      matched: 0,
      done: 0,
      skipped: [{ id: site.id, why: 'settled already' }],
    });
    expect(await site.producer.getMessage(site.id)).toMatchObject({ status: 'delivered' });
  });

  const reasons: [DeadReason, LetterToWrite['outcomes'], boolean][] = [
    ['rejected', ['rejected'], false],
    ['rejected', ['unknown', 'rejected'], true],
    ['exhausted', ['failed'], false],
    ['exhausted', ['unknown'], true],
    ['expired', [], false],
    ['expired', ['unknown'], true],
    ['crashed', ['unknown'], true],
    ['undecodable', [], false],
  ];
  it.each(reasons)('of one that died as %s after %j is possible: %s', async (reason, attempts, isPossible) => {
    await using site = await withLetters(
      ...outcomes.map((): LetterToWrite => Object.assign({}, doubtful, { reason, outcomes: attempts ?? [] })),
    );
    const expected = isPossible ? { matched: 1, done: 1, skipped: [] } : { matched: 1, done: 0 };
    for (const [at, outcome] of outcomes.entries()) {
      const id = site.ids[at] ?? '';
      const result = await site.deadLetters.settle({ id, outcome });
      expect(result).toMatchObject(expected);
      if (!isPossible) expect(result.skipped).toEqual([{ id, why: 'outcome known' }]);
    }
    expect(await site.deadLetters.count()).toBe(isPossible ? 1 : 2);
  });

  it('of what is no dead letter finds nothing', async () => {
    await using site = await withLetters();
    const waiting = await site.enqueue(textMessage('c1', 1));
    for (const id of [unknownId, 'nonsense', waiting]) {
      expect(await site.deadLetters.settle({ id, outcome: 'delivered' })).toEqual({
        matched: 0,
        done: 0,
        skipped: [{ id, why: 'not found' }],
      });
    }
    expect(await site.producer.getMessage(waiting)).toMatchObject({ status: 'queued', proof: null, provedBy: null });
  });

  it('with options that make no sense changes nothing', async () => {
    await using site = await withLetters(doubtful);
    for (const [path, wrong] of Object.entries({ outcome: 'maybe', by: 'x'.repeat(129), id: 5 })) {
      const settling = { id: site.id, outcome: 'delivered', [path]: wrong } as never;
      await expect(site.deadLetters.settle(settling)).rejects.toMatchObject({ issues: [{ path }] });
    }
    expect(await site.deadLetters.count()).toBe(1);
  });

  it('of an entry that cannot be read keeps what is stored of it', async () => {
    await using site = await withLetters({ ...doubtful, isReadable: false, reason: 'crashed' });
    expect(await site.deadLetters.settle({ id: site.id, outcome: 'delivered' })).toMatchObject({ done: 1 });
    expect(await site.producer.getMessage(site.id)).toMatchObject({ status: 'delivered', pageId: null });
  });

  it('at the same time as other settlings, replays and discards: one of them wins', async () => {
    await using site = await withLetters(
      ...Array.from({ length: 40 }, (_, n) => ({ ...doubtful, conversationId: `c${n}` })),
    );
    const { deadLetters } = site;
    for (const id of site.ids) {
      const results = await Promise.all([
        deadLetters.settle({ id, outcome: 'delivered', by: 'anna' }),
        deadLetters.settle({ id, outcome: 'delivered', by: 'bert' }),
        deadLetters.replay({ ids: [id], force: true }),
        deadLetters.discard({ ids: [id] }),
      ]);
      expect(results.reduce((total, { done }) => total + done, 0)).toBe(1);
      const isDelivered = results[0]?.done === 1 || results[1]?.done === 1;
      expect((await site.producer.getMessage(id))?.status).toBe(isDelivered ? 'delivered' : undefined);
    }
    expect(await deadLetters.counts()).toMatchObject({ total: 0, byPage: [] });
  });

  it('as not delivered at the same time by two is noted once', async () => {
    await using site = await withLetters(doubtful);
    const results = await Promise.all(
      ['anna', 'bert'].map((by) => site.deadLetters.settle({ id: site.id, outcome: 'not-delivered', by })),
    );
    expect(results.reduce((total, { done }) => total + done, 0)).toBe(1);
    expect(results.flatMap(({ skipped }) => skipped)).toEqual([{ id: site.id, why: 'settled already' }]);
  });
});

it('an encrypted message stays encrypted, and is not sent although its job is put back', async () => {
  const { path } = newKeysFile(encryptionKeys('k1'));
  await using site = await withUnknown({ config: { encryptionKeysFile: path } });
  const root = `{${site.config.namespace}:0}:`;
  const job = `${root}send:${site.id}`;
  const letter = JSON.parse((await used.redis.hget(`${root}dead:${site.id}`, 'data')) ?? '') as { request: object };
  expect(letter.request).toHaveProperty('sealed');
  await site.deadLetters.settle({ id: site.id, outcome: 'delivered', by: 'anna' });
  expect(await used.redis.hget(job, 'data')).toBe(JSON.stringify(letter.request));
  expect(await site.producer.getMessage(site.id)).toMatchObject({ status: 'delivered', conversationId: 'c1' });
  const requests = site.api.requests.length;
  await used.redis.hset(job, 'exp', Date.now() + 3_600_000);
  await used.redis.hdel(job, 'place', 'why', 'attempt', 'finishedOn');
  await used.redis.zrem(`${root}send:completed`, site.id);
  await used.redis.rpush(`${root}lane:p1/c1`, site.id);
  await used.redis.zadd(`${root}heads:p1`, 0, 'p1/c1');
  await used.redis.sadd(`${root}pages`, 'p1');
  await used.redis.zadd(`${root}turns`, 0, 'p1');
  await used.redis.zadd(`${root}send:marker`, 0, '0');
  await site.until(await site.enqueue(textMessage('c1', 2)), 'delivered');
  expect(site.api.requests).toHaveLength(requests + 1);
});

it('a delivered message of another proof is told as such, and what others wrote as not known', async () => {
  await using site = await withLetters(doubtful);
  await site.deadLetters.settle({ id: site.id, outcome: 'delivered', by: 'anna' });
  const job = `{${site.config.namespace}:0}:send:${site.id}`;
  await used.redis.hset(job, 'proof', 'hook');
  expect(await site.producer.getMessage(site.id)).toMatchObject({ proof: 'hook', provedBy: null });
  await used.redis.hset(job, 'proof', 'rumour');
  expect(await site.producer.getMessage(site.id)).toMatchObject({ proof: null, provedBy: null });
});
