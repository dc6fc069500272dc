import type { CommandContext } from '../context/context.ts';

export interface ShownProgress {
  done: number;
  skipped: number;
  /** `null` while unknown. */
  total: number | null;
}

/** A line that is redrawn in place on a terminal; elsewhere nothing is drawn. */
export interface ProgressBar {
  show(progress: ShownProgress): void;
  clear(): void;
}

const REDRAW_MS = 100;
const WIDTH = 20;
const CLEAR_LINE = '\r\u001b[2K';
/** A shorter time gives no reliable speed. */
const LEAST_MEASURED_MS = 500;

export function createProgressBar({ interactive, stderr, screenSize }: CommandContext): ProgressBar {
  // Measured from the first entry: connecting and counting say nothing about the speed.
  let first: { atMs: number; passed: number } | null = null;
  let drawnAt = -Infinity;
  return {
    show(progress) {
      const nowMs = performance.now();
      first ??= { atMs: nowMs, passed: passedOf(progress) };
      if (!interactive || nowMs - drawnAt < REDRAW_MS) return;
      drawnAt = nowMs;
      const measuredMs = nowMs - first.atMs;
      const perSecond =
        measuredMs < LEAST_MEASURED_MS ? null : ((passedOf(progress) - first.passed) * 1000) / measuredMs;
      // A line that wraps could not be redrawn in place.
      stderr.write(CLEAR_LINE + describeProgress(progress, perSecond).slice(0, screenSize().columns - 1));
    },
    clear() {
      if (drawnAt > -Infinity) stderr.write(CLEAR_LINE);
      drawnAt = -Infinity;
    },
  };
}

/**
 * `[##########----------]  50%  95 of 200, 5 skipped, 25/s, 4 s left`
 *
 * @param perSecond `null` while unknown
 */
export function describeProgress(progress: ShownProgress, perSecond: number | null): string {
  const { done, skipped, total } = progress;
  const passed = passedOf(progress);
  const parts = [
    total === null ? `${done} done` : `${done} of ${total}`,
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(perSecond === null ? [] : [`${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s`]),
    ...(total === null || !perSecond ? [] : [`${describeSeconds(Math.max(0, total - passed) / perSecond)} left`]),
  ];
  return `${total === null ? '' : `${drawBar(passed, total)}  `}${parts.join(', ')}`;
}

function passedOf({ done, skipped }: ShownProgress): number {
  return done + skipped;
}

function drawBar(passed: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, passed / total);
  const filled = Math.floor(share * WIDTH);
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] ${percent}%`;
}

function describeSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 120) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
