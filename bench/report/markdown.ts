import type { BenchmarkRecord, Records, SideRecord } from '../result/record.ts';
import { threeDigits } from '../result/three-digits.ts';

type RatioRecord = BenchmarkRecord['ratio'];

/** The results as Markdown: where they were measured, a table, and what each benchmark measures. */
export function resultsMarkdown(records: Records, chart: string | null): string {
  const entries = Object.entries(records);
  if (entries.length === 0) return 'Nothing has been measured yet.';
  const parts = [
    ...circumstancesOf(records),
    ...(chart === null ? [] : [`![Processor time per message of the worker and the store](${chart})`]),
    tableOf(
      ['benchmark', 'ratio', 'spread', 'limit', 'rounds', 'against', 'ours'],
      entries.flatMap(([name, record]) => rowsOf(name, record)),
    ),
    'What each of them measures:',
    entries.map(([name, { measures }]) => `- \`${name}\`: ${measures}`).join('\n'),
  ];
  return parts.join('\n\n');
}

/** One paragraph for each set of machine, versions and commit, with what was measured there. */
function circumstancesOf(records: Records): string[] {
  const places = Map.groupBy(Object.entries(records), ([, { machine, versions, commit }]) => {
    const { cpu, cores, node, redis, postgres } = machine;
    const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
    return `${cpu}, ${cores} cores, Node ${node}, Redis ${redis}, PostgreSQL ${postgres}, ${packages.join(', ')}; commit ${commit}`;
  });
  return Array.from(places, ([place, entries]) => {
    const names = entries.map(([name]) => `\`${name}\``).join(', ');
    return places.size === 1 ? `Measured on ${place}.` : `Measured on ${place}: ${names}.`;
  });
}

function rowsOf(name: string, record: BenchmarkRecord): string[][] {
  const { baseline, subject, unit, rounds, ratio, also, marks = {} } = record;
  return [
    [
      `\`${name}\``,
      ...ratioCells(ratio),
      String(rounds),
      `${baseline.name}: ${threeDigits(baseline.value.median)} ${unit}`,
      `${subject.name}: ${threeDigits(subject.value.median)} ${unit}`,
    ],
    ...Object.entries(also).map(([detail, other]) =>
      [`– ${detail}`].concat(ratioCells(other), '', detailOf(baseline, detail), detailOf(subject, detail)),
    ),
    ...Object.entries(marks).map(([detail, mark]) =>
      [`– ${detail}, ours alone`].concat(ratioCells(mark), '', '', detailOf(subject, detail)),
    ),
  ];
}

function ratioCells({ median, min, max, limit, holds }: RatioRecord): string[] {
  const verdict = holds === false ? ' (broken)' : '';
  return [hundredths(median), `${hundredths(min)} to ${hundredths(max)}`, holds === null ? '' : `${limit}${verdict}`];
}

function detailOf({ details }: SideRecord, detail: string): string {
  const value = details[detail];
  return value === undefined ? '' : threeDigits(value);
}

function hundredths(ratio: number | null): string {
  return ratio === null ? '–' : ratio.toFixed(2);
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}
