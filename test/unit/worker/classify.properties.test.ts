import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExchangeFailure } from '../../../src/worker/http/exchange.ts';
import { judgeAnswer } from '../../../src/worker/message/judge-answer.ts';
import { answered, judge, unanswered } from './exchanges.ts';

const anyFailure = fc.oneof(
  fc.constant(null),
  fc.constantFrom<ExchangeFailure>({ kind: 'timeout' }, { kind: 'aborted' }, { kind: 'lock-too-short' }),
  fc.record({ kind: fc.constant('connection' as const), code: fc.string() }),
);
const anyRetryAfter = fc.oneof(fc.constant(null), fc.string(), fc.nat().map(String));
const success = fc.integer({ min: 200, max: 299 });

const anyBody = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json({ maxDepth: 3 }),
  fc
    .tuple(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 })), fc.jsonValue({ maxDepth: 1 }))
    .map(([rest, said]) => JSON.stringify({ ...rest, success: said })),
  fc.json().map((text) => text.slice(0, -1)),
);

describe('classify, as a rule', () => {
  it('calls a 2xx what its answer says, however it ends', () => {
    fc.assert(
      fc.property(success, anyBody, anyRetryAfter, anyFailure, (httpStatus, body, retryAfter, failure) => {
        const exchange = answered(httpStatus, { body, retryAfter, failure });
        expect(judge(exchange).kind).toBe(judgeAnswer(exchange, 'strict').kind);
        expect(judge(exchange, { answers: 'any-2xx' }).kind).toBe(judgeAnswer(exchange, 'any-2xx').kind);
      }),
    );
  });

  it('calls a 2xx with an explicit failure refused, whatever else it says', () => {
    const rest = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 }));
    fc.assert(
      fc.property(success, rest, fc.constantFrom(false, 0), (httpStatus, others, said) => {
        const body = JSON.stringify({ ...others, success: said });
        expect(judge(answered(httpStatus, { body })).kind).toBe('rejected');
      }),
    );
  });

  it('calls what never reached a socket not sent, and what did without an answer unknown', () => {
    fc.assert(
      fc.property(anyFailure, (failure) => {
        expect(judge(unanswered(false, failure)).kind).toBe('not-sent');
        expect(judge(unanswered(true, failure)).kind).toBe('unknown');
      }),
    );
  });

  it('never calls an answered request not sent, and asks for no hold that is not held', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999 }), anyBody, anyRetryAfter, (httpStatus, body, retryAfter) => {
        const { kind, holdMs } = judge(answered(httpStatus, { body, retryAfter }));
        expect(kind).not.toBe('not-sent');
        if (kind !== 'held') expect(holdMs).toBeNull();
      }),
    );
  });

  it('names the trouble of whatever is held, and of nothing else', () => {
    const anyExchange = fc.oneof(
      fc
        .tuple(fc.oneof(fc.constantFrom(401, 403, 429, 503), fc.integer({ min: 0, max: 999 })), anyBody, anyRetryAfter)
        .map(([httpStatus, body, retryAfter]) => answered(httpStatus, { body, retryAfter })),
      fc.tuple(fc.boolean(), anyFailure).map(([reachedSocket, failure]) => unanswered(reachedSocket, failure)),
    );
    fc.assert(
      fc.property(anyExchange, (exchange) => {
        const { kind, trouble } = judge(exchange);
        const byStatus: Record<number, string> = { 401: 'unauthorized', 403: 'forbidden' };
        expect(trouble).toBe(kind === 'held' ? (byStatus[exchange.httpStatus ?? 0] ?? 'limited') : undefined);
      }),
    );
  });

  it('never repeats what the API said in a detail', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 999 }), fc.uuid(), (httpStatus, secret) => {
        const { detail } = judge(
          answered(httpStatus, { body: `{"success":false,"said":"${secret}"}`, retryAfter: secret }),
        );
        expect(detail ?? '').not.toContain(secret);
      }),
    );
  });
});
