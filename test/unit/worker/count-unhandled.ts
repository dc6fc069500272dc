import { onTestFinished } from 'vitest';

/** Counts, while a test runs, the rejections that would end the process. */
export function countUnhandled(): { count: number } {
  const unhandled = { count: 0 };
  const onUnhandled = (): void => void (unhandled.count += 1);
  process.on('unhandledRejection', onUnhandled);
  onTestFinished(() => void process.off('unhandledRejection', onUnhandled));
  return unhandled;
}
