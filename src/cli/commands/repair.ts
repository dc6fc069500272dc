import { recorded } from '../../shared/actions/audit.ts';
import { outcomeOfRepair, repair } from '../../shared/actions/repair.ts';
import { nameForeignSettings } from '../../shared/lanes/foreign-settings.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import { createSession } from '../../shared/session/session.ts';
import { type ActorFlags, recorderOf } from '../context/actor.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line, type JsonOption } from '../context/context.ts';
import { loadSite } from '../context/site.ts';

/** `repair`: removes BullMQ's settings that somebody has changed. */
export async function repairSettings(
  context: CommandContext,
  { json, by, reason }: JsonOption & ActorFlags,
): Promise<ExitCode> {
  const config = loadSite(context);
  const session = createSession(config);
  try {
    const removed = await recorded(
      recorderOf(context, config, { action: 'repair', by, reason }),
      async () => await repair(session, config, deadlineIn(config.enqueueTimeoutMs)),
      outcomeOfRepair,
    );
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
