/**
 * Breaks real processes on purpose and counts the fates of the messages.
 *
 *   npm run chaos -- [--seeds 5] [--first-seed 1] [--group faults|pace|redis|events] [--only <part of a name>] [--at-once 1] [--again 0] [--out <file>]
 *
 * --again: how often to repeat a run that exceeded a bound of time, duplicates or dead letters, since a busy machine can cause
 * that. A run with lost, out-of-order, unexpected or stuck messages is not repeated.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { textTable } from '../../src/cli/terminal/table.ts';
import { isUnforgivable, type Outcome, type Scenario, violationsOf } from './scenario.ts';
import { apiDown } from './scenarios/api-down.ts';
import { apiFaults } from './scenarios/api-faults.ts';
import { redisClockSteps, workerClockSteps } from './scenarios/clock-steps.ts';
import { eventsWithKills, eventsWithRedisKills, eventsWithSomeKills } from './scenarios/events.ts';
import { readonlyFailover, sentinelFailover } from './scenarios/failovers.ts';
import { fullRedis } from './scenarios/full-redis.ts';
import { fleetLimit, pageLimit, recovery } from './scenarios/limits.ts';
import { bothKilled, redisFrozen, redisKills, redisOutage } from './scenarios/redis-faults.ts';
import { restoredDump } from './scenarios/restored-dump.ts';
import { workerKills } from './scenarios/worker-kills.ts';
import { deploys, frozenWorkers } from './scenarios/worker-pauses.ts';

const restoredWhileRunning = restoredDump('run on');

const groups: Record<string, readonly Scenario[]> = {
  faults: [
    // The scenario that mostly waits is first: run side by side, the two heaviest would starve each other's API.
    redisOutage,
    workerKills('resend'),
    workerKills('dead-letter'),
    redisKills,
    bothKilled,
    frozenWorkers,
    redisFrozen,
    apiFaults,
    deploys,
    readonlyFailover,
    restoredWhileRunning,
    fullRedis,
    eventsWithSomeKills,
  ],
  redis: [
    readonlyFailover,
    sentinelFailover,
    fullRedis,
    restoredWhileRunning,
    restoredDump('are new'),
    redisClockSteps('forward'),
    redisClockSteps('back'),
    workerClockSteps('forward'),
    workerClockSteps('back'),
  ],
  events: [eventsWithKills, eventsWithRedisKills],
  pace: [apiDown('resend'), apiDown('dead-letter'), fleetLimit, pageLimit, recovery],
};

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1' },
    'first-seed': { type: 'string', default: '1' },
    group: { type: 'string' },
    only: { type: 'string', default: '' },
    'at-once': { type: 'string', default: '1' },
    again: { type: 'string', default: '0' },
    out: { type: 'string' },
  },
});
const first = Number(values['first-seed']);
const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => first + index);
const scenarios = values.group === undefined ? [...new Set(Object.values(groups).flat())] : groups[values.group];
if (!scenarios) throw new Error(`--group must be one of ${Object.keys(groups).join(', ')}`);
const chosen = scenarios.filter(({ name }) => name.includes(values.only));

interface Row {
  name: string;
  seed: number;
  outcome: Outcome | null;
  violations: string[];
}

const runs = seeds.flatMap((seed) => chosen.map((scenario) => ({ scenario, seed })));
const rows: Row[] = [];
let next = 0;
await Promise.all(Array.from({ length: Number(values['at-once']) }, runOneByOne));

const result = describeRows(rows);
console.log(`\n${result}`);
if (values.out !== undefined) writeFileSync(values.out, `${result}\n`);
const failed = rows.filter(({ violations }) => violations.length > 0);
mkdirSync('reports', { recursive: true });
writeFileSync('reports/chaos.json', JSON.stringify({ passed: rows.length - failed.length, failed: failed.length }));
console.log(`${rows.length - failed.length} passed, ${failed.length} failed`);
// Handles that a broken run left open must not keep the process alive.
process.exit(failed.length === 0 ? 0 : 1);

/** Each run has a Redis, an API and a fleet of its own, so several can run side by side. */
async function runOneByOne(): Promise<void> {
  while (next < runs.length) {
    const index = next;
    next += 1;
    const run = runs[index];
    if (run) rows[index] = await runAgainIfRed(run.scenario, run.seed);
  }
}

async function runAgainIfRed(scenario: Scenario, seed: number): Promise<Row> {
  let row = await runOne(scenario, seed);
  for (let again = 0; again < Number(values.again); again += 1) {
    if (row.violations.length === 0 || (row.outcome && isUnforgivable(row.outcome))) break;
    row = await runOne(scenario, seed);
  }
  return row;
}

async function runOne({ name, run }: Scenario, seed: number): Promise<Row> {
  const startedAt = performance.now();
  let row: Row;
  try {
    const outcome = await run(seed);
    row = { name, seed, outcome, violations: violationsOf(outcome) };
  } catch (error) {
    row = {
      name,
      seed,
      outcome: null,
      violations: [error instanceof Error ? (error.stack ?? error.message) : 'failed'],
    };
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  console.error(`${row.violations.length === 0 ? '✔' : '✖'} ${name}, seed ${seed} (${seconds} s)`);
  for (const violation of row.violations) console.error(`  ${violation}`);
  return row;
}

function describeRows(all: readonly Row[]): string {
  return textTable([
    [
      'fault',
      'seed',
      'messages',
      'kills',
      'lost',
      'duplicated',
      'unexpected',
      'recovered',
      'inversions',
      'stuck',
      'dead',
      'repairs',
      'recovery',
      'figures',
    ],
    ...all.map(({ name, seed, outcome: o }) =>
      o === null
        ? [name, seed, 'failed']
        : [
            name,
            seed,
            o.messages,
            o.kills,
            o.excusedLost === 0 ? o.lost : `${o.lost} ≤ ${o.excusedLost}`,
            `${o.duplicated} ≤ ${o.excused}`,
            o.unexpected,
            o.recovered,
            o.inversions,
            o.stuck,
            `${o.dead} ≤ ${o.excusedDead}`,
            o.repairs,
            o.recoveryMs === null ? '' : `${(o.recoveryMs / 1000).toFixed(1)} s`,
            o.figures ?? '',
          ],
    ),
  ]);
}
