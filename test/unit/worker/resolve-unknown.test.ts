import { describe, expect, it } from 'vitest';
import type { AttemptRecord } from '../../../src/shared/model/attempts.ts';
import { Stop } from '../../../src/worker/http/stop-signal.ts';
import {
  createResolveUnknown,
  type ResolveUnknown,
  type UnknownOutcome,
} from '../../../src/worker/message/resolve-unknown.ts';
import { readableLogger } from './log-lines.ts';

const message = { type: 'text', text: 'secret' };
const body = JSON.stringify({ pageId: 'p1', conversationId: 'c1', message });
const attempt: AttemptRecord = {
  at: '2026-01-05T12:00:10.000Z',
  outcome: 'unknown',
  detail: 'no answer in 10000 ms',
  httpStatus: null,
  durationMs: 10_000,
  usedAttempt: true,
};
const since = '2026-01-05T12:00:00.000Z';
const TIMEOUT_MS = 40;

async function ask(
  hook: (...given: Parameters<ResolveUnknown>) => unknown,
  { leftMs = 60_000, timeoutMs = TIMEOUT_MS, signal = new Stop() } = {},
) {
  const { logger, lines } = readableLogger();
  const resolve = createResolveUnknown(hook as ResolveUnknown, timeoutMs, logger);
  const question = { id: 'm1', label: 'sale', body, uncertain: { attempt, since }, signal };
  const beganAt = performance.now();
  const resolution = await resolve(question, beganAt + leftMs);
  return { resolution, lines, tookMs: performance.now() - beganAt };
}

const hang = (): Promise<never> => new Promise(() => {});
const failing = (): never => {
  throw new RangeError('secret');
};

describe('the hook resolveUnknown', () => {
  it.each(['delivered', 'not-sent', 'unknown'])('may say %s, at once or later', async (word) => {
    expect(await ask(() => word)).toMatchObject({ resolution: word, lines: [] });
    expect(await ask(async () => await Promise.resolve(word))).toMatchObject({ resolution: word, lines: [] });
  });

  it('gets the message, the last uncertain attempt, and since when to look for it', async () => {
    const asked: UnknownOutcome[] = [];
    await ask((unknown) => void asked.push(unknown));
    const request = { id: 'm1', pageId: 'p1', conversationId: 'c1', message, label: 'sale' };
    expect(asked).toEqual([{ request, attempt, since }]);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['true', true],
    ['another word', 'sent'],
    ['an object', { outcome: 'delivered' }],
    ['the message', message],
  ])('leaves the outcome unknown and logs it if the answer is %s', async (_what, returned) => {
    const { resolution, lines } = await ask(() => returned);
    expect(resolution).toBe('unknown');
    expect(lines).toEqual([expect.stringMatching(/"level":"error".*"id":"m1".*the hook resolveUnknown must return/)]);
    expect(lines.join()).not.toContain('secret');
  });

  it.each<[string, (...given: Parameters<ResolveUnknown>) => unknown]>([
    ['throws', failing],
    ['rejects', async () => await Promise.reject(new Error('secret'))],
    ['hangs', hang],
    ['writes to the message', ({ request }) => Object.assign(request.message, { text: 'x' })],
    ['writes to the attempt', (unknown) => Object.assign(unknown.attempt, { detail: 'x' })],
  ])('leaves the outcome unknown and logs it if it %s', async (_what, hook) => {
    const { resolution, lines } = await ask(hook);
    expect(resolution).toBe('unknown');
    expect(lines).toEqual([expect.stringMatching(/"level":"error".*"id":"m1".*the hook resolveUnknown failed/)]);
    expect(lines.join()).not.toContain('secret');
  });

  it('has half of the time until the request must have begun, so that it can still begin', async () => {
    const { resolution, tookMs } = await ask(hang, { timeoutMs: 4000, leftMs: 4400 });
    expect(resolution).toBe('unknown');
    expect(tookMs).toBeLessThan(400);
  });

  it('is asked without a limit by a lock when nothing is sent then', async () => {
    expect(await ask(() => 'delivered', { leftMs: Infinity })).toMatchObject({ resolution: 'delivered' });
    expect(await ask(hang, { leftMs: Infinity })).toMatchObject({ resolution: 'unknown' });
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
    expect(await asked).toMatchObject({ resolution: 'unknown', lines: [] });
  });

  it('is not asked when nothing can be sent any more', async () => {
    const stopped = new Stop();
    stopped.abort();
    expect(await ask(failing, { signal: stopped })).toMatchObject({ resolution: 'unknown', lines: [] });
    expect(await ask(failing, { leftMs: TIMEOUT_MS - 1 })).toMatchObject({ resolution: 'unknown', lines: [] });
  });
});
