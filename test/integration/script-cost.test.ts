import { beforeEach, describe, expect, it } from 'vitest';
import type { AttemptToSettle, Taken } from '../../src/shared/lanes/messages/settle-and-take.ts';
import { START, useSimulatedTime } from '../support/limits/simulated-time.ts';
import { delivered, ended } from '../support/settlements.ts';
import { useLanes } from '../support/use-lanes.ts';

const AT_ONCE = 33;
const PAGES = 10;

/** What a message costs in Redis: each command that a script calls counts, and the call of the script itself. */
describe('the commands that Redis carries out for a message', () => {
  const time = useSimulatedTime();
  const lanes = useLanes(time);

  /** Where a worker has seen the shard last, as its takes say. */
  const POSITION = 'timeline 1';
  beforeEach(async () => void (await lanes.redis.hset(`${lanes.shard.root}fleet`, 'timeline', 'timeline', 'mark', 1)));

  async function storeMany(conversations: number, each: number): Promise<void> {
    const all = Array.from({ length: conversations * each }, (_, n) => n % conversations);
    await Promise.all(all.map((c) => lanes.store({ page: `p${c % PAGES}`, conversation: `c${c}`, ttlMs: 3_600_000 })));
  }

  /** The commands by their names, without those of this test. */
  async function countCommands(act: () => Promise<void>): Promise<Map<string, number>> {
    await time.redis.config('RESETSTAT');
    await act();
    const stats = await time.redis.info('commandstats');
    const calls = [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)].map(
      ([, name = '', count]) => [name, Number(count)] as const,
    );
    return new Map(calls.filter(([name]) => !['config|resetstat', 'info'].includes(name)));
  }

  function expectAtMost(most: number, commands: ReadonlyMap<string, number>, messages: number): void {
    const perMessage = [...commands]
      .toSorted(([, one], [, other]) => other - one)
      .map(([name, count]) => `${name} ${(count / messages).toFixed(2)}`);
    const all = [...commands.values()].reduce((sum, count) => sum + count, 0) / messages;
    if (process.env['SHOW_COST']) process.stdout.write(`${all.toFixed(2)}: ${perMessage.join(', ')}\n`);
    expect(all, perMessage.join(', ')).toBeLessThanOrEqual(most);
  }

  const endOf = (taken: Taken): AttemptToSettle => ({
    ...ended(taken),
    record: {
      atMs: START,
      outcome: 'delivered',
      detail: null,
      httpStatus: 200,
      durationMs: 1,
      usedAttempt: true,
    },
  });

  it('are 14 at most in a busy drain of ten pages', async () => {
    const rounds = 10;
    await lanes.rules({ concurrency: 2 * AT_ONCE });
    await storeMany(4 * AT_ONCE, rounds);
    let { taken } = await lanes.turn({ places: AT_ONCE });
    let messages = 0;
    const commands = await countCommands(async () => {
      for (let round = 0; round < rounds; round += 1) {
        const answer = await lanes.turn({ places: AT_ONCE, settlements: taken.map(endOf), position: POSITION });
        expect(answer.settled).toEqual(taken.map(() => ({ verdict: 'done', delayMs: 0 })));
        messages += taken.length;
        ({ taken } = answer);
        expect(taken).toHaveLength(AT_ONCE);
      }
    });
    expectAtMost(14, commands, messages);
  });

  // Three of them check what others may have written: the size of the data before it is read, whether the released message is the head of
  // its lane, and whether it is held meanwhile.
  it('are 27 at most under a limit of the fleet, where each message is taken and settled by itself', async () => {
    const [messages, intervalMs] = [100, 20];
    await lanes.rules({ intervalMs });
    await storeMany(200, 1);
    let { slotsMs, taken } = await lanes.turn({ places: 8 });
    for (const first of taken) await lanes.settle(first, delivered, endOf(first));
    const commands = await countCommands(async () => {
      for (let n = 1; n <= messages; n += 1) {
        await time.goTo(START + n * intervalMs);
        const [, ...later] = slotsMs;
        const answer = await lanes.turn({ places: 8, dueSlots: 1, laterSlots: later.length, position: POSITION });
        slotsMs = [...later, ...answer.slotsMs];
        ({ taken } = answer);
        expect(taken).toHaveLength(1);
        await lanes.turn({ settlements: taken.map(endOf), places: 0, laterSlots: slotsMs.length });
      }
    });
    // The test sets the clock, which the scripts read with GET.
    commands.delete('set');
    expectAtMost(27 - 1, commands, messages);
  });
});
