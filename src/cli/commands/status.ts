import { loadConfig } from '../../shared/config/config.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import { createSession } from '../../shared/session/session.ts';
import { readStatusNow } from '../../shared/reading/status.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line, type JsonOption } from '../context/context.ts';
import { describeStatus, inDocumentedOrder } from './describe-status.ts';

/** `status`: the counts, holds and workers. */
export async function status({ env, stdout }: CommandContext, { json }: JsonOption): Promise<ExitCode> {
  const config = loadConfig(env);
  const session = createSession(config);
  try {
    const found = await readStatusNow(session, config, deadlineIn(config.enqueueTimeoutMs));
    if (json) jsonLine(stdout, inDocumentedOrder(found.status));
    else line(stdout, describeStatus(found));
    return exitCodes.done;
  } finally {
    await session.close();
  }
}
