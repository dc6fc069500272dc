import { readFileSync } from 'node:fs';

/** Linux counts in ticks of this length, whatever the machine. */
const TICK_US = 10_000;

/** The processor time that a process has used so far, in µs. Linux only. */
export function processorTimeUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the program stands in parentheses and may hold spaces; utime and stime are the 12th and 13th after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}
