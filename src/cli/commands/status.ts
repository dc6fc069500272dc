import { loadConfig } from '../../shared/config/config.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import { createSession } from '../../shared/session/session.ts';
import { readStatusNow } from '../../shared/reading/status.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line, type JsonOption } from '../context/context.ts';
import { siteOf } from '../context/site.ts';
import { describeStatus, describeDoubts, machineReadable } from './describe-status.ts';

/** `status`: the counts, holds and workers. */
export async function status({ env, stdout, stderr }: CommandContext, { json }: JsonOption): Promise<ExitCode> {
  const config = loadConfig(env);
  const session = createSession(config);
  try {
    const found = await readStatusNow(session, config, deadlineIn(config.enqueueTimeoutMs));
    const site = siteOf(env, config);
    if (json) {
      jsonLine(stdout, machineReadable(found.status, config));
      for (const doubt of describeDoubts(found)) line(stderr, `${site}: ${doubt}`);
    } else line(stdout, describeStatus({ ...found, site }));
    return exitCodes.done;
  } finally {
    await session.close();
  }
}
