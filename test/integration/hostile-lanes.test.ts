import { describe, expect, it } from 'vitest';
import { MAX_HISTORY } from '../../src/shared/model/attempts.ts';
import type { AttemptToSettle } from '../../src/shared/lanes/messages/settle-and-take.ts';
import { longestSilenceMs } from '../support/pings.ts';
import { backoff, ended } from '../support/settlements.ts';
import { useLanes } from '../support/use-lanes.ts';
import { useRedis } from '../support/use-redis.ts';

/** What Redis may keep others waiting on a busy machine. The code before took seconds. */
const SHORT_MS = 250;

/** Anybody with a producer's user of Redis can write into jobs, lanes and sets of pages. */
describe('what others wrote into a job or a lane', () => {
  const used = useRedis();
  const lanes = useLanes(used);

  const record: NonNullable<AttemptToSettle['record']> = {
    atMs: 1,
    outcome: 'failed',
    detail: null,
    httpStatus: 500,
    durationMs: 1,
    usedAttempt: true,
  };

  describe('a history of 20 million lines', () => {
    const history = '\n'.repeat(20_000_000);
    const jobKey = (id: string): string => `${lanes.sendRoot}${id}`;

    it.each(['before its first attempt', 'after an attempt', 'after the attempt was taken over'])(
      '%s: Redis answers others while the message is settled, and keeps the new entry only',
      async (when) => {
        const id = await lanes.store({ conversation: 'c1' });
        const first = await lanes.takeNext();
        let settled = first;
        if (when === 'after an attempt') {
          await lanes.settle(first, backoff(0), { record });
          settled = await lanes.takeNext({ look: 'due' });
        }
        if (when === 'after the attempt was taken over') {
          await lanes.stall(first);
          await lanes.settle(await lanes.takeNext(), backoff(60_000), { survived: false });
        }
        await lanes.redis.hset(jobKey(id), 'history', history);
        const silentMs = await longestSilenceMs(used.url, async () => {
          await lanes.turn({ places: 0, settlements: [{ ...ended(settled, backoff(0)), record }] });
        });
        expect(silentMs).toBeLessThan(SHORT_MS);
        const kept = await lanes.redis.hget(jobKey(id), 'history');
        expect(kept === null || kept.length > 100 ? kept?.length : kept).toBe(
          JSON.stringify([1, 'failed', null, 500, 1, 1]),
        );
      },
    );

    it('is not given to a worker', async () => {
      const id = await lanes.store({ conversation: 'c1' });
      await lanes.settle(await lanes.takeNext(), backoff(0), { record });
      await lanes.redis.hset(jobKey(id), 'history', history);
      const taken = await lanes.takeNext({ look: 'due' });
      expect([taken.id, taken.history.length]).toEqual([id, 0]);
    });
  });

  it('a history keeps its last entries, in order', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    for (let n = 1; n <= MAX_HISTORY + 3; n += 1) {
      await lanes.settle(await lanes.takeNext({ look: 'due' }), backoff(0), { record: { ...record, atMs: n } });
    }
    const lines = (await lanes.redis.hget(`${lanes.sendRoot}${id}`, 'history'))?.split('\n') ?? [];
    expect(lines.map((line) => (JSON.parse(line) as number[])[0])).toEqual(
      Array.from({ length: MAX_HISTORY }, (_, n) => n + 4),
    );
  });
});
