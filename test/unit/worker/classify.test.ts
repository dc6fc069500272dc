import { describe, expect, it } from 'vitest';
import type { ClassifyResponse } from '../../../src/worker/message/judgement.ts';
import type { ExchangeFailure } from '../../../src/worker/http/exchange.ts';
import { refusedForGood } from '../../../src/worker/message/classify.ts';
import { answered, judge, unanswered } from './exchanges.ts';

const connectionLost: ExchangeFailure = { kind: 'connection', code: 'ECONNRESET' };

describe('classify: an answer', () => {
  it.each([200, 201, 202, 203, 204, 205, 206, 207, 226, 299])('takes %i for delivered', (httpStatus) => {
    expect(judge(answered(httpStatus))).toEqual({ kind: 'delivered', detail: null, httpStatus, holdMs: null });
  });

  it.each([
    ['success true', '{"success": true, "id": 7}'],
    ['the bare text Ok', 'Ok'],
    ['nothing', ''],
    ['broken JSON', '{"success": fal'],
    ['null', 'null'],
  ])('takes a 2xx that says %s for delivered', (_what, body) => {
    expect(judge(answered(200, { body }))).toEqual({ kind: 'delivered', detail: null, httpStatus: 200, holdMs: null });
  });

  it.each([
    [200, '{"success": false, "message": "no such page"}', 'the answer says success: false'],
    [201, '\n { "Success" : "0" } \n', 'the answer says success: false'],
    [202, '{"errors": ["no such page"]}', 'the answer has a field "errors" that is not empty'],
    [200, '[{"status": "failed"}]', 'the answer says status: error'],
    [200, 'false', 'the answer is false'],
  ])('takes %i that says %s for refused, and says why', (httpStatus, body, says) => {
    const detail = `HTTP ${httpStatus}, but ${says}`;
    expect(judge(answered(httpStatus, { body }))).toEqual({ kind: 'rejected', detail, httpStatus, holdMs: null });
  });

  it.each([
    ['a page', { body: '<html>Please sign in</html>' }, 'an HTML page'],
    ['a page by its type', { body: 'Please sign in', contentType: 'text/html' }, 'an HTML page'],
    ['XML', { body: '<ok/>', contentType: 'application/xml' }, 'XML'],
    [
      'what can not be decoded',
      { body: '\u001f\ufffd', bodyState: 'undecoded' as const },
      "a body that can't be decoded",
    ],
  ])('can not know what came of a 2xx with %s', (_what, parts, content) => {
    const detail = `HTTP 200 with ${content} instead of an answer of the API`;
    expect(judge(answered(200, parts))).toEqual({ kind: 'unknown', detail, httpStatus: 200, holdMs: null });
    expect(judge(answered(200, parts), { answers: 'any-2xx' }).kind).toBe('delivered');
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

  it.each([408, 500, 501, 502, 504, 505, 507, 511, 520, 522, 599, 600, 999])(
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

  it.each([
    [401, 'unauthorized', 'the API key was refused'],
    [403, 'forbidden', 'the recipient, the page or the API key was refused'],
  ])('lets the message wait after %i, because it may not be the cause', (httpStatus, trouble, refused) => {
    const detail = `HTTP ${httpStatus}: ${refused}`;
    expect(judge(answered(httpStatus))).toEqual({ kind: 'held', trouble, detail, httpStatus, holdMs: null });
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
  ])('holds the message after %s', (_what, httpStatus, parts, holdMs) => {
    const detail = `HTTP ${httpStatus}: rate limit`;
    const trouble = 'limited';
    expect(judge(answered(httpStatus, parts))).toEqual({ kind: 'held', trouble, detail, httpStatus, holdMs });
  });

  const htmlPage = { body: '<html>503 Service Temporarily Unavailable</html>', contentType: 'text/html' };

  it.each([
    ['alone', {}, null],
    ['with a page of nginx', htmlPage, null],
    ['with a page and Retry-After', { ...htmlPage, retryAfter: '3' }, 3000],
    ['with a body that can not be decoded', { body: '\u001f', bodyState: 'undecoded' as const }, null],
  ])('takes 503 %s for not processed', (_what, parts, holdMs) => {
    const outcome = judge(answered(503, parts));
    const detail = `HTTP 503: ${holdMs === null ? 'not processed' : 'rate limit'}`;
    expect(outcome).toMatchObject({ kind: 'held', detail, holdMs });
  });

  it('takes 503 for unknown where that is set, unless it asks to wait', () => {
    const on503 = 'unknown';
    for (const parts of [{}, htmlPage]) {
      expect(judge(answered(503, parts), { on503 })).toMatchObject({ kind: 'unknown', detail: 'HTTP 503' });
    }
    for (const parts of [{ retryAfter: '2' }, { body: 'request limit exceeded' }]) {
      expect(judge(answered(503, parts), { on503 })).toMatchObject({ kind: 'held', detail: 'HTTP 503: rate limit' });
    }
  });

  // Our clock says 12:00:00.
  it.each<[string, { date?: string; age?: string; retryAfter: string }, number | null]>([
    ['a clock like ours', { date: '12:00:00', retryAfter: '12:00:30' }, 30_000],
    ['a clock 90 s behind', { date: '11:58:30', retryAfter: '11:59:00' }, 30_000],
    ['a clock 90 s ahead', { date: '12:01:30', retryAfter: '12:02:00' }, 30_000],
    ['a clock 90 s behind, and a date that has passed', { date: '11:58:30', retryAfter: '11:58:00' }, 0],
    ['a clock 90 s ahead, and no time to wait', { date: '12:01:30', retryAfter: '12:01:30' }, 0],
    ['no clock', { retryAfter: '12:00:30' }, 30_000],
    ['a clock that can not be read', { date: 'noon', retryAfter: '12:00:30' }, 30_000],
    ['an answer of a cache', { date: '11:58:30', age: '20', retryAfter: '11:59:00' }, 10_000],
    ['an answer of a cache that waited long enough', { date: '11:58:30', age: '60', retryAfter: '11:59:00' }, 0],
    ['an age that can not be read', { date: '11:58:30', age: 'old', retryAfter: '11:59:00' }, 30_000],
    ['a negative age', { date: '11:58:30', age: '-20', retryAfter: '11:59:00' }, 30_000],
    ['an age without a clock', { age: '20', retryAfter: '12:00:30' }, 30_000],
  ])('counts a Retry-After that is a date by the clock of the API: %s', (_what, { date, retryAfter, age }, holdMs) => {
    const onDay = (time: string): string => (time === 'noon' ? time : `Mon, 05 Jan 2026 ${time} GMT`);
    for (const httpStatus of [429, 503]) {
      const parts = { retryAfter: onDay(retryAfter), date: date === undefined ? null : onDay(date), age: age ?? null };
      expect(judge(answered(httpStatus, parts)).holdMs).toBe(holdMs);
    }
  });

  it.each([500, 502, 504, 408])('does not hold after %i, whatever it says', (httpStatus) => {
    expect(judge(answered(httpStatus, { body: 'limit', retryAfter: '5' }))).toMatchObject({
      kind: 'unknown',
      holdMs: null,
    });
  });
});

describe('a 403 that turned out to be about the recipient', () => {
  it('is rejected, and says why', () => {
    expect(refusedForGood(judge(answered(403, { retryAfter: '5' })))).toMatchObject({
      kind: 'rejected',
      detail: 'HTTP 403: refused, while the API key works for other conversations',
      httpStatus: 403,
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

  it.each(statuses)('lets it hold the message after %i, as after a 429', (httpStatus) => {
    const outcome = judge(answered(httpStatus), { classifyResponse: () => 'held' });
    const detail = 'classifyResponse: held';
    expect(outcome).toEqual({ kind: 'held', trouble: 'limited', detail, httpStatus, holdMs: null });
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
