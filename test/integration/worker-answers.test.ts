import { describe, expect, it } from 'vitest';
import type { Settings } from '../support/settings.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';
import type { Fault } from '../../src/testing/index.ts';

const page: Fault = { kind: 'status', status: 200, body: '<html><body>Please sign in</body></html>' };
const refusal: Fault = { kind: 'status', status: 200, body: { success: true, errors: ['no such page'] } };

describe('what the API answers', () => {
  const used = useRedis();

  const endOf = async (fault: Fault, config: Settings) => {
    await using site = await install(used.server, { config, api: { faults: [fault] } });
    const id = await site.enqueue(textMessage('c1', 1));
    const record = await site.until(
      id,
      fault.times === undefined && config.answers !== 'any-2xx' ? 'dead' : 'delivered',
    );
    const dead = record.status === 'dead' ? await site.deadLetters.get(id) : null;
    return {
      outcomes: record.attempts.map(({ outcome }) => outcome),
      detail: record.attempts[0]?.detail,
      reason: dead?.reason,
    };
  };

  it('is not taken for its success if it is a page of somebody else', async () => {
    expect(await endOf(page, { onUnknownOutcome: 'dead-letter' })).toEqual({
      outcomes: ['unknown'],
      detail: 'HTTP 200 with an HTML page instead of an answer of the API',
      reason: 'unknown-outcome',
    });
    expect(await endOf({ ...page, times: 2 }, {})).toMatchObject({ outcomes: ['unknown', 'unknown', 'delivered'] });
  });

  it('is a refusal if it says so in another way than success: false', async () => {
    expect(await endOf(refusal, {})).toEqual({
      outcomes: ['rejected'],
      detail: 'HTTP 200, but the answer has a field "errors" that is not empty',
      reason: 'rejected',
    });
  });

  it.each([
    ['a page', page],
    ['a refusal', refusal],
  ])('is a success with any-2xx: %s', async (_what, fault) => {
    expect(await endOf(fault, { answers: 'any-2xx' })).toMatchObject({ outcomes: ['delivered'] });
  });

  it('uses no attempt with 503, however often it comes', async () => {
    const fault: Fault = { kind: 'status', status: 503, body: '<html>Service Unavailable</html>', times: 3 };
    expect(await endOf(fault, { attempts: 1, onUnknownOutcome: 'dead-letter' })).toMatchObject({
      outcomes: ['held', 'held', 'held', 'delivered'],
      detail: 'HTTP 503: not processed',
    });
  });

  it('is unknown with 503 where that is set', async () => {
    const settings: Settings = { on503: 'unknown', onUnknownOutcome: 'dead-letter' };
    expect(await endOf({ kind: 'status', status: 503 }, settings)).toMatchObject({
      outcomes: ['unknown'],
      reason: 'unknown-outcome',
    });
  });
});
