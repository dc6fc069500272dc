import { createHmac } from 'node:crypto';
import ky, { type Hooks } from 'ky';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createWorker } from '../../src/worker/index.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';

const used = useRedis();

describe('a worker with hooks, and without what it needs', () => {
  it('without any key it refuses to be made, and says what is missing', () => {
    expect(() => createWorker({ redisUrl: used.url })).toThrow(/apiKey, .* are all missing/);
  });

  it('classifyResponse can ask for another try: it uses an attempt', async () => {
    await using site = await install(used, {
      api: { faults: [{ kind: 'status', status: 200, body: 'busy', times: 1, accept: false }] },
      hooks: { classifyResponse: ({ body }) => (body === 'busy' ? 'failed' : undefined) },
    });
    const id = await site.enqueue(textMessage('c1', 1));
    const record = await site.until(id, 'delivered');
    expect(record.attempts.map(({ outcome, usedAttempt }) => [outcome, usedAttempt])).toEqual([
      ['failed', true],
      ['delivered', false],
    ]);
  });

  it('a classifyResponse that throws changes nothing: the default judgement counts', async () => {
    await using site = await install(used, {
      hooks: {
        classifyResponse() {
          throw new Error('a bug in the hook');
        },
      },
    });
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    expect(site.api.requests).toHaveLength(1);
  });

  it('a resolveApiKey that throws or knows no key makes only its page wait', async () => {
    await using site = await install(used, {
      hooks: {
        resolveApiKey(pageId) {
          if (pageId === 'broken') throw new Error('a bug in the hook');
          return pageId === 'unknown' ? undefined : 'key';
        },
      },
    });
    const broken = await site.enqueue(textMessage('c1', 1, 'broken'));
    const unknown = await site.enqueue(textMessage('c1', 1, 'unknown'));
    await site.until(await site.enqueue(textMessage('c1', 1, 'fine')), 'delivered');
    for (const id of [broken, unknown]) {
      const record = await site.until(id, 'held');
      expect(record).toMatchObject({ attemptsUsed: 0 });
      expect(record.attempts[0]).toMatchObject({ outcome: 'held', detail: 'there is no API key for this page' });
    }
    expect(site.api.requests).toHaveLength(1);
  });

  it('a fetch of one’s own makes the requests; what it throws counts as unknown', async () => {
    const requests: { method: string; key: string | null; body: unknown }[] = [];
    await using site = await install(used, {
      hooks: {
        async fetch(request) {
          requests.push({ method: request.method, key: request.headers.get('apikey'), body: await request.json() });
          if (requests.length === 1) throw new Error('broken');
          return Response.json({ success: true });
        },
      },
    });
    const item = textMessage('c1', 1);
    const record = await site.until(await site.enqueue(item), 'delivered');
    expect(record.attempts.map(({ outcome }) => outcome)).toEqual(['unknown', 'delivered']);
    expect(requests[1]).toEqual({ method: 'POST', key: 'key', body: item });
  });

  it('writes one wide line per attempt, with neither key nor content', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });
    await using site = await install(used, {
      config: { apiKey: 'canary-key' },
      api: { faults: [{ kind: 'status', status: 500, body: 'canary-answer', times: 1 }] },
      hooks: { logger },
    });
    const item = { pageId: 'p1', conversationId: 'c1', message: { type: 'text' as const, text: 'canary-text' } };
    const id = await site.enqueue(item);
    await site.until(id, 'delivered');
    const attempts = (): Record<string, unknown>[] =>
      lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line['id'] === id);
    // Redis knows of an end before the worker that has told it.
    await eventually('both attempts are logged', () => attempts().length === 2);
    expect(attempts()).toEqual([
      expect.objectContaining({
        msg: 'attempt',
        pageId: 'p1',
        conversationId: 'c1',
        type: 'text',
        outcome: 'unknown',
        httpStatus: 500,
        attempt: 1,
        attemptsAllowed: 8,
        next: 'backoff',
      }),
      expect.objectContaining({ outcome: 'delivered', httpStatus: 200, attempt: 2, next: 'delivered' }),
    ]);
    expect(lines.join()).not.toMatch(/canary-/);
  });

  it('close resolves while Redis is frozen, and run ends with it', async () => {
    await using frozen = await startTestRedis();
    await using site = await install(frozen, { config: { shutdownMs: 1000 }, startWorker: false });
    const worker = site.startWorker();
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    await frozen.pause();
    await expect(worker.close()).resolves.toBeUndefined();
    await frozen.resume();
  });

  it('a request that is open at the deadline of a shutdown is given up, recorded as unknown, and sent again later', async () => {
    await using site = await install(used, {
      config: { shutdownMs: 600 },
      api: { faults: [{ kind: 'hang', times: 1 }] },
      startWorker: false,
    });
    const worker = site.startWorker();
    const id = await site.enqueue(textMessage('c1', 1));
    await eventually('the request is open', () => site.api.requests.length === 1);
    await worker.close();
    expect((await site.producer.getMessage(id))?.attempts).toMatchObject([
      { outcome: 'unknown', detail: 'the request was given up before an answer came' },
    ]);
    site.startWorker();
    await site.until(id, 'delivered');
  });

  it('a worker tells the fleet that it is there, and takes itself out when it ends', async () => {
    await using site = await install(used, { startWorker: false });
    const key = `{${site.config.namespace}:0}:workers`;
    const worker = site.startWorker({ concurrency: 7 });
    const [json] = await eventually('it is registered', async () => {
      const workers = await used.redis.hvals(key);
      return workers.length > 0 && workers;
    });
    expect(JSON.parse(json ?? '')).toMatchObject({
      concurrency: 7,
      sending: 0,
      version: expect.any(String) as unknown,
    });
    await worker.close();
    expect(await used.redis.hlen(key)).toBe(0);
  });
});

describe('a worker with a ky instance', () => {
  function failing(): never {
    throw new RangeError('canary-key');
  }

  it('sends what the hooks have made of the request, and shows them the answer', async () => {
    const sign = (text: string): string => createHmac('sha256', 'secret').update(text).digest('hex');
    const seen: unknown[] = [];
    const signed = ky.create({
      headers: { 'x-from': 'crm' },
      hooks: {
        beforeRequest: [async ({ request }) => request.headers.set('x-signature', sign(await request.clone().text()))],
        afterResponse: [async ({ response }) => void seen.push(response.status, await response.json())],
      },
    });
    await using site = await install(used, { hooks: { ky: signed } });
    const item = textMessage('c1', 1);
    await site.until(await site.enqueue(item), 'delivered');
    const [{ headers, body } = { headers: {}, body: null }] = site.api.requests;
    expect(headers).toMatchObject({ 'x-from': 'crm', 'x-signature': sign(JSON.stringify(body)), apikey: 'key' });
    expect(body).toEqual(item);
    expect(seen).toEqual([200, { success: true }]);
    expect(site.api.report().duplicates.count).toBe(0);
  });

  const once = (hook: () => unknown): (() => Promise<void>) => {
    let calls = 0;
    return async () => {
      calls += 1;
      if (calls === 1) await hook();
    };
  };
  const hang = async (): Promise<void> => await new Promise(() => {});
  const beforeTheRequest: [string, NonNullable<Hooks['beforeRequest']>, string][] = [
    ['throws', [once(failing)], 'RangeError'],
    ['hangs', [once(hang)], 'TimeoutError'],
  ];

  it.each(beforeTheRequest)(
    'tries again when a hook %s before the request, and uses no attempt',
    async (_what, beforeRequest, code) => {
      await using site = await install(used, {
        hooks: { ky: ky.create({ hooks: { beforeRequest } }) },
        config: { timeoutMs: 2000 },
      });
      const record = await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
      expect(record.attempts).toMatchObject([
        {
          outcome: 'not-sent',
          usedAttempt: false,
          detail: `a ky hook failed or timed out before the request was sent (${code})`,
        },
        { outcome: 'delivered' },
      ]);
      expect(site.api.requests).toHaveLength(1);
    },
  );

  it.each<[string, NonNullable<Hooks['afterResponse']>]>([
    ['throws', [failing]],
    ['hangs', [hang]],
    ['asks for a retry', [() => ky.retry({ delay: 1 })]],
    ['gives a refusal', [() => new Response('no', { status: 400 })]],
  ])('sends once and says delivered, whatever a hook does after the answer: it %s', async (_what, afterResponse) => {
    const lines: string[] = [];
    const logger = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
    await using site = await install(used, {
      hooks: { ky: ky.create({ retry: 3, hooks: { afterResponse } }), logger },
      config: { timeoutMs: 2000, apiKey: 'canary-key' },
    });
    const ids = [await site.enqueue(textMessage('c1', 1)), await site.enqueue(textMessage('c1', 2))];
    for (const id of ids) expect((await site.until(id, 'delivered')).attempts).toHaveLength(1);
    expect(site.api.report()).toMatchObject({ accepted: 2, duplicates: { count: 0 }, outOfOrder: { count: 0 } });
    expect(lines.join()).not.toContain('canary-');
  });

  it('keeps a message for later that a shutdown stops in a hook: it was not sent', async () => {
    const reached = Promise.withResolvers<void>();
    const stuck = async (): Promise<void> => {
      reached.resolve();
      await hang();
    };
    await using site = await install(used, { config: { shutdownMs: 600 }, startWorker: false });
    const worker = site.startWorker({ ky: ky.create({ hooks: { beforeRequest: [stuck] } }) });
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

  it('hands the request to a fetch of one’s own', async () => {
    const requests: (string | null)[] = [];
    const signed = ky.create({ hooks: { beforeRequest: [({ request }) => request.headers.set('x-signature', 's1')] } });
    await using site = await install(used, {
      hooks: {
        ky: signed,
        async fetch(request) {
          requests.push(request.headers.get('x-signature'));
          return await Promise.resolve(Response.json({ success: true }));
        },
      },
    });
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    expect([requests, site.api.requests.length]).toEqual([['s1'], 0]);
  });
});
