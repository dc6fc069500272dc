import type { Records, SideRecord } from '../result/record.ts';
import { median } from '../result/statistics.ts';
import type { Bar } from './bar-chart.ts';

/** Drains of 1,000 conversations at an API that answers at once: the one workload that all have been given. */
const COMPARED = /^drain-[a-z-]+-0ms$/;
const STORE = 'store µs';

/** One bar for each contestant, ours with the median of what it came to against all others. Cheapest first. */
export function processorBars(records: Records): Bar[] {
  const compared = Object.entries(records).flatMap(([name, record]) => (COMPARED.test(name) ? [record] : []));
  const ours = compared.map(({ subject }) => subject);
  const [first] = ours;
  if (first === undefined) return [];
  const ourBar = {
    label: first.name,
    parts: [median(ours.map(({ value }) => value.median)), median(ours.map(storeUs))],
    stressed: true,
  };
  const others = compared.map(({ baseline }) => ({
    label: baseline.name,
    parts: [baseline.value.median, storeUs(baseline)],
    stressed: false,
  }));
  return [ourBar, ...others].toSorted((a, b) => sum(a.parts) - sum(b.parts));
}

function storeUs({ details }: SideRecord): number {
  return details[STORE] ?? 0;
}

function sum(parts: readonly number[]): number {
  return parts.reduce((all, part) => all + part, 0);
}
