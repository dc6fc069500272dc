import { describe, expect, it } from 'vitest';
import { type ClassifyResponse, type Judgement, judgements } from '../../../src/worker/message/judgement.ts';
import type { Shown } from '../../../src/worker/fleet/told.ts';
import { shownBy } from '../../../src/worker/message/evidence.ts';
import type { Exchange, ExchangeFailure } from '../../../src/worker/http/exchange.ts';
import { diedInMidSend, type Sent } from '../../../src/worker/message/send.ts';
import { answered, judge, unanswered } from './exchanges.ts';

/** What keeps the message from being accepted, and whether the API works. */
type Seen = Pick<Shown, 'trouble' | 'works'>;

const accepted: Seen = { trouble: null, works: 'accepted' };
const rejected: Seen = { trouble: 'refusing', works: 'answered' };
const limited: Seen = { trouble: 'limited', works: 'answered' };
const unauthorized: Seen = { trouble: 'unauthorized', works: 'answered' };
const forbidden: Seen = { trouble: 'forbidden', works: 'answered' };
const failing: Seen = { trouble: 'failing', works: null };
const nothing: Seen = { trouble: null, works: null };

const reset: ExchangeFailure = { kind: 'connection', code: 'ECONNRESET' };

function shownIn(exchange: Exchange, classifyResponse?: ClassifyResponse): Shown {
  return shownBy({ outcome: judge(exchange, { classifyResponse }), startedAtMs: 0, exchange, keyCircuit: 'key:x' });
}

describe('an answer', () => {
  it.each<[string, Exchange, Seen]>([
    ['200', answered(200), accepted],
    ['204', answered(204), accepted],
    ['200 that says success: false', answered(200, { body: '{"success":false}' }), rejected],
    ['200 with an HTML page', answered(200, { body: '<html>' }), failing],
    ['200 whose body is cut off', answered(200, { failure: reset }), accepted],
    ['200 whose body never ends', answered(200, { failure: { kind: 'timeout' } }), accepted],
    ['400', answered(400), rejected],
    ['404', answered(404), rejected],
    ['413', answered(413), rejected],
    ['422', answered(422), rejected],
    ['429', answered(429), limited],
    ['429 with Retry-After', answered(429, { retryAfter: '5' }), limited],
    ['503 with Retry-After', answered(503, { retryAfter: '5' }), limited],
    ['503 that says limit', answered(503, { body: 'request limit exceeded' }), limited],
    ['503 alone', answered(503), limited],
    ['401', answered(401), unauthorized],
    ['403', answered(403), forbidden],
    ['403 whose body is cut off', answered(403, { failure: reset }), forbidden],
    ['301', answered(301), failing],
    ['408', answered(408), failing],
    ['500', answered(500), failing],
    ['501', answered(501), failing],
    ['502', answered(502), failing],
    ['504', answered(504), failing],
    ['500 whose body is cut off', answered(500, { failure: reset }), failing],
  ])('%s', (_what, exchange, seen) => {
    expect(shownIn(exchange)).toMatchObject({ ...seen, what: `HTTP ${exchange.httpStatus}` });
  });

  it('says how long the API asks us to wait', () => {
    expect(shownIn(answered(429, { retryAfter: '5' }))).toMatchObject({ askedMs: 5000, askedScope: undefined });
    expect(shownIn(answered(429))).toMatchObject({ askedMs: null, askedScope: undefined });
  });

  const byJudgement: Record<(typeof judgements)[number], Seen> = {
    delivered: accepted,
    rejected,
    failed: { trouble: null, works: 'answered' },
    unknown: failing,
    held: limited,
  };

  it.each(judgements)('shows what the hook classifyResponse makes of it: %s', (judgement) => {
    for (const httpStatus of [200, 401, 429, 500]) {
      expect(shownIn(answered(httpStatus), () => judgement)).toMatchObject(byJudgement[judgement]);
    }
  });

  it.each<[string, Judgement, Partial<Shown>]>([
    ['its page', { outcome: 'held', scope: 'page', forMs: 7000 }, { askedScope: 'page', askedMs: 7000 }],
    ['everything', { outcome: 'held', scope: 'api' }, { askedScope: 'api', askedMs: null }],
    ['the message alone', { outcome: 'held', forMs: 10 }, { askedScope: 'conversation', askedMs: 10 }],
  ])('shows what the hook classifyResponse wants held: %s', (_what, judgement, asked) => {
    for (const httpStatus of [200, 401, 403, 500]) {
      expect(shownIn(answered(httpStatus), () => judgement)).toMatchObject({ ...limited, ...asked });
    }
  });
});

describe('no answer', () => {
  it.each<[string, Exchange, Seen]>([
    ['a refused connection', unanswered(false, { kind: 'connection', code: 'ECONNREFUSED' }), failing],
    ['no such host', unanswered(false, { kind: 'connection', code: 'ENOTFOUND' }), failing],
    ['a reset in the TLS handshake', unanswered(false, reset), failing],
    ['no connection in time', unanswered(false, { kind: 'timeout' }), failing],
    ['a reset in mid-request', unanswered(true, reset), failing],
    ['no answer in time', unanswered(true, { kind: 'timeout' }), failing],
    ['a request that we gave up before it was sent', unanswered(false, { kind: 'aborted' }), nothing],
    ['a request that we gave up in its middle', unanswered(true, { kind: 'aborted' }), nothing],
    ['a lock that was too short', unanswered(false, { kind: 'lock-too-short' }), nothing],
    ['no reason at all', unanswered(true, null), nothing],
  ])('%s', (_what, exchange, seen) => {
    expect(shownIn(exchange)).toMatchObject(seen);
  });

  it('is named by its detail', () => {
    expect(shownIn(unanswered(true, reset)).what).toBe('connection lost (ECONNRESET)');
  });
});

describe('no request', () => {
  it('shows only that the key is missing where the page has none', () => {
    const outcome: Sent['outcome'] = {
      kind: 'held',
      trouble: 'no-key',
      detail: null,
      httpStatus: null,
      holdMs: 2000,
    };
    const shown = shownBy({ outcome, startedAtMs: 0, exchange: null, keyCircuit: null });
    expect(shown).toMatchObject({ trouble: 'no-key', works: null, askedMs: 2000 });
  });

  it.each(['rejected', 'failed', 'delivered'] as const)('shows nothing where the hook beforeSend says %s', (kind) => {
    const outcome: Sent['outcome'] = { kind, detail: 'beforeSend', httpStatus: null, holdMs: null };
    expect(shownBy({ outcome, startedAtMs: 0, exchange: null, keyCircuit: 'key:x' })).toMatchObject(nothing);
  });

  it('shows nothing where a worker died in mid-send: it may have been the worker', () => {
    expect(shownBy(diedInMidSend())).toMatchObject(nothing);
  });
});
