import { readFileSync } from 'node:fs';

/** Linux counts in ticks of this length, whatever the machine. */
const TICK_US = 10_000;

/** The processor time that a process has used so far, in µs. Linux only. */
export function processorTimeUs(pid: number): number {
  const { own } = readTimesUs(pid);
  return own;
}

/** The same with that of its children, those that have ended included. */
export function familyProcessorTimeUs(pid: number): number {
  const { own, endedChildren } = readTimesUs(pid);
  return childrenOf(pid).reduce((sum, child) => sum + ofLivingUs(child), own + endedChildren);
}

function readTimesUs(pid: number): { own: number; endedChildren: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the program stands in parentheses and may hold spaces. After it, utime, stime, cutime and cstime are
  // the 12th to the 15th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15).map((ticks) => Number(ticks) * TICK_US);
  return {
    own: (user ?? Number.NaN) + (system ?? Number.NaN),
    endedChildren: (childrenUser ?? Number.NaN) + (childrenSystem ?? Number.NaN),
  };
}

function childrenOf(pid: number): number[] {
  const listed = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return listed === '' ? [] : listed.split(' ').map(Number);
}

/** One that has just ended counts among its parent's ended children the next time. */
function ofLivingUs(pid: number): number {
  try {
    return readTimesUs(pid).own;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return 0;
    throw error;
  }
}
