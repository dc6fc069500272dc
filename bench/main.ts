/**
 * Measures what the promises about speed, fairness and memory come to on this machine, each as a ratio of two sides in turn.
 *
 *   npm run bench -- [NAME…] [--rounds 5]
 *
 * NAME is what a benchmark's name begins with; without one all run. --help lists them, with what each of them measures.
 * Results are kept in bench/results/latest.json.
 * Exits with 1 if a ratio is out of its limit.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Benchmark } from './benchmark.ts';
import { benchmarks } from './benchmarks/all.ts';
import { describeCommit, describeMachine, describeVersions } from './result/machine.ts';
import { recordOf } from './result/record.ts';
import { mergeRecords } from './result/records-file.ts';
import { type BenchmarkResult, ratioTable, sidesTable } from './result/tables.ts';
import { judge, judgeDetails, judgeMarks } from './result/verdict.ts';
import { playRounds } from './rounds.ts';
import { MissingError } from './stage/stores.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, help: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);
const chosen = benchmarks.filter(
  ({ name }) => positionals.length === 0 || positionals.some((start) => name.startsWith(start)),
);
const USAGE = 'Usage: npm run bench -- [NAME…] [--rounds 5], where NAME is the beginning of one of:';
if (values.help) {
  console.log(USAGE);
  for (const { name, measures } of benchmarks) console.log(`\n${name}: ${measures}`);
  process.exit(0);
}
if (chosen.length === 0 || !Number.isInteger(rounds) || rounds < 1) {
  console.error(USAGE);
  for (const { name } of benchmarks) console.error(`  ${name}`);
  process.exit(2);
}

const machine = await describeMachine();
const versions = describeVersions();
const commit = describeCommit();
const results: BenchmarkResult[] = [];
const broken: string[] = [];
const skipped: string[] = [];
for (const benchmark of chosen) {
  try {
    const result = await run(benchmark);
    results.push(result);
    // At once: a run of all takes hours, and may be stopped.
    mergeRecords({ [benchmark.name]: recordOf(result, { machine, versions, commit }) });
  } catch (error) {
    if (error instanceof MissingError) {
      skipped.push(`${benchmark.name}: skipped, since ${error.message}`);
      console.error(`  ${skipped.at(-1)}`);
      continue;
    }
    broken.push(benchmark.name);
    console.error(error);
  }
}

const { cpu, cores, node, redis, postgres } = machine;
console.log(`\n${cpu}, ${cores} cores, Node ${node}, Redis ${redis}, PostgreSQL ${postgres}`);
console.log(
  `commit ${commit}, ${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}\n`,
);
for (const { name, measures } of chosen) console.log(`${name}: ${measures}\n`);
console.log(`${ratioTable(results)}\n\n${sidesTable(results)}\n`);
for (const line of skipped) console.log(line);
for (const name of broken) console.log(`${name}: could not be measured, see above`);

const passed = results.filter(allHold).length;
const failed = results.length - passed + broken.length;
mkdirSync('reports', { recursive: true });
writeFileSync(
  'reports/bench.json',
  `${JSON.stringify({ passed, failed, machine, results, broken, skipped }, null, 2)}\n`,
);
console.log(`\n${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed === 0 ? 0 : 1;

function allHold({ verdict, others, marks }: BenchmarkResult): boolean {
  return [verdict, ...others.values(), ...marks.values()].every(({ holds }) => holds);
}

async function run(benchmark: Benchmark): Promise<BenchmarkResult> {
  console.error(`▶ ${benchmark.name}`);
  await using contest = await benchmark.prepare();
  const schedule = { rounds: benchmark.rounds ?? rounds, warmUpRounds: benchmark.warmUpRounds };
  const played = await playRounds(contest, schedule, ({ baseline, subject }) => {
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
    marks: judgeMarks(played, benchmark),
  };
}
