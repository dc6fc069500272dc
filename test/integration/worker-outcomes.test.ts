import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';

describe('what becomes of a message', () => {
  const used = useRedis();

  it('a refused one is dead at once, with all that an operator needs, and its conversation goes on', async () => {
    const body = `no such conversation ${'x'.repeat(4000)}`;
    await using site = await install(used, {
      api: { faults: [{ kind: 'status', status: 400, body, match: { textIncludes: 'message 1' } }] },
    });
    const item = { ...textMessage('c1', 1), label: 'greeting' };
    const id = await site.enqueue(item);
    const next = await site.enqueue(textMessage('c1', 2));
    const record = await site.until(id, 'dead');
    const { label, ...request } = item;
    const time: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(record).toEqual({
      id,
      pageId: 'p1',
      conversationId: 'c1',
      status: 'dead',
      enqueuedAt: time,
      attemptsUsed: 1,
      attemptsAllowed: 8,
      attempts: [
        {
          at: time,
          outcome: 'rejected',
          detail: 'HTTP 400',
          httpStatus: 400,
          durationMs: expect.any(Number) as unknown,
          usedAttempt: true,
        },
      ],
      nextAttemptAt: null,
      label,
      reason: 'rejected',
      deadAt: time,
      request,
      response: { httpStatus: 400, body: body.slice(0, 2048) },
      endedAt: record.status === 'dead' ? record.deadAt : null,
      proof: null,
      provedBy: null,
      answer: null,
      replayedAs: null,
      replayOf: null,
      expiresAt: time,
    });
    await site.until(next, 'delivered');
    expect(site.api.requests).toHaveLength(2);
  });

  it('one whose attempts all fail is dead as exhausted after as many as are allowed, and holds up its conversation till then', async () => {
    await using site = await install(used, {
      config: { attempts: 3 },
      api: { faults: [{ kind: 'status', status: 500, match: { textIncludes: 'message 1' } }] },
    });
    const id = await site.enqueue(textMessage('c1', 1));
    const next = await site.enqueue(textMessage('c1', 2));
    const record = await site.until(id, 'dead');
    expect(record).toMatchObject({ reason: 'exhausted', attemptsUsed: 3, response: { httpStatus: 500 } });
    expect(record.attempts.map(({ outcome }) => outcome)).toEqual(['unknown', 'unknown', 'unknown']);
    await site.until(next, 'delivered');
    expect(site.api.requests.map(({ status }) => status)).toEqual([500, 500, 500, 200]);
  });

  it('rate limits use no attempt: after ten of them in a row a message with two attempts is delivered', async () => {
    await using site = await install(used, {
      config: { attempts: 2 },
      api: { faults: [{ kind: 'status', status: 429, retryAfter: 0, times: 10 }] },
    });
    const id = await site.enqueue(textMessage('c1', 1));
    const record = await site.until(id, 'delivered');
    expect(record.attemptsUsed).toBe(0);
    expect(record.attempts.map(({ outcome }) => outcome)).toEqual([...Array<string>(10).fill('held'), 'delivered']);
  });

  it('a Retry-After is kept: nothing of the message arrives before, and it stands as held until then', async () => {
    await using site = await install(used, {
      api: { faults: [{ kind: 'status', status: 503, retryAfter: 1, times: 1 }] },
    });
    const id = await site.enqueue(textMessage('c1', 1));
    const held = await site.until(id, 'held');
    expect(Date.parse(held.nextAttemptAt ?? '')).toBeGreaterThan(Date.now());
    await site.until(id, 'delivered');
    const [first, second] = site.api.requests;
    expect((second?.arrivedAt ?? 0) - (first?.answeredAt ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it('a refused API key uses no attempt, and the messages go on when it works again', async () => {
    let apiKey = 'wrong';
    await using site = await install(used, {
      config: { attempts: 1 },
      api: { apiKeys: ['right'] },
      hooks: { resolveApiKey: () => apiKey },
    });
    const ids = await Promise.all([1, 2, 3].map((n) => site.enqueue(textMessage('c1', n))));
    await eventually('the key was refused some times', () => site.attempts.length > 3);
    apiKey = 'right';
    for (const id of ids) await site.until(id, 'delivered');
    expect(site.api.report().outOfOrder.count).toBe(0);
  });

  it('an API that can not be reached uses no attempt', async () => {
    await using site = await install(used, { config: { attempts: 1, apiUrl: 'http://127.0.0.1:9/x' } });
    const id = await site.enqueue(textMessage('c1', 1));
    await eventually('some attempts were made', () => site.attempts.length >= 4);
    const record = await site.producer.getMessage(id);
    expect(record?.attemptsUsed).toBe(0);
    expect(new Set(record?.attempts.map(({ outcome }) => outcome))).toEqual(new Set(['not-sent']));
  });

  it('an unknown outcome is sent again under `resend`', async () => {
    await using site = await install(used, {
      config: { timeoutMs: 1000 },
      api: { faults: [{ kind: 'hang', accept: true, times: 1 }] },
    });
    const id = await site.enqueue(textMessage('c1', 1));
    const record = await site.until(id, 'delivered');
    expect(record.attempts[0]).toMatchObject({ outcome: 'unknown', detail: 'no answer in 1000 ms', usedAttempt: true });
    expect(site.api.report().duplicates.count).toBe(1);
  });

  it('under `dead-letter` an unknown outcome is never sent again, whether the message or the installation says so', async () => {
    await using site = await install(used, {
      config: { timeoutMs: 1000, onUnknownOutcome: 'dead-letter' },
      api: { faults: [{ kind: 'hang', accept: true, match: { textIncludes: 'message 1' } }] },
    });
    const byInstallation = await site.enqueue(textMessage('c1', 1));
    const resent = await site.enqueue({ ...textMessage('c2', 1), onUnknownOutcome: 'resend' });
    const record = await site.until(byInstallation, 'dead');
    expect(record).toMatchObject({ reason: 'unknown-outcome', attemptsUsed: 0, response: null });
    await eventually('the other one is sent again', () => site.api.requests.length >= 3);
    expect(site.api.accepted.filter(({ conversationId }) => conversationId === 'c1')).toHaveLength(1);
    expect((await site.producer.getMessage(resent))?.status).not.toBe('dead');

    await using other = await install(used, {
      config: { timeoutMs: 1000 },
      api: { faults: [{ kind: 'reset', when: 'after' }] },
    });
    const byMessage = await other.enqueue({ ...textMessage('c1', 1), onUnknownOutcome: 'dead-letter' });
    await other.until(byMessage, 'dead');
    expect(other.api.requests).toHaveLength(1);
  });

  it('one that is too old when its turn comes is dead as expired, unsent', async () => {
    await using site = await install(used, { startWorker: false });
    const id = await site.enqueue({ ...textMessage('c1', 1), ttlMs: 1 });
    const next = await site.enqueue(textMessage('c1', 2));
    site.startWorker();
    expect(await site.until(id, 'dead')).toMatchObject({ reason: 'expired', attempts: [] });
    await site.until(next, 'delivered');
    expect(site.api.requests).toHaveLength(1);
  });

  it('a backoff never outlasts the message: it expires on time', async () => {
    await using site = await install(used, {
      config: { backoffMs: 600_000, backoffMaxMs: 600_000 },
      api: { faults: [{ kind: 'status', status: 500 }] },
    });
    const id = await site.enqueue({ ...textMessage('c1', 1), ttlMs: 300 });
    expect(await site.until(id, 'dead')).toMatchObject({ reason: 'expired', attemptsUsed: 1 });
  });

  it('stored data that can not be read is dead as undecodable, kept as it was, and the next one is delivered', async () => {
    await using site = await install(used, { startWorker: false });
    const id = await site.enqueue(textMessage('c1', 1));
    const next = await site.enqueue(textMessage('c1', 2));
    await used.redis.hset(`{${site.config.namespace}:0}:send:${id}`, 'data', '{"v":99,"later":true}');
    site.startWorker();
    expect(await site.until(id, 'dead')).toMatchObject({ reason: 'undecodable', request: null, attempts: [] });
    const letter = await used.redis.hget(`{${site.config.namespace}:0}:dead:${id}`, 'data');
    expect(JSON.parse(letter ?? '')).toMatchObject({ stored: { v: 99, later: true } });
    await site.until(next, 'delivered');
  });
});
