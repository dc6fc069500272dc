import { describe, expect, it } from 'vitest';
import type { ClassifyResponse } from '../../../src/worker/message/judgement.ts';
import type { ExchangeFailure } from '../../../src/worker/http/exchange.ts';
import { answered, judge, unanswered } from './exchanges.ts';

const connectionLost: ExchangeFailure = { kind: 'connection', code: 'ECONNRESET' };

describe('classify: an answer', () => {
  it.each([200, 201, 202, 203, 204, 205, 206, 207, 226, 299])('takes %i for delivered', (httpStatus) => {
    expect(judge(answered(httpStatus))).toEqual({ kind: 'delivered', detail: null, httpStatus, holdMs: null });
  });

  it.each([
    ['success true', '{"success": true, "id": 7}'],
    ['success 1', '{"success": 1}'],
    ['the bare text Ok', 'Ok'],
    ['nothing', ''],
    ['spaces', ' \r\n'],
    ['broken JSON', '{"success": fal'],
    ['a broken answer that began with a failure', '{"success": false, "mess'],
    ['HTML', '<html>success: false</html>'],
    ['success as the text false', '{"success": "false"}'],
    ['success as the text 0', '{"success": "0"}'],
    ['success null', '{"success": null}'],
    ['success empty', '{"success": ""}'],
    ['a nested failure', '{"data": {"success": false}}'],
    ['a failure in a list', '[{"success": false}]'],
    ['a failure under another spelling', '{"Success": false}'],
    ['an inherited key', '{"__proto__": {"success": false}}'],
    ['a message without success', '{"message": "limit exceeded"}'],
    ['null', 'null'],
    ['false', 'false'],
    ['zero', '0'],
    ['a text', '"success"'],
  ])('takes a 2xx that says %s for delivered', (_what, body) => {
    expect(judge(answered(200, { body }))).toEqual({ kind: 'delivered', detail: null, httpStatus: 200, holdMs: null });
  });

  it.each([
    ['200 with success false', 200, '{"success": false, "message": "no such page"}'],
    ['200 with success 0', 200, '{"success":0}'],
    ['201 with success false among spaces', 201, '\n { "success" : false } \n'],
  ])('takes %s for refused', (_what, httpStatus, body) => {
    const detail = `HTTP ${httpStatus}, but the answer says success: false`;
    expect(judge(answered(httpStatus, { body }))).toEqual({ kind: 'rejected', detail, httpStatus, holdMs: null });
  });

  it.each<ExchangeFailure>([{ kind: 'timeout' }, { kind: 'aborted' }, connectionLost])(
    'takes a 2xx for delivered even if its body ends with %j',
    (failure) => {
      expect(judge(answered(200, { body: '{"succ', failure }))).toMatchObject({ kind: 'delivered', detail: null });
    },
  );

  it.each([
    400, 402, 404, 405, 406, 407, 409, 410, 411, 412, 413, 414, 415, 417, 418, 421, 422, 423, 425, 431, 451, 499,
  ])('takes %i for refused', (httpStatus) => {
    const detail = `HTTP ${httpStatus}`;
    expect(judge(answered(httpStatus))).toEqual({ kind: 'rejected', detail, httpStatus, holdMs: null });
  });

  it.each([408, 500, 501, 502, 503, 504, 505, 507, 511, 520, 522, 599, 600, 999])(
    'can not know what came of %i',
    (httpStatus) => {
      const detail = `HTTP ${httpStatus}`;
      expect(judge(answered(httpStatus, { body: 'oops' }))).toEqual({
        kind: 'unknown',
        detail,
        httpStatus,
        holdMs: null,
      });
    },
  );

  it.each([300, 301, 302, 303, 304, 307, 308, 399])(
    'can not know what came of %i and says what to configure',
    (httpStatus) => {
      const outcome = judge(answered(httpStatus));
      expect(outcome).toMatchObject({ kind: 'unknown', httpStatus, holdMs: null });
      expect(outcome.detail).toBe(
        `HTTP ${httpStatus}: a redirect, and redirects are never followed; set the URL of the API to the final address`,
      );
    },
  );

  it.each([0, 100, 101, 103, 199])('can not know what came of a final %i, which no server may send', (httpStatus) => {
    expect(judge(answered(httpStatus)).kind).toBe('unknown');
  });

  it.each([401, 403])('holds the key after %i, because it was refused and not the message', (httpStatus) => {
    const detail = `HTTP ${httpStatus}: the API key was refused`;
    expect(judge(answered(httpStatus))).toEqual({ kind: 'held', scope: 'key', detail, httpStatus, holdMs: null });
    expect(judge(answered(httpStatus, { retryAfter: '5' })).holdMs).toBe(5000);
  });

  it.each([
    ['429', 429, {}, null],
    ['429 with Retry-After', 429, { retryAfter: '30' }, 30_000],
    ['429 with a date', 429, { retryAfter: 'Mon, 05 Jan 2026 12:00:07 GMT' }, 7000],
    ['429 with a date that has passed', 429, { retryAfter: 'Mon, 05 Jan 2026 11:00:00 GMT' }, 0],
    ['429 with a Retry-After above the longest hold', 429, { retryAfter: '86400' }, 900_000],
    ['429 with a Retry-After that can not be read', 429, { retryAfter: 'later' }, null],
    ['503 with Retry-After', 503, { retryAfter: '2' }, 2000],
    ['503 with a Retry-After that can not be read', 503, { retryAfter: 'later' }, null],
    ['503 that says limit', 503, { body: '{"success":false,"message":"request limit exceeded"}' }, null],
    ['503 that says Limit in a broken answer', 503, { body: '<h1>Limit exce', failure: connectionLost }, null],
    ['503 with both', 503, { body: 'LIMIT', retryAfter: '0.25' }, 250],
  ])('holds the page after %s', (_what, httpStatus, parts, holdMs) => {
    const detail = `HTTP ${httpStatus}: rate limit`;
    expect(judge(answered(httpStatus, parts))).toEqual({ kind: 'held', scope: 'page', detail, httpStatus, holdMs });
  });

  it.each([500, 502, 504, 408])('does not hold after %i, whatever it says', (httpStatus) => {
    expect(judge(answered(httpStatus, { body: 'limit', retryAfter: '5' }))).toMatchObject({
      kind: 'unknown',
      holdMs: null,
    });
  });
});

describe('classify: no answer', () => {
  it.each<[string, ExchangeFailure | null, string]>([
    ['a refused connection', { kind: 'connection', code: 'ECONNREFUSED' }, 'no connection (ECONNREFUSED)'],
    ['a reset in the TLS handshake', connectionLost, 'no connection (ECONNRESET)'],
    ['no connection in time', { kind: 'timeout' }, 'no connection in 10000 ms'],
    ['giving up before', { kind: 'aborted' }, 'the request was given up before it was sent'],
    ['too short a lock', { kind: 'lock-too-short' }, 'the lock on the message could have ended before the request'],
    ['no reason at all', null, 'no answer'],
  ])('knows that nothing was sent after %s', (_what, failure, detail) => {
    const outcome = { kind: 'not-sent', detail, httpStatus: null, holdMs: null };
    expect(judge(unanswered(false, failure))).toEqual(outcome);
  });

  it.each<[string, ExchangeFailure | null, string]>([
    ['a reset', connectionLost, 'connection lost (ECONNRESET)'],
    ['no answer in time', { kind: 'timeout' }, 'no answer in 10000 ms'],
    ['giving up', { kind: 'aborted' }, 'the request was given up before an answer came'],
    ['no reason at all', null, 'no answer'],
  ])('can not know what came of a request that ended with %s', (_what, failure, detail) => {
    const outcome = { kind: 'unknown', detail, httpStatus: null, holdMs: null };
    expect(judge(unanswered(true, failure))).toEqual(outcome);
  });
});

describe('classify: the hook classifyResponse', () => {
  const statuses = [200, 302, 400, 401, 403, 429, 500, 503];

  it.each(['delivered', 'rejected', 'failed', 'unknown'] as const)('lets it call any answer %s', (kind) => {
    for (const httpStatus of statuses) {
      const outcome = judge(answered(httpStatus), { classifyResponse: () => kind });
      expect(outcome).toEqual({ kind, detail: `classifyResponse: ${kind}`, httpStatus, holdMs: null });
    }
  });

  it.each(statuses)('lets it hold the page after %i', (httpStatus) => {
    const outcome = judge(answered(httpStatus), { classifyResponse: () => 'held' });
    const detail = 'classifyResponse: held';
    expect(outcome).toEqual({ kind: 'held', scope: 'page', detail, httpStatus, holdMs: null });
  });

  it('shows it the status, the Retry-After, the type and the body, and nothing else', () => {
    const seen: unknown[] = [];
    const classifyResponse: ClassifyResponse = (answer) => {
      seen.push(answer);
      return undefined;
    };
    const exchange = answered(503, { body: 'busy', retryAfter: '7' });
    judge({ ...exchange, contentType: 'text/plain' }, { classifyResponse });
    expect(seen).toEqual([{ httpStatus: 503, retryAfter: '7', contentType: 'text/plain', body: 'busy' }]);
  });

  it('keeps to the defaults where it has no opinion', () => {
    expect(judge(answered(400), { classifyResponse: () => undefined })).toEqual(judge(answered(400)));
  });

  it('holds as long as the API asks, also where only the hook says so', () => {
    const outcome = judge(answered(500, { retryAfter: '3' }), { classifyResponse: () => 'held' });
    expect(outcome.holdMs).toBe(3000);
  });

  it('is not asked when there was no answer', () => {
    const never: ClassifyResponse = () => {
      throw new Error('asked without an answer');
    };
    expect(judge(unanswered(true, { kind: 'timeout' }), { classifyResponse: never }).kind).toBe('unknown');
    expect(judge(unanswered(false, null), { classifyResponse: never }).kind).toBe('not-sent');
  });
});
