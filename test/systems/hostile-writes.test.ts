import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { reconcile } from '../../src/shared/lanes/repair/reconcile.ts';
import { createApp } from '../support/hostile/app.ts';
import { openSite, type Site } from '../support/hostile/site.ts';
import type { Targets } from '../support/hostile/words.ts';
import { hostileWrite, type HostileWrite } from '../support/hostile/writes.ts';
import { longestSilenceMs } from '../support/pings.ts';
import { runCommand } from '../support/run-command.ts';
import { settled } from '../support/settled.ts';
import { tried } from '../support/tried.ts';

/*
 * Somebody who has the Redis user of an app writes at random into an installation that works. A failure names its seed, and leaves what
 * was written in `reports/`. This runs it again, although what the installation does meanwhile is another thing each time:
 *
 *   HOSTILE_SEED=… npm run test:systems -- hostile-writes
 *
 * `npm run test:hostile` goes on for half an hour, with another seed for each round.
 */
const { HOSTILE_SEED, HOSTILE_MS = '0' } = process.env;
const forMs = Number(HOSTILE_MS);
const firstSeed = Number(HOSTILE_SEED ?? Math.floor(Math.random() * 2 ** 31));

const WRITES = 600;
const AT_ONCE = 12;
const PAUSE_MS = 80;
const MESSAGES = 10;
/** Leaders repair twice a minute; the test doesn't wait for that. */
const REPAIR_MS = 250;
/** Locks of messages that others have moved end after six seconds, and workers look for them every four. */
const DELIVERED_MS = 60_000;
/**
 * What Redis may keep others waiting, as in the other tests of hostile writes. A round lasts long enough for a machine that many tests keep
 * busy to delay an answer by itself: so Redis's slow log must tell of a command that took a good part of the time. Redis serves a PING
 * between any two commands.
 */
const SILENT_MS = 600;
const SLOW_MS = 50;
/** Per worker and round. Floods are bounded to one line a minute and kind. */
const LOG_LINES = 60;

const WARN = 40;

async function attack(site: Site, targets: Targets, writes: readonly HostileWrite[], log: string[][]): Promise<void> {
  const redis = new Redis(site.redis.urlOf('kitechat-producer'), { enableReadyCheck: false });
  try {
    for (let at = 0; at < writes.length; at += AT_ONCE) {
      const commands = writes.slice(at, at + AT_ONCE).flatMap((write) => write(targets));
      const answers = await Promise.all(
        commands.map(async ([name = '', ...args]) => await settled(redis.call(name, ...args))),
      );
      for (const [index, { error }] of answers.entries()) {
        log.push([...(commands[index] ?? []), error instanceof Error ? `! ${error.message}` : '']);
      }
      await delay(PAUSE_MS);
    }
  } finally {
    redis.disconnect();
  }
}

/** Repairs all the time, as leaders do from time to time. */
async function repairUntil(site: Site, signal: AbortSignal): Promise<void> {
  let cursor = '0';
  while (!signal.aborted) {
    ({ cursor } = await reconcile(site.shard, cursor));
    await delay(REPAIR_MS);
  }
}

/** The commands of this round that took longest, by Redis's own measure, with their ms. */
async function slowCommands(site: Site): Promise<[ms: number, text: string][]> {
  const entries = (await site.redis.admin.slowlog('GET', 100)) as [number, number, number, string[]][];
  return entries
    .map(([, , microseconds, args]): [number, string] => [microseconds / 1000, args.join(' ').slice(0, 300)])
    .toSorted(([one], [other]) => other - one);
}

/** Where a message stands that was not delivered. */
async function whereaboutsOf({ redis, shard: { root } }: Site, id: string): Promise<string> {
  const job = await redis.admin.hgetall(`${root}send:${id}`);
  const { lane = '' } = job;
  const page = lane.split('/')[0] ?? '';
  const scores: [string, string][] = [
    ['send:waiting-children', id],
    ['send:delayed', id],
    ['due', `${(job['seq'] ?? '').padStart(16, '0')}:${id}`],
    [`heads:${page}`, lane],
    ['turns', page],
    ['paced', page],
  ];
  const found = await Promise.all(
    scores.map(async ([key, member]) => `${key} ${await redis.admin.zscore(`${root}${key}`, member)}`),
  );
  const list = await redis.admin.lrange(`${root}lane:${lane}`, 0, 5);
  return JSON.stringify({ id, job, found, list }).slice(0, 1500);
}

function warningsOf(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith('{') && (JSON.parse(line) as { level: number }).level >= WARN);
}

/** Under a limit, messages are released ahead of their slots, and pages wait for theirs. */
async function limit(site: Site, [rate, pageRate]: readonly [string, string]): Promise<void> {
  const args = ['limits', 'set', '--rate', rate, '--page-rate', pageRate];
  const { exitCode, stderr } = await runCommand(args, { REDIS_URL: site.redis.urlOf('kitechat-operator') });
  if (exitCode !== 0) throw new Error(`limits set ends with ${exitCode}: ${stderr.join(' ')}`);
}

async function round(
  site: Site,
  nth: number,
  seed: number,
): Promise<{ written: number; silentMs: number; slowMs: number }> {
  const app = createApp(site, nth, MESSAGES);
  const writes = fc.sample(hostileWrite, { seed, numRuns: WRITES });
  const log: string[][] = [];
  const breaches: string[] = [];
  await limit(site, seed % 2 === 0 ? ['none', 'none'] : ['200/s burst 5', '50/s burst 2']);
  site.api.clear();
  await site.redis.admin.slowlog('RESET');
  const logged = site.workers.map(({ stdout }) => stdout.length);
  const repairing = new AbortController();
  const repairs = repairUntil(site, repairing.signal);
  let undelivered: string[] = [];
  const silentMs = await longestSilenceMs(site.redis.urlOf('admin'), async () => {
    await Promise.all([app.work(), attack(site, app.targets, writes, log)]);
    undelivered = await app.untilDelivered(DELIVERED_MS);
  });
  repairing.abort();
  await repairs;
  breaches.push(
    ...app.breaches(),
    ...(await Promise.all(undelivered.map(async (id) => await whereaboutsOf(site, id)))),
  );
  const slow = await slowCommands(site);
  const [[slowMs, slowest] = [0, '']] = slow;
  if (silentMs > SILENT_MS && slowMs > silentMs / 2) breaches.push(`no answer for ${silentMs} ms: ${slowest}`);
  if (forMs > 0) for (const [ms, text] of slow) if (ms > SLOW_MS) process.stdout.write(`${ms} ms: ${text}\n`);
  for (const [index, worker] of site.workers.entries()) {
    const { status } = await worker.ask('/healthz');
    if (status !== 200) breaches.push(`/healthz answers ${status}`);
    const lines = warningsOf(worker.stdout.slice(logged[index]));
    if (lines.length > LOG_LINES) breaches.push(`${lines.length} lines: ${lines.slice(0, 3).join(' ')}`);
  }
  const status = await runCommand(['status', '--json'], { REDIS_URL: site.redis.urlOf('kitechat-operator') });
  if (status.exitCode !== 0) breaches.push(`status ends with ${status.exitCode}: ${status.stderr.join(' ')}`);
  if (breaches.length > 0) {
    mkdirSync('reports', { recursive: true });
    const file = `reports/hostile-writes-${seed}.ndjson`;
    writeFileSync(file, `${log.map((entry) => JSON.stringify(entry.map((text) => text.slice(0, 200)))).join('\n')}\n`);
    throw new Error(`seed ${seed}, what was written is in ${file}:\n${breaches.join('\n')}`);
  }
  return { written: log.filter((entry) => entry.at(-1) === '').length, silentMs, slowMs };
}

it(
  'an installation into which an app writes anything that its Redis user may write goes on, in order, and sends nothing twice or early',
  { timeout: forMs + 180_000 },
  async () => {
    await using site = await openSite();
    const startedAt = performance.now();
    let nth = 0;
    let total = 0;
    do {
      const { written, silentMs, slowMs } = await round(site, nth, firstSeed + nth);
      if (forMs > 0) {
        const times = `PING within ${silentMs.toFixed(0)} ms, slowest command ${slowMs.toFixed(0)} ms`;
        process.stdout.write(`seed ${firstSeed + nth}: ${written} writes, ${times}\n`);
      }
      expect(written).toBeGreaterThan(WRITES / 2);
      total += written;
      nth += 1;
    } while (performance.now() - startedAt < forMs);
    tried({
      against: 'redis',
      input:
        'random writes that the user of an app may make, near-valid ones above all, into an installation of two workers that stores, holds, delays and retries, with and without limits',
      count: total,
      result:
        'what was not forged, moved or removed arrives once, in order, on time, not through a hold; both workers answer `/healthz`, and Redis others',
      before:
        'messages were sent early and stood still, and no message was stored until a repair, within the first 5,000',
    });
  },
);
