import { describe, expect, it } from 'vitest';
import { type ClassifyResponse, judgements } from '../../../src/worker/message/judgement.ts';
import type { Evidence } from '../../../src/worker/fleet/fleet-view.ts';
import { evidenceOf } from '../../../src/worker/message/evidence.ts';
import type { Exchange, ExchangeFailure } from '../../../src/worker/http/exchange.ts';
import { diedInMidSend, type Sent } from '../../../src/worker/message/send.ts';
import { answered, judge, unanswered } from './exchanges.ts';

const wellAndLetIn: Evidence = { api: 'ok', key: 'ok' };
const keyRefused: Evidence = { api: 'ok', key: 'refused' };
const apiFailed: Evidence = { api: 'failed', key: null };
const nothing: Evidence = { api: null, key: null };

const reset: ExchangeFailure = { kind: 'connection', code: 'ECONNRESET' };

function evidenceIn(exchange: Exchange, classifyResponse?: ClassifyResponse): Evidence {
  return evidenceOf({ outcome: judge(exchange, { classifyResponse }), startedAtMs: 0, exchange, keyCircuit: 'key:x' });
}

describe('an answer', () => {
  it.each<[string, Exchange, Evidence]>([
    ['200', answered(200), wellAndLetIn],
    ['204', answered(204), wellAndLetIn],
    ['200 that says success: false', answered(200, { body: '{"success":false}' }), wellAndLetIn],
    ['200 whose body is cut off', answered(200, { failure: reset }), wellAndLetIn],
    ['200 whose body never ends', answered(200, { failure: { kind: 'timeout' } }), wellAndLetIn],
    ['400', answered(400), wellAndLetIn],
    ['404', answered(404), wellAndLetIn],
    ['413', answered(413), wellAndLetIn],
    ['422', answered(422), wellAndLetIn],
    ['429', answered(429), wellAndLetIn],
    ['429 with Retry-After', answered(429, { retryAfter: '5' }), wellAndLetIn],
    ['503 with Retry-After', answered(503, { retryAfter: '5' }), wellAndLetIn],
    ['503 that says limit', answered(503, { body: 'request limit exceeded' }), wellAndLetIn],
    ['401', answered(401), keyRefused],
    ['403', answered(403), keyRefused],
    ['403 whose body is cut off', answered(403, { failure: reset }), keyRefused],
    ['301', answered(301), apiFailed],
    ['408', answered(408), apiFailed],
    ['500', answered(500), apiFailed],
    ['501', answered(501), apiFailed],
    ['502', answered(502), apiFailed],
    ['503 alone', answered(503), apiFailed],
    ['504', answered(504), apiFailed],
    ['500 whose body is cut off', answered(500, { failure: reset }), apiFailed],
  ])('%s', (_what, exchange, evidence) => {
    expect(evidenceIn(exchange)).toEqual(evidence);
  });

  it.each(judgements)('shows what the hook classifyResponse makes of it: %s', (judgement) => {
    const evidence = judgement === 'unknown' ? apiFailed : wellAndLetIn;
    for (const httpStatus of [200, 401, 429, 500]) {
      expect(evidenceIn(answered(httpStatus), () => judgement)).toEqual(evidence);
    }
  });
});

describe('no answer', () => {
  it.each<[string, Exchange, Evidence]>([
    ['a refused connection', unanswered(false, { kind: 'connection', code: 'ECONNREFUSED' }), apiFailed],
    ['no such host', unanswered(false, { kind: 'connection', code: 'ENOTFOUND' }), apiFailed],
    ['a reset in the TLS handshake', unanswered(false, reset), apiFailed],
    ['no connection in time', unanswered(false, { kind: 'timeout' }), apiFailed],
    ['a reset in mid-request', unanswered(true, reset), apiFailed],
    ['no answer in time', unanswered(true, { kind: 'timeout' }), apiFailed],
    ['a request that we gave up before it was sent', unanswered(false, { kind: 'aborted' }), nothing],
    ['a request that we gave up in its middle', unanswered(true, { kind: 'aborted' }), nothing],
    ['a lock that was too short', unanswered(false, { kind: 'lock-too-short' }), nothing],
    ['no reason at all', unanswered(true, null), nothing],
  ])('%s', (_what, exchange, evidence) => {
    expect(evidenceIn(exchange)).toEqual(evidence);
  });
});

describe('no request', () => {
  it('shows nothing where the page has no key', () => {
    const outcome: Sent['outcome'] = {
      kind: 'held',
      scope: 'missing-key',
      detail: null,
      httpStatus: null,
      holdMs: 2000,
    };
    expect(evidenceOf({ outcome, startedAtMs: 0, exchange: null, keyCircuit: null })).toEqual(nothing);
  });

  it('shows nothing where a worker died in mid-send: it may have been the worker', () => {
    expect(evidenceOf(diedInMidSend())).toEqual(nothing);
  });
});
