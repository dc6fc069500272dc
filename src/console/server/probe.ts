import type { Logger } from '../../shared/logging/logger.ts';
import { isInternalError } from '../../shared/errors/failed-calls.ts';
import { pingNode } from '../../shared/redis/cluster.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import type { Session } from '../../shared/session/session.ts';

/** Less than 1 s, the default time-out of a probe in orchestrators. */
const PROBE_MS = 700;

export async function doesRedisAnswer(session: Session, log: Pick<Logger, 'error'>): Promise<boolean> {
  try {
    await session.read(0, deadlineIn(PROBE_MS), ({ redis, root }) => pingNode(redis, root));
    return true;
  } catch (error) {
    if (isInternalError(error)) log.error({ err: error }, 'the probe of Redis failed');
    return false;
  }
}
