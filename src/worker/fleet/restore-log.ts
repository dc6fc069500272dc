import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import type { Notice } from '../../shared/lanes/lib/timeline.ts';
import { isoTime } from '../../shared/model/time.ts';

/** Logs what a worker noticed when it compared the state of Redis with what it remembers. */
export function logNotice(logger: WorkerLogger, shard: number, notice: Notice): void {
  if (notice.kind === 'lost-writes') {
    logger.warn(
      { shard, lostMs: notice.lostMs },
      'Redis has lost its last writes, as after a failover or a crash: messages that were sent in this time may be sent again',
    );
    return;
  }
  const { kind, messages, isHeld, seenAt } = notice;
  const facts = {
    shard,
    backTo: isoTime(notice.backTo),
    ...(seenAt === undefined ? {} : { seenAt: isoTime(seenAt) }),
    messages,
  };
  if (messages === 0) {
    logger.warn(
      facts,
      'Redis has gone back to an earlier state, but no message in it can be sent twice; the worker goes on',
    );
    return;
  }
  const what = kind === 'restored' ? 'Redis has gone back to an earlier state' : WAS_STARTED;
  if (isHeld) logger.error(facts, `${what}: everything is held, because messages may be sent twice. ${WHAT_TO_DO}`);
  else logger.warn(facts, `${what}: messages may be sent twice. The worker goes on; see docs/backup.md`);
}

const WAS_STARTED = 'Redis was started while no worker was running, possibly with an earlier state';
const WHAT_TO_DO =
  '"kitechat-sender status" shows since when; "kitechat-sender cancel" drops messages that arrived; "kitechat-sender release --all" sends the others. See docs/backup.md';
