import { nameWorkers, type OpenWork } from '../../shared/layout/open-work.ts';

/** Whether the number of shards can be changed. */
export function isClear({ workers, openMessages, deadLetters, unreadEvents }: OpenWork): boolean {
  return workers.length === 0 && openMessages === 0 && deadLetters === 0 && unreadEvents === 0;
}

/** Each obstacle with what to do about it, one line each. */
export function describeObstacles({ workers, openMessages, deadLetters, unreadEvents, groups }: OpenWork): string[] {
  return [
    ...(workers.length > 0 ? [`live workers: ${workers.length} (${nameWorkers(workers)}): stop them`] : []),
    ...(openMessages > 0
      ? [
          `open messages: ${openMessages}: stop your apps, and let the workers deliver the rest before you stop the workers`,
        ]
      : []),
    ...(deadLetters > 0
      ? [
          `dead letters: ${deadLetters}: send them again ("kitechat-sender dead-letters replay --all"), or keep them in a file ("dead-letters export --out FILE", which "send" accepts later) and remove them ("dead-letters discard --all --yes")`,
        ]
      : []),
    ...(unreadEvents > 0
      ? [
          `events that were not acknowledged: ${unreadEvents} (group ${groups.join(', ')}): let their readers finish, or remove a group that nobody reads ("kitechat-sender events --forget GROUP")`,
        ]
      : []),
  ];
}
