import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';

const used = useRedis();

describe('a worker with the hook beforeSend', () => {
  it('makes what the hook rejects a dead letter that was never sent', async () => {
    await using site = await install(used, {
      hooks: { beforeSend: ({ attempt }) => (attempt === 1 ? { outcome: 'rejected' } : undefined) },
    });
    const id = await site.enqueue(textMessage('c1', 1));
    await site.until(id, 'dead');
    expect(await site.deadLetters.get(id)).toMatchObject({
      reason: 'rejected',
      response: null,
      attempts: [{ outcome: 'rejected', detail: 'beforeSend: rejected, nothing was sent', httpStatus: null }],
    });
    expect(site.api.requests).toEqual([]);
  });

  it('puts off what the hook holds, without an attempt, and keeps the order', async () => {
    let calls = 0;
    await using site = await install(used, {
      hooks: {
        beforeSend() {
          calls += 1;
          return calls < 3 ? { outcome: 'held', forMs: calls === 1 ? 1 : 300 } : undefined;
        },
      },
    });
    const held = await site.enqueue(textMessage('c1', 1));
    await site.until(await site.enqueue(textMessage('c1', 2)), 'delivered');
    const record = await site.until(held, 'delivered');
    expect(record.attempts.map(({ outcome, usedAttempt }) => [outcome, usedAttempt])).toEqual([
      ['held', false],
      ['held', false],
      ['delivered', false],
    ]);
    expect(site.api.report()).toMatchObject({ accepted: 2, outOfOrder: { count: 0 } });
  });

  it('holds no other conversation of the page', async () => {
    await using site = await install(used, {
      hooks: {
        beforeSend: ({ conversationId }) =>
          conversationId === 'c1' ? { outcome: 'held', forMs: 3_600_000 } : undefined,
      },
    });
    const held = await site.enqueue(textMessage('c1', 1));
    await site.until(held, 'held');
    await site.until(await site.enqueue(textMessage('c2', 1)), 'delivered');
    expect(await site.producer.getMessage(held)).toMatchObject({ status: 'held', attemptsUsed: 0 });
  });

  it('sends what was stored, and only once the hook lets it: after it threw, hung, and tried to change the message', async () => {
    const troubles: (() => unknown)[] = [
      () => {
        throw new Error('canary');
      },
      async () => await new Promise(() => {}),
      () => 'canary',
    ];
    const lines: string[] = [];
    const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    await using site = await install(used, {
      config: { timeoutMs: 300 },
      hooks: {
        logger,
        async beforeSend({ message }) {
          const trouble = troubles.shift();
          if (trouble) return (await trouble()) as undefined;
          expect(() => Object.assign(message, { text: 'canary' })).toThrow(TypeError);
          return undefined;
        },
      },
    });
    const item = textMessage('c1', 1);
    const { attempts } = await site.until(await site.enqueue(item), 'delivered');
    expect(attempts.map(({ outcome, usedAttempt }) => [outcome, usedAttempt])).toEqual([
      ['not-sent', false],
      ['not-sent', false],
      ['not-sent', false],
      ['delivered', false],
    ]);
    expect(site.api.requests.map(({ body }) => body)).toEqual([item]);
    expect(lines).toHaveLength(3);
    expect(lines.join()).not.toContain('canary');
  });

  it('keeps a message for later that a shutdown stops in the hook', async () => {
    const reached = Promise.withResolvers<void>();
    await using site = await install(used, { config: { shutdownMs: 600 }, startWorker: false });
    const worker = site.startWorker({
      beforeSend: async () => {
        reached.resolve();
        return await new Promise(() => {});
      },
    });
    const id = await site.enqueue(textMessage('c1', 1));
    await reached.promise;
    await worker.close();
    expect((await site.producer.getMessage(id))?.attempts).toMatchObject([
      { outcome: 'not-sent', detail: 'the request was given up before it was sent' },
    ]);
    site.startWorker();
    await site.until(id, 'delivered');
    expect(site.api.requests).toHaveLength(1);
  });
});
