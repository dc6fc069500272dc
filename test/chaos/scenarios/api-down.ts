import { setTimeout as delay } from 'node:timers/promises';
import type { UnknownOutcomePolicy } from '../../../src/shared/model/enqueue-options.ts';
import { readFleet } from '../../../src/shared/lanes/fleet/facts.ts';
import type { Fault } from '../../../src/testing/index.ts';
import { eventually } from '../../support/eventually.ts';
import { manyMessages } from '../../support/messages.ts';
import type { Arena } from '../arena.ts';
import { inArena } from '../in-arena.ts';
import { settleAccounts, untilEnded } from '../ledger.ts';
import type { Scenario } from '../scenario.ts';

const TIMEOUT_MS = 1000;

interface Outage {
  name: string;
  /** Far longer than all attempts and backoffs together, which are three attempts and less than half a second of backoff. */
  lastsMs: number;
  /** The fault of every request; `null` if the connection is refused. */
  fault: Fault | null;
  /** What the circuit that opens is about. */
  trouble: string;
}

const OUTAGES: readonly Outage[] = [
  { name: 'refused connections', lastsMs: 8000, fault: null, trouble: 'failing api' },
  { name: '503', lastsMs: 8000, fault: { kind: 'status', status: 503 }, trouble: 'limited key' },
  { name: '500', lastsMs: 8000, fault: { kind: 'status', status: 500 }, trouble: 'failing api' },
  { name: 'time-outs', lastsMs: 14_000, fault: { kind: 'hang', accept: false }, trouble: 'failing api' },
  { name: 'wrong key', lastsMs: 8000, fault: { kind: 'status', status: 401 }, trouble: 'unauthorized key' },
];

/** The API is down in every possible way, one after the other. */
export function apiDown(policy: UnknownOutcomePolicy): Scenario {
  return inArena({
    name: `API away, ${policy}`,
    workers: 3,
    api: { latencyMs: 20, keepRequests: 1_000_000 },
    env: {
      KITECHAT_ON_UNKNOWN_OUTCOME: policy,
      KITECHAT_ATTEMPTS: '3',
      KITECHAT_BACKOFF_MS: '50',
      KITECHAT_BACKOFF_MAX_MS: '100',
      KITECHAT_TIMEOUT_MS: String(TIMEOUT_MS),
    },
    async play(arena) {
      await arena.store(manyMessages(400, 75, 8));
      const violations: string[] = [];
      const figures: string[] = [];
      let probes = 0;
      for (const outage of OUTAGES) {
        await goesOn(arena);
        const { seen, allowed } = await strike(arena, outage);
        probes += allowed;
        figures.push(`${outage.name} ${seen}/${allowed}`);
        if (seen > 1.1 * allowed) violations.push(`${outage.name}: ${seen} requests, ${allowed} probes were allowed`);
      }
      await untilEnded(arena);
      const outcome = await settleAccounts(arena, {
        // After a cut connection the outcome of its request is unknown.
        duplicates: policy === 'resend' ? arena.fleet.struck.length : 0,
        dead: policy === 'resend' ? 0 : arena.fleet.struck.length + probes,
      });
      return { ...outcome, violations, figures: `requests meanwhile / probes: ${figures.join(', ')}` };
    },
  });
}

async function goesOn({ api }: Arena): Promise<void> {
  const { accepted: before } = await api.counts();
  await eventually('messages are delivered', async () => (await api.counts()).accepted > before + 300, 60_000);
}

/** @returns the number of requests that reached the API while it was down, and the number of probes that the circuit allows. */
async function strike(
  arena: Arena,
  { name, lastsMs, fault, trouble }: Outage,
): Promise<{ seen: number; allowed: number }> {
  const { api, fleet, shard } = arena;
  await fleet.whileStopped(async () => {
    await (fault ? api.setFaults([fault]) : api.shut());
  });
  fleet.countKill();
  const startedAt = Date.now();
  const { at: openedAt } = await eventually(`the circuit opens after ${name}`, async () => {
    const { open } = await readFleet(shard.redis, 'kitechat');
    return open.some(({ field }) => field.startsWith(trouble)) && { at: Date.now() };
  });
  // Requests that were sent before all workers knew of the outage end first.
  await delay(TIMEOUT_MS + 500);
  const { requests: before } = await api.counts();
  await delay(lastsMs - (Date.now() - startedAt));
  const seen = (await api.counts()).requests - before;
  await (fault ? api.setFaults([]) : api.open());
  return { seen, allowed: probesIn(lastsMs - (openedAt - startedAt)) };
}

/** The pauses double: after 1 s, 2 s, 4 s and so on. */
function probesIn(openMs: number): number {
  let probes = 0;
  for (let pauseMs = 1000, atMs = pauseMs; atMs <= openMs; atMs += pauseMs *= 2) probes += 1;
  return probes;
}
