import { describe, expect, it, vi } from 'vitest';
import type { ClassifyResponse } from '../../../src/worker/message/judgement.ts';
import type { Exchange } from '../../../src/worker/http/exchange.ts';
import { createKeyring, type Key, type Keyring } from '../../../src/worker/keys/keyring.ts';
import { createProgress } from '../../../src/worker/fleet/progress.ts';
import { createSend, diedInMidSend, type SendDeps } from '../../../src/worker/message/send.ts';
import type { SendOptions } from '../../../src/worker/http/sender.ts';
import { answered, unanswered } from './exchanges.ts';
import { readableLogger } from './log-lines.ts';

const text = '{"conversationId":"c1", "pageId":"p1","message":{"text":"Xin chào 👋","type":"text"}}';
const config = { timeoutMs: 200, retryAfterMaxMs: 60_000, answers: 'strict', on503: 'not-processed' } as const;

function keyNamed(apiKey: string): Key {
  return { apiKey, circuit: `key:#${apiKey.length}` };
}

const keyOfEachPage: Keyring = { keyFor: (pageId) => keyNamed(`key-of-${pageId}`) };

function sendWith(exchange: Exchange, overrides: Partial<SendDeps> = {}) {
  const sent: { body: string; options: SendOptions }[] = [];
  const { logger, lines } = readableLogger();
  const progress = createProgress({ workerId: 'w', concurrency: 1, timeoutMs: 200, shutdownMs: 0 });
  const send = createSend({
    config,
    sender: {
      send(body, options) {
        sent.push({ body, options });
        return Promise.resolve(exchange);
      },
      close: () => Promise.resolve(),
    },
    keyring: { keyFor: () => keyNamed('secret-key') },
    classifyResponse: undefined,
    beforeSend: undefined,
    progress,
    logger,
    ...overrides,
  });
  const { signal } = new AbortController();
  const lockedUntil = performance.now() + 60_000;
  const sendable = { id: 'm1', pageId: 'p1', label: 'sale', attempt: 3, body: text, lockedUntil, signal };
  return { sent, lines, signal, progress, lockedUntil, run: () => send(sendable) };
}

describe('an attempt', () => {
  it('posts exactly the text that was stored, with the key of its page, as long as the lock covers a whole request', async () => {
    const { run, sent, signal, lockedUntil } = sendWith(answered(200), { keyring: keyOfEachPage });
    const before = Date.now();
    const { outcome, startedAtMs, exchange, keyCircuit } = await run();
    expect(sent).toEqual([{ body: text, options: { apiKey: 'key-of-p1', startBefore: lockedUntil - 200, signal } }]);
    expect(outcome.kind).toBe('delivered');
    expect(exchange).toEqual(answered(200));
    expect(startedAtMs).toBeGreaterThanOrEqual(before);
    expect(keyCircuit).toBe('key:#9');
  });

  it('asks for the request at once when its key is there at once, and waits for a key that comes later', async () => {
    const atOnce = sendWith(answered(200), { keyring: keyOfEachPage });
    const running = atOnce.run();
    expect(atOnce.sent).toHaveLength(1);
    await running;
    const found = Promise.withResolvers<Key>();
    const later = sendWith(answered(200), { keyring: { keyFor: () => found.promise } });
    const waiting = later.run();
    expect(later.sent).toEqual([]);
    found.resolve(keyNamed('late-key'));
    expect(await waiting).toMatchObject({ outcome: { kind: 'delivered' }, keyCircuit: 'key:#8' });
    expect(later.sent).toMatchObject([{ options: { apiKey: 'late-key' } }]);
  });

  it.each([
    ['an answer', answered(400), 'rejected'],
    ['no answer', unanswered(true, { kind: 'timeout' }), 'unknown'],
    ['no connection', unanswered(false, { kind: 'timeout' }), 'not-sent'],
  ])('judges %s', async (_what, exchange, kind) => {
    expect((await sendWith(exchange).run()).outcome.kind).toBe(kind);
  });

  it('counts as open until it has its answer, or fails', async () => {
    const found = Promise.withResolvers<Key>();
    const { run, progress } = sendWith(answered(200), { keyring: { keyFor: () => found.promise } });
    const running = run();
    await vi.waitUntil(() => progress.health().oldestAttemptMs > 0);
    found.reject(new Error('no'));
    await expect(running).rejects.toThrow('no');
    expect(progress.health().oldestAttemptMs).toBe(0);
  });

  it('holds a Retry-After to the longest hold of the configuration', async () => {
    const { outcome } = await sendWith(answered(429, { retryAfter: '3600' })).run();
    expect(outcome).toMatchObject({ kind: 'held', holdMs: 60_000 });
  });

  it('names the circuit of the key that was used, whatever came of it', async () => {
    const exchanges = [answered(200), answered(401), unanswered(false, { kind: 'timeout' })];
    for (const exchange of exchanges) expect((await sendWith(exchange).run()).keyCircuit).toBe('key:#10');
  });

  it.each([
    ['there is none', undefined],
    ['it is empty', ''],
    ['it ends with a line break', 'secret-key\n'],
    ['it holds a space', 'secret key'],
    ['it holds a character that no header can', 'secret-ключ'],
  ])('lets the message wait two seconds and sends nothing when it has no usable key: %s', async (_what, apiKey) => {
    const { logger, lines } = readableLogger();
    const { run, sent } = sendWith(answered(200), { keyring: createKeyring(() => apiKey, 1000, logger) });
    const { outcome, exchange, keyCircuit } = await run();
    expect(outcome).toMatchObject({ kind: 'held', trouble: 'no-key', httpStatus: null, holdMs: 2000 });
    expect(outcome.detail).toMatch(/API key for this page/);
    expect([exchange, keyCircuit, sent]).toEqual([null, null, []]);
    expect(`${outcome.detail}${lines.join('')}`).not.toContain('secret');
  });

  it('judges by the hook classifyResponse where it has an opinion', async () => {
    const classifyResponse: ClassifyResponse = ({ body }) => (body === 'busy' ? 'failed' : undefined);
    const busy = sendWith(answered(200, { body: 'busy' }), { classifyResponse });
    expect((await busy.run()).outcome).toMatchObject({ kind: 'failed', detail: 'classifyResponse: failed' });
    const ready = sendWith(answered(200, { body: 'ready' }), { classifyResponse });
    expect((await ready.run()).outcome.kind).toBe('delivered');
  });

  it('asks the hook beforeSend last, and sends the stored text if the hook has nothing against it', async () => {
    const asked: unknown[] = [];
    const { run, sent } = sendWith(answered(200), { beforeSend: (message) => void asked.push(message) });
    expect((await run()).outcome.kind).toBe('delivered');
    const message = { text: 'Xin chào 👋', type: 'text' };
    expect(asked).toEqual([{ id: 'm1', pageId: 'p1', conversationId: 'c1', message, label: 'sale', attempt: 3 }]);
    expect(sent).toMatchObject([{ body: text }]);
  });

  it('sends nothing that the hook beforeSend refuses', async () => {
    const { run, sent } = sendWith(answered(200), { beforeSend: () => ({ outcome: 'rejected' }) });
    expect(await run()).toMatchObject({ outcome: { kind: 'rejected' }, exchange: null, keyCircuit: 'key:#10' });
    expect(sent).toEqual([]);
  });

  it('does not ask the hook beforeSend about a message whose page has no key', async () => {
    const beforeSend = (): never => {
      throw new Error('asked');
    };
    const { run, lines } = sendWith(answered(200), { beforeSend, keyring: { keyFor: () => ({ unusable: 'none' }) } });
    expect((await run()).outcome).toMatchObject({ kind: 'held', detail: 'none' });
    expect(lines).toEqual([]);
  });

  it('counts as open while the hook beforeSend runs', async () => {
    const answer = Promise.withResolvers<undefined>();
    const { run, progress } = sendWith(answered(200), { beforeSend: () => answer.promise });
    const running = run();
    await vi.waitUntil(() => progress.health().oldestAttemptMs > 0);
    answer.resolve(undefined);
    await running;
    expect(progress.health().oldestAttemptMs).toBe(0);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('cannot read secret of undefined');
      },
    ],
    ['says what there is no word for', () => 'ok'],
    ['says null', () => null],
    ['says true', () => true],
    ['answers later', () => Promise.resolve('rejected')],
    ['fails later', () => Promise.reject(new Error('secret'))],
    ['gives an object without an outcome', () => ({ kind: 'secret' })],
    ['names a scope that there is not', () => ({ outcome: 'held', scope: 'secret' })],
    ['names a scope for another outcome than held', () => ({ outcome: 'rejected', scope: 'page' })],
    ['holds for no number', () => ({ outcome: 'held', forMs: 'secret' })],
    ['holds for NaN', () => ({ outcome: 'held', forMs: Number.NaN })],
    ['holds for ever', () => ({ outcome: 'held', forMs: Infinity })],
    ['holds until the past', () => ({ outcome: 'held', forMs: -1 })],
    ['misspells a field', () => ({ outcome: 'held', secretMs: 5 })],
  ])('keeps to the defaults and logs it when the hook classifyResponse %s', async (_what, hook) => {
    const { run, lines } = sendWith(answered(200), { classifyResponse: hook as ClassifyResponse });
    expect((await run()).outcome).toMatchObject({ kind: 'delivered', detail: null });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('the hook classifyResponse');
    expect(lines[0]).not.toContain('secret');
  });
});

describe('an attempt of a dead worker', () => {
  it('is unknown', () => {
    const outcome = { kind: 'unknown', httpStatus: null, holdMs: null };
    expect(diedInMidSend()).toMatchObject({ outcome, exchange: null, keyCircuit: null });
  });
});
