import { describe, expect, it } from 'vitest';
import { encryptionKeys, newKeysFile } from '../support/encryption-keys.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';
import type { EnqueueOptions } from '../../src/producer/index.ts';
import { tried } from '../support/tried.ts';

type Fields = Record<string, string>;

const HOUR_MS = 3_600_000;

/** What a producer's Redis user can change in the job of an encrypted message, without an encryption key. */
const changes: [what: string, options: EnqueueOptions, change: (fields: Fields) => Fields, problem: RegExp][] = [
  ['another policy', { onUnknownOutcome: 'dead-letter' }, () => ({ policy: 'resend' }), /policy/],
  ['no policy', { onUnknownOutcome: 'dead-letter' }, () => ({ policy: '' }), /policy/],
  ['a policy', {}, () => ({ policy: 'dead-letter' }), /policy/],
  ['another label', { label: 'spring' }, () => ({ label: 'summer' }), /label/],
  ['a label', {}, () => ({ label: 'summer' }), /label/],
  ['a high priority', {}, () => ({ high: '1' }), /priority/],
  ['no high priority', { priority: 'high' }, () => ({ high: '' }), /priority/],
  ['a later expiry', {}, ({ exp }) => ({ exp: String(Number(exp) + 1) }), /expiry/],
  ['an earlier expiry', {}, ({ exp }) => ({ exp: String(Number(exp) - 1) }), /expiry/],
  ['an expiry that is none', {}, () => ({ exp: '9e99' }), /expiry/],
  ['another time of storing', {}, ({ timestamp }) => ({ timestamp: String(Number(timestamp) + 1) }), /expiry/],
  [
    'a time of storing and an expiry two days later',
    {},
    ({ timestamp, exp }) => ({
      timestamp: String(Number(timestamp) + 48 * HOUR_MS),
      exp: String(Number(exp) + 48 * HOUR_MS),
    }),
    /stored/,
  ],
  ['a due time', {}, ({ timestamp }) => ({ due: String(Number(timestamp) + 5) }), /due/],
  ['an earlier due time', { delayMs: 200 }, ({ due }) => ({ due: String(Number(due) - 150) }), /due/],
  ['the id of a dead letter', {}, () => ({ replays: '0-01ARZ3NDEKTSV4RRFFQ69G5FAV' }), /dead letter/],
];

const used = useRedis();

describe('an encrypted message', () => {
  it('whose job somebody without a key has changed is dead as undecodable, which says what was changed, and never sent', async () => {
    const { path } = newKeysFile(encryptionKeys('k1'));
    await using site = await install(used.server, { config: { encryptionKeysFile: path }, startWorker: false });
    const root = `{${site.config.namespace}:0}:`;
    const ids: string[] = [];
    for (const [nth, [, options, change]] of changes.entries()) {
      const id = await site.enqueue({ ...textMessage(`c${nth}`, 1), ...options });
      const fields = await used.redis.hgetall(`${root}send:${id}`);
      await used.redis.hset(`${root}send:${id}`, change(fields));
      ids.push(id);
    }
    site.startWorker();
    await site.until(await site.enqueue(textMessage('last', 1)), 'delivered');
    for (const [nth, [what, { label }, , problem]] of changes.entries()) {
      const record = await endOf(site, ids[nth] ?? '');
      expect({ what, ...record }).toMatchObject({
        what,
        reason: 'undecodable',
        label: label ?? null,
        attempts: [],
        problem: expect.stringMatching(problem) as string,
      });
    }
    expect(site.api.accepted.map(({ conversationId }) => conversationId)).toEqual(['last']);
    tried({
      against: 'redis',
      input:
        'an encrypted message with another policy, label, priority, expiry, due time, time of storing or replayed dead letter, or with none',
      count: 15,
      result: 'never sent, dead as `undecodable`, which names what was changed',
      before: '14 sent',
    });
  });
});

async function endOf({ producer }: Installation, id: string) {
  return await eventually(`message ${id} has ended`, async () => {
    const record = await producer.getMessage(id);
    return record !== null && ['dead', 'delivered'].includes(record.status) && record;
  });
}
