import { createDeadWebhooks, type DeadWebhooks } from '../../notify/index.ts';
import type { Config } from '../../shared/config/config.ts';
import { createSession } from '../../shared/session/session.ts';

/** Does something with the dead letters of a group's webhooks. */
export async function withDeadWebhooks<Result>(
  config: Config,
  group: string,
  work: (dead: DeadWebhooks) => Promise<Result>,
): Promise<Result> {
  const session = createSession(config);
  try {
    const { namespace, enqueueTimeoutMs: timeoutMs } = config;
    return await work(createDeadWebhooks({ session, namespace, group, timeoutMs }));
  } finally {
    await session.close();
  }
}
