import { nameWorkers, type OpenWork } from '../../shared/layout/open-work.ts';

/** Whether nothing keeps the number of shards from being changed. */
export function isClear({ workers, openMessages, deadLetters }: OpenWork): boolean {
  return workers.length === 0 && openMessages === 0 && deadLetters === 0;
}

/** What is in the way, and what to do about it; one line each. */
export function describeObstacles({ workers, openMessages, deadLetters }: OpenWork): string[] {
  return [
    ...(workers.length > 0 ? [`live workers: ${workers.length} (${nameWorkers(workers)}): stop them`] : []),
    ...(openMessages > 0
      ? [
          `open messages: ${openMessages}: stop your apps, and let the workers deliver what is left before you stop them`,
        ]
      : []),
    ...(deadLetters > 0
      ? [
          `dead letters: ${deadLetters}: send them again ("kitechat-sender dead-letters replay --all"), or keep them in a file ("dead-letters export --out FILE", which "send" accepts later) and remove them ("dead-letters discard --all --yes")`,
        ]
      : []),
  ];
}
