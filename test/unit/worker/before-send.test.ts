import { describe, expect, it } from 'vitest';
import { Stop } from '../../../src/worker/http/stop-signal.ts';
import { type BeforeSend, createBeforeSend, type OutgoingMessage } from '../../../src/worker/message/before-send.ts';
import { readableLogger } from './log-lines.ts';

const request = {
  pageId: 'p1',
  conversationId: 'c1',
  message: {
    type: 'template',
    template: { body: 'secret', buttons: [{ type: 'quick_replies', text: 'a', payload: 'b' }] },
  },
};
const body = JSON.stringify(request);
const HANG_MS = 20;

async function ask(hook: (...given: Parameters<BeforeSend>) => unknown, { leftMs = 60_000, signal = new Stop() } = {}) {
  const { logger, lines } = readableLogger();
  const beforeSend = createBeforeSend(hook as BeforeSend, HANG_MS, logger);
  const candidate = { id: 'm1', label: null, attempt: 1, body, signal };
  const outcome = await beforeSend(candidate, performance.now() + leftMs);
  return { outcome, lines };
}

/** What a hook without types may take the message for. */
interface Writable extends Omit<OutgoingMessage, 'message' | 'pageId'> {
  pageId: string;
  message: { type: string; more?: number; template: { buttons: object[] } };
}

const hang = (): Promise<never> => new Promise(() => {});
const UNSENT = { httpStatus: null, holdMs: null };

describe('the hook beforeSend', () => {
  it.each<[string, BeforeSend]>([
    ['returns nothing', () => undefined],
    ['resolves to nothing', async () => await Promise.resolve(undefined)],
  ])('lets a message leave if it %s', async (_what, hook) => {
    expect(await ask(hook)).toEqual({ outcome: null, lines: [] });
  });

  it.each<[string, BeforeSend]>([
    ['at once', () => ({ outcome: 'rejected' })],
    ['later', async () => await Promise.resolve({ outcome: 'rejected' })],
  ])('rejects a message %s', async (_when, hook) => {
    const outcome = { kind: 'rejected', detail: 'beforeSend: rejected, nothing was sent', ...UNSENT };
    expect(await ask(hook)).toEqual({ outcome, lines: [] });
  });

  it.each([
    [5000, 5000],
    [0.5, 1],
    [0, 0],
  ])('puts a message off for %s ms, and with it only its conversation', async (forMs, holdMs) => {
    const detail = 'beforeSend: held, nothing was sent';
    const outcome = { kind: 'held', detail, httpStatus: null, holdMs, askedScope: 'conversation' };
    expect(await ask(() => ({ outcome: 'held', forMs }))).toEqual({ outcome, lines: [] });
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['true', true],
    ['false', false],
    ['a word', 'rejected'],
    ['no outcome', {}],
    ['another outcome', { outcome: 'delivered' }],
    ['a hold without an end', { outcome: 'held' }],
    ['a hold for NaN', { outcome: 'held', forMs: Number.NaN }],
    ['a hold for ever', { outcome: 'held', forMs: Infinity }],
    ['a hold that has ended', { outcome: 'held', forMs: -1 }],
    ['a hold for a text', { outcome: 'held', forMs: 'secret' }],
    ['an unknown field', { outcome: 'rejected', because: 'secret' }],
    ['the message', request],
  ])('sends nothing and logs it if the answer is %s', async (_what, returned) => {
    const { outcome, lines } = await ask(() => returned);
    const detail = 'the hook beforeSend returned something else than a refusal, so nothing was sent';
    expect(outcome).toEqual({ kind: 'not-sent', detail, ...UNSENT });
    expect(lines).toEqual([expect.stringMatching(/"level":"error".*"id":"m1".*the hook beforeSend must return/)]);
    expect(lines.join()).not.toContain('secret');
  });

  const failing = (): never => {
    throw new RangeError('secret');
  };
  it.each<[string, (...given: Parameters<BeforeSend>) => unknown, string]>([
    ['throws', failing, 'RangeError'],
    [
      'rejects',
      async () => await Promise.reject(Object.assign(new Error('secret'), { code: 'ECONNREFUSED' })),
      'ECONNREFUSED',
    ],
    [
      'has a getter that throws',
      () => ({
        get outcome() {
          return failing();
        },
      }),
      'RangeError',
    ],
    ['hangs', hang, 'DeadlineError'],
  ])('sends nothing and logs it if it %s', async (_what, hook, code) => {
    const { outcome, lines } = await ask(hook);
    const detail = `the hook beforeSend failed or took too long, so nothing was sent (${code})`;
    expect(outcome).toEqual({ kind: 'not-sent', detail, ...UNSENT });
    expect(lines).toEqual([expect.stringMatching(/"level":"error".*"id":"m1".*the hook beforeSend failed/)]);
    expect(lines.join()).not.toContain('secret');
  });

  it('has no longer than the request may still begin', async () => {
    const { logger } = readableLogger();
    const beforeSend = createBeforeSend(hang, 3_600_000, logger);
    const candidate = { id: 'm1', label: null, attempt: 1, body, signal: new Stop() };
    expect(await beforeSend(candidate, performance.now() + HANG_MS)).toMatchObject({ kind: 'not-sent' });
  });

  it.each<[string, (message: Writable) => void]>([
    ['the message', (outgoing) => (outgoing.message.type = 'text')],
    ['a deep part', ({ message }) => Object.assign(message.template.buttons[0] ?? {}, { text: 'z' })],
    ['a list', (outgoing) => outgoing.message.template.buttons.push({})],
    ['an id', (outgoing) => (outgoing.pageId = 'p2')],
    ['a new field', (outgoing) => (outgoing.message.more = 1)],
  ])('can not change %s: to try is an error', async (_what, change) => {
    const { outcome } = await ask((outgoing) => change(outgoing as Writable));
    expect(outcome).toMatchObject({ kind: 'not-sent', detail: expect.stringContaining('(TypeError)') as unknown });
  });

  it('is given up when the worker stops, without an error', async () => {
    const signal = new Stop();
    const asked = ask(
      async () => {
        signal.abort();
        return await hang();
      },
      { signal },
    );
    const outcome = { kind: 'not-sent', detail: 'the request was given up before it was sent', ...UNSENT };
    expect(await asked).toEqual({ outcome, lines: [] });
  });

  it('is not asked when nothing can be sent any more', async () => {
    const stopped = new Stop();
    stopped.abort();
    expect(await ask(failing, { signal: stopped })).toEqual({ outcome: null, lines: [] });
    expect(await ask(failing, { leftMs: -1 })).toEqual({ outcome: null, lines: [] });
  });
});
