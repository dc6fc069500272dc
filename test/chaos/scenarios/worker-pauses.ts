import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../support/eventually.ts';
import { manyMessages } from '../../support/messages.ts';
import { inArena } from '../in-arena.ts';
import { settleAccounts, unansweredBy, untilEnded } from '../ledger.ts';

/** Longer than the lock of 5 s and the check after it. */
const FROZEN_MS = 9000;

/** Event loops stand still for longer than their locks last, then resume. */
export const frozenWorkers = inArena({
  name: 'frozen workers (SIGSTOP 9 s)',
  workers: 3,
  api: { latencyMs: 40 },
  async play(arena) {
    const storing = arena.storeSlowly(manyMessages(200, 20, 6), 25_000);
    for (let freeze = 0; freeze < 3; freeze += 1) {
      await delay(500);
      await arena.fleet.freezeOne(FROZEN_MS);
    }
    await storing;
    await untilEnded(arena);
    return await settleAccounts(arena, {
      duplicates: arena.fleet.struck.length + (await unansweredBy(arena)),
    });
  },
});

/** Workers are replaced one by one under load, as in a deployment. */
export const deploys = inArena({
  name: 'deploys (SIGTERM under load)',
  workers: 3,
  api: { latencyMs: 60 },
  // Long times, since no worker is killed here, and a busy moment of this machine must not look like an outage.
  env: { KITECHAT_TIMEOUT_MS: '10000', KITECHAT_SHUTDOWN_MS: '25000' },
  async play(arena) {
    await arena.store(manyMessages(300, 20, 6));
    for (let deploy = 1; deploy <= 8; deploy += 1) {
      await eventually(
        'some more arrived',
        async () => (await arena.api.counts()).accepted >= (deploy * 6000) / 10,
        60_000,
      );
      await arena.fleet.deployOne();
    }
    await untilEnded(arena);
    return await settleAccounts(arena);
  },
});
