import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { MessageRecord } from '../../src/producer/index.ts';
import type { Fault } from '../../src/testing/index.ts';
import type { ResolveUnknown, UnknownOutcome } from '../../src/worker/index.ts';
import { openEventLog } from '../support/event-log.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';

const used = useRedis();

/** The API takes the first message, and nobody learns it. */
const swallowed: Fault = { kind: 'status', status: 500, accept: true, times: 1 };
/** The API doesn't take the first message. */
const lost: Fault = { kind: 'status', status: 500, times: 1 };

function attemptsOf({ attempts }: MessageRecord): unknown[] {
  return attempts.map(({ outcome, detail, usedAttempt }) => [outcome, detail, usedAttempt]);
}

describe('a worker with the hook resolveUnknown', () => {
  it('sends nothing again that the hook found delivered', async () => {
    const asked: UnknownOutcome[] = [];
    await using site = await install(used, {
      api: { faults: [swallowed] },
      hooks: {
        resolveUnknown(unknown) {
          asked.push(unknown);
          return 'delivered';
        },
      },
    });
    const before = new Date().toISOString();
    const item = textMessage('c1', 1);
    const id = await site.enqueue({ ...item, label: 'sale' });
    const record = await site.until(id, 'delivered');
    expect(attemptsOf(record)).toEqual([
      ['unknown', 'HTTP 500', true],
      ['delivered', 'resolveUnknown: delivered, nothing was sent', false],
    ]);
    const [attempt] = record.attempts;
    expect(asked).toEqual([{ request: { id, label: 'sale', ...item }, attempt, since: attempt?.at }]);
    expect(attempt && attempt.at >= before).toBe(true);
    // The conversation goes on.
    await site.until(await site.enqueue(textMessage('c1', 2)), 'delivered');
    expect(asked).toHaveLength(1);
    expect(site.api.report()).toMatchObject({ requests: 2, accepted: 2, duplicates: { count: 0 } });
    expect(site.attempts).toMatchObject([
      { id, outcome: 'unknown', next: 'backoff' },
      { id, outcome: null, next: 'delivered', proof: 'hook' },
      { outcome: 'delivered', next: 'delivered' },
    ]);
    expect(site.attempts[2]).not.toHaveProperty('proof');
  });

  it('tells in events whether the hook or the API proved a delivery, and the ids in the answer of the API', async () => {
    const body = '{"success":true,"messageId":"17"}';
    await using site = await install(used.server, {
      api: { faults: [swallowed, { kind: 'status', status: 200, body, accept: true }] },
      hooks: { resolveUnknown: () => 'delivered' },
    });
    await using log = await openEventLog(used.redis, { ...site.config, group: 'crm' });
    const found = await site.enqueue(textMessage('c1', 1));
    const confirmed = await site.enqueue(textMessage('c1', 2));
    const [byHook, byApi] = await log.until(2);
    expect(byHook).toMatchObject({ type: 'delivered', messageId: found, proof: 'hook' });
    expect(byHook).not.toHaveProperty('answer');
    expect(byApi).toMatchObject({ messageId: confirmed, proof: 'api', answer: { messageId: '17' } });
  });

  it('sends again what the hook found not sent', async () => {
    await using site = await install(used, { api: { faults: [lost] }, hooks: { resolveUnknown: () => 'not-sent' } });
    const record = await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    expect(attemptsOf(record)).toEqual([
      ['unknown', 'HTTP 500', true],
      ['delivered', 'resolveUnknown on the attempts before: not-sent', false],
    ]);
    expect(site.api.report()).toMatchObject({ requests: 2, accepted: 1, duplicates: { count: 0 } });
  });

  it('writes no dead letter for what the hook found delivered, although the policy is dead-letter', async () => {
    await using site = await install(used, {
      config: { onUnknownOutcome: 'dead-letter' },
      api: { faults: [swallowed] },
      hooks: { resolveUnknown: async () => await Promise.resolve('delivered') },
    });
    const record = await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    expect(attemptsOf(record)).toEqual([['unknown', 'HTTP 500; resolveUnknown: delivered', false]]);
    expect(await site.deadLetters.count()).toBe(0);
    expect(site.api.requests).toHaveLength(1);
    expect(site.attempts).toMatchObject([{ outcome: 'unknown', next: 'delivered', proof: 'hook' }]);
  });

  it('sends again under dead-letter what the hook found not sent, without using attempts', async () => {
    await using site = await install(used, {
      config: { onUnknownOutcome: 'dead-letter', attempts: 1 },
      api: { faults: [lost] },
      hooks: { resolveUnknown: () => 'not-sent' },
    });
    const record = await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    expect(attemptsOf(record)).toEqual([
      ['unknown', 'HTTP 500; resolveUnknown: not-sent', false],
      ['delivered', null, false],
    ]);
    expect(record.attemptsUsed).toBe(0);
    expect(site.api.report()).toMatchObject({ requests: 2, accepted: 1 });
  });

  it('gives a message with its last attempt another one if the hook found it not sent', async () => {
    await using site = await install(used, {
      config: { attempts: 1 },
      api: { faults: [lost] },
      hooks: { resolveUnknown: () => 'not-sent' },
    });
    const record = await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    expect(attemptsOf(record)).toEqual([
      ['unknown', 'HTTP 500; resolveUnknown: not-sent', false],
      ['delivered', null, false],
    ]);
  });

  const troubles: [string, () => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('canary');
      },
    ],
    ['rejects', async () => await Promise.reject(new Error('canary'))],
    ['hangs', async () => await new Promise(() => {})],
    ['says something else', () => 'canary'],
  ];

  it.each(troubles)('does as without the hook if it %s, and logs it once each time', async (_what, hook) => {
    const lines: string[] = [];
    const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    const byHook = (): string[] => lines.filter((line) => line.includes('the hook resolveUnknown'));
    const faults = ['c1', 'c2'].map((conversationId) => Object.assign({}, lost, { match: { conversationId } }));
    await using site = await install(used, {
      config: { timeoutMs: 2000 },
      api: { faults },
      hooks: { logger, resolveUnknown: hook as ResolveUnknown },
    });
    const sent = await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    expect(attemptsOf(sent)).toEqual([
      ['unknown', 'HTTP 500', true],
      ['delivered', null, false],
    ]);
    expect(byHook()).toHaveLength(1);
    const dead = await site.enqueue({ ...textMessage('c2', 1), onUnknownOutcome: 'dead-letter' });
    await site.until(dead, 'dead');
    expect(await site.deadLetters.get(dead)).toMatchObject({
      reason: 'unknown-outcome',
      attempts: [{ detail: 'HTTP 500' }],
    });
    expect(byHook()).toHaveLength(2);
    expect(lines.join()).not.toMatch(/canary|message 1/);
  });

  it('outlives a hook that rejects when nobody waits for it any more', async () => {
    const late = Promise.withResolvers<never>();
    await using site = await install(used, {
      config: { timeoutMs: 1000 },
      api: { faults: [lost] },
      hooks: { resolveUnknown: async () => await late.promise },
    });
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    // Vitest fails on a rejection that nothing handles, as the process would end of it.
    late.reject(new Error('late'));
    await site.until(await site.enqueue(textMessage('c1', 2)), 'delivered');
    expect(site.api.report()).toMatchObject({ accepted: 2 });
  });

  it('keeps a message for later that a shutdown stops in the hook', async () => {
    const reached = Promise.withResolvers<void>();
    await using site = await install(used, {
      config: { shutdownMs: 600 },
      startWorker: false,
      api: { faults: [lost] },
    });
    const worker = site.startWorker({
      resolveUnknown: async () => {
        reached.resolve();
        return await new Promise(() => {});
      },
    });
    const id = await site.enqueue(textMessage('c1', 1));
    await reached.promise;
    await worker.close();
    const detail = 'the request was given up before it was sent';
    expect((await site.producer.getMessage(id))?.attempts).toMatchObject([
      { outcome: 'unknown' },
      { outcome: 'not-sent', detail },
    ]);
    expect(site.api.requests).toHaveLength(1);
    site.startWorker({ resolveUnknown: () => 'delivered' });
    await site.until(id, 'delivered');
    expect(site.api.requests).toHaveLength(1);
  });
});
