import { manyMessages } from '../../support/messages.ts';
import { eventually } from '../../support/eventually.ts';
import { inArena } from '../in-arena.ts';
import { recoveryOfStruck, settleAccounts, untilEnded } from '../ledger.ts';
import type { Scenario } from '../scenario.ts';

const KILLS = 20;
const MESSAGES = 10_000;
/** Long, so that a busy moment of this machine doesn't look like an API that doesn't answer. */
const TIMEOUT_MS = 4000;
/** The lock of twice the time-out, two checks of 4 s, and then the wait for its turn behind others, on a busy machine. */
const RECOVERY_LIMIT_MS = 30_000;

/** Workers are killed while sending, twenty times over ten thousand messages. */
export function workerKills(policy: 'resend' | 'dead-letter'): Scenario {
  return inArena({
    name: `worker SIGKILLs, ${policy}`,
    workers: 4,
    api: { latencyMs: 60 },
    env: { KITECHAT_ON_UNKNOWN_OUTCOME: policy, KITECHAT_TIMEOUT_MS: String(TIMEOUT_MS) },
    async play(arena) {
      await arena.store(manyMessages(500, MESSAGES / 500, 8));
      for (let kill = 1; kill <= KILLS; kill += 1) {
        // Spread over the messages, not over time, so that every kill hits a busy worker.
        const enough = (kill * MESSAGES) / (KILLS + 2);
        await eventually('some more arrived', async () => (await arena.api.counts()).accepted >= enough, 60_000);
        await arena.fleet.killOne();
      }
      await untilEnded(arena);
      const open = arena.fleet.struck.length;
      return await settleAccounts(arena, {
        duplicates: policy === 'resend' ? open : 0,
        dead: policy === 'resend' ? 0 : open,
        recoveryMs: await recoveryOfStruck(arena),
        recoveryLimitMs: RECOVERY_LIMIT_MS,
      });
    },
  });
}
