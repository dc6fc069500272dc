/**
 * Measures what the promises about speed and fairness come to on this machine, each as a ratio of two sides in turn.
 *
 *   npm run bench -- [NAME…] [--rounds 5]
 *
 * NAME is a part of a benchmark's name; without one all run. Exits with 1 if a ratio is out of its limit.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Benchmark } from './benchmark.ts';
import { behindBacklog } from './benchmarks/behind-backlog.ts';
import { drains } from './benchmarks/drain.ts';
import { lettersMemory, replayRate } from './benchmarks/dead-letters.ts';
import { observed } from './benchmarks/observed.ts';
import { pageAlone } from './benchmarks/page-alone.ts';
import { describeMachine } from './result/machine.ts';
import { type BenchmarkResult, ratioTable, sidesTable } from './result/tables.ts';
import { judge, judgeDetails } from './result/verdict.ts';
import { playRounds } from './rounds.ts';

const benchmarks: readonly Benchmark[] = [
  behindBacklog('burst'),
  behindBacklog('paced'),
  pageAlone,
  observed,
  lettersMemory,
  replayRate,
  ...drains,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' } },
});
const rounds = Number(values.rounds);
const chosen = benchmarks.filter(
  ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
);
if (chosen.length === 0 || !Number.isInteger(rounds) || rounds < 1) {
  console.error(`Usage: npm run bench -- [NAME…] [--rounds 5], where NAME is a part of one of:`);
  for (const { name } of benchmarks) console.error(`  ${name}`);
  process.exit(2);
}

const machine = await describeMachine();
const results: BenchmarkResult[] = [];
const broken: string[] = [];
for (const benchmark of chosen) {
  try {
    results.push(await run(benchmark));
  } catch (error) {
    broken.push(benchmark.name);
    console.error(error);
  }
}

console.log(`\n${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, Redis ${machine.redis}\n`);
for (const { name, measures } of chosen) console.log(`${name}: ${measures}\n`);
console.log(`${ratioTable(results)}\n\n${sidesTable(results)}`);
for (const name of broken) console.log(`\n${name}: could not be measured, see above`);

const passed = results.filter(allHold).length;
const failed = chosen.length - passed;
mkdirSync('reports', { recursive: true });
writeFileSync('reports/bench.json', `${JSON.stringify({ passed, failed, machine, results, broken }, null, 2)}\n`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function allHold({ verdict, others }: BenchmarkResult): boolean {
  return [verdict, ...others.values()].every(({ holds }) => holds);
}

async function run(benchmark: Benchmark): Promise<BenchmarkResult> {
  console.error(`▶ ${benchmark.name}`);
  await using contest = await benchmark.prepare();
  const played = await playRounds(contest, rounds, ({ baseline, subject }) => {
    const ratio = (subject.value / baseline.value).toFixed(2);
    console.error(
      `  ${contest.subject.name} ${subject.value.toFixed(1)} / ${contest.baseline.name} ${baseline.value.toFixed(1)} = ${ratio}`,
    );
  });
  return {
    benchmark,
    sides: { baseline: contest.baseline.name, subject: contest.subject.name },
    rounds: played,
    verdict: judge(played, benchmark.limit),
    others: judgeDetails(played, benchmark),
  };
}
