import type { RestoreNotice } from '../lanes/lib/timeline.ts';
import { isoTime } from '../model/time.ts';

/** Combines what several shards have noticed of a restore. There must be at least one. */
export function combineRestores(restores: readonly RestoreNotice[]): RestoreNotice {
  const seen = restores.flatMap(({ seenAt }) => seenAt ?? []);
  return {
    kind: seen.length > 0 ? 'restored' : 'suspected',
    since: Math.min(...restores.map(({ since }) => since)),
    backTo: Math.min(...restores.map(({ backTo }) => backTo)),
    ...(seen.length > 0 ? { seenAt: Math.max(...seen) } : {}),
    messages: restores.reduce((sum, { messages }) => sum + messages, 0),
    isHeld: restores.some(({ isHeld }) => isHeld),
  };
}

/** `Redis went back from 2026-11-30T17:00:00.000Z to 2026-11-29T23:00:00.000Z; up to 352 messages may be sent twice`. */
export function describeRestore({ backTo, seenAt, messages }: RestoreNotice): string {
  const what =
    seenAt === undefined
      ? `Redis was started with its state of ${isoTime(backTo)}, which may be an old one`
      : `Redis went back from ${isoTime(seenAt)} to ${isoTime(backTo)}`;
  return `${what}; up to ${messages} ${messages === 1 ? 'message' : 'messages'} may be sent twice`;
}
