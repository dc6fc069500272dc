import { setTimeout as delay } from 'node:timers/promises';
import { manyMessages } from '../../support/messages.ts';
import { inArena } from '../in-arena.ts';
import { settleAccounts, unansweredBy, untilEnded } from '../ledger.ts';

/**
 * All rows of the table of outcomes at once, with a small pool of connections, and an API that can't be reached for some
 * seconds. Only messages that the API accepted without confirming them may arrive twice.
 */
export const apiFaults = inArena({
  name: 'every fault of the API, small pool',
  workers: 3,
  env: { KITECHAT_CONCURRENCY: '8' },
  api: {
    faults: [
      { kind: 'status', status: 500, rate: 0.04 },
      { kind: 'status', status: 502, rate: 0.01 },
      { kind: 'status', status: 503, rate: 0.01 },
      { kind: 'status', status: 408, rate: 0.01 },
      // Of one conversation: at random among all they would be a limit of the key, and slow everything down.
      { kind: 'status', status: 429, retryAfter: 1, rate: 0.4, match: { conversationId: 'c7' } },
      { kind: 'status', status: 503, retryAfter: 0, rate: 0.4, match: { conversationId: 'c8' } },
      { kind: 'status', status: 401, rate: 0.01 },
      { kind: 'redirect', rate: 0.01 },
      { kind: 'reset', when: 'before', rate: 0.03 },
      { kind: 'reset', when: 'after', rate: 0.02 },
      { kind: 'hang', accept: false, rate: 0.005 },
      { kind: 'hang', accept: true, rate: 0.005 },
      { kind: 'garbage', accept: true, rate: 0.01 },
      { kind: 'slow-body', ms: 3000, rate: 0.005 },
      { kind: 'broken-body', rate: 0.02 },
      { kind: 'huge-body', bytes: 200_000, rate: 0.01 },
      { kind: 'latency', ms: 5 },
    ],
  },
  async play(arena) {
    const storing = arena.storeSlowly(manyMessages(150, 20, 6), 15_000);
    for (let shut = 0; shut < 2; shut += 1) {
      await delay(3000 + arena.random() * 2000);
      await arena.api.shut();
      await delay(2000);
      await arena.api.open();
      arena.fleet.countKill();
    }
    await storing;
    await untilEnded(arena);
    // The gate may also have cut off an answer.
    return await settleAccounts(arena, {
      duplicates: (await unansweredBy(arena)) + (await arena.api.counts()).cut,
    });
  },
});
