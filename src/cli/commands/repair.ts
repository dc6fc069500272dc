import { repair } from '../../shared/actions/repair.ts';
import { nameForeignSettings } from '../../shared/lanes/foreign-settings.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import { createSession } from '../../shared/session/session.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line, type JsonOption } from '../context/context.ts';
import { loadSite } from '../context/site.ts';

/** `repair`: removes BullMQ's settings that somebody has changed. */
export async function repairSettings(context: CommandContext, { json }: JsonOption): Promise<ExitCode> {
  const config = loadSite(context);
  const session = createSession(config);
  try {
    const removed = await repair(session, config, deadlineIn(config.enqueueTimeoutMs));
    if (json) jsonLine(context.stdout, { removed });
    const told =
      removed.length === 0
        ? "nothing to repair: nobody has changed BullMQ's settings"
        : `removed ${nameForeignSettings(removed)}`;
    line(json ? context.stderr : context.stdout, told);
    return exitCodes.done;
  } finally {
    await session.close();
  }
}
