import { loadConfig } from '../../src/shared/config/config.ts';
import { deadlineIn } from '../../src/shared/redis/deadline.ts';
import { createSession } from '../../src/shared/session/session.ts';
import { readStatus, type Status } from '../../src/shared/reading/status.ts';

/** What `kitechat-sender status` shows, without a process for each look. */
export interface StatusReader extends AsyncDisposable {
  read(): Promise<Status>;
}

/** @param env as the command has it. */
export function openStatus(env: Record<string, string>): StatusReader {
  const config = loadConfig(env);
  const session = createSession(config);
  return {
    read: async () => await readStatus(session, config, deadlineIn(config.enqueueTimeoutMs)),
    [Symbol.asyncDispose]: () => session.close(),
  };
}
