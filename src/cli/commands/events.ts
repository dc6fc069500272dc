import { recorded } from '../../shared/actions/audit.ts';
import type { Config } from '../../shared/config/config.ts';
import { type EventGroup, readGroups } from '../../shared/lanes/stream/groups.ts';
import { forgetGroup } from '../../shared/lanes/stream/read-events.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import { readTimeMs } from '../../shared/redis/time.ts';
import { createSession, type Session } from '../../shared/session/session.ts';
import { type ActorFlags, recorderOf } from '../context/actor.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line, type JsonOption } from '../context/context.ts';
import { loadSite, tellIfUnused } from '../context/site.ts';
import { textTable } from '../terminal/table.ts';

export interface EventsFlags extends JsonOption, ActorFlags {
  forget?: string;
}

/** `events`: the groups that read events; `--forget` removes one. */
export async function showEvents(context: CommandContext, flags: EventsFlags): Promise<ExitCode> {
  const config = loadSite(context);
  const session = createSession(config);
  try {
    if (flags.forget !== undefined) return await forget(context, session, { ...flags, group: flags.forget });
    const groups = await readAll(session, config);
    if (flags.json) for (const group of groups) jsonLine(context.stdout, group);
    else if (groups.length > 0) line(context.stdout, tableOf(groups));
    else line(context.stderr, 'no group reads events, so none are written');
    if (groups.length === 0) await tellIfUnused(context, config);
    return exitCodes.done;
  } finally {
    await session.close();
  }
}

async function readAll(session: Session, { enqueueTimeoutMs }: Config): Promise<EventGroup[]> {
  const answers = await session.readEach(deadlineIn(enqueueTimeoutMs), async ({ redis, root, index }) =>
    readGroups(redis, { root, index, nowMs: await readTimeMs(redis, root) }),
  );
  return answers.flat();
}

async function forget(
  context: CommandContext,
  session: Session,
  { group, json, by, reason }: EventsFlags & { group: string },
): Promise<ExitCode> {
  const config = loadSite(context);
  const readers = (await readAll(session, config)).filter((one) => one.group === group && one.isRead);
  if (readers.length > 0) {
    line(
      context.stderr,
      `nothing was changed: a process reads the group ${group}; stop it first, or it would begin the group anew`,
    );
    return exitCodes.notFullyDone;
  }
  const record = recorderOf(context, config, { action: 'forget events', selection: `group ${group}`, by, reason });
  const forgotten = await recorded(
    record,
    async () => {
      let found = false;
      for (let index = 0; index < config.shards; index += 1) {
        const deadline = deadlineIn(config.enqueueTimeoutMs);
        const isHere = await session.changeStored(
          index,
          deadline,
          false,
          async (shard) => await forgetGroup(shard, group),
        );
        found ||= isHere;
      }
      return found;
    },
    (found) => ({ result: found ? 'done' : 'not found' }),
  );
  if (json) jsonLine(context.stdout, { group, forgotten });
  else if (forgotten) line(context.stdout, `forgot the group ${group}: no more events are kept for it`);
  if (!forgotten) line(context.stderr, `there is no group ${group}: "kitechat-sender events" lists the groups`);
  return forgotten ? exitCodes.done : exitCodes.notFullyDone;
}

function tableOf(groups: readonly EventGroup[]): string {
  return textTable([
    ['group', 'shard', 'waiting', 'lost', 'read by a process'],
    ...groups.map(({ group, shard, waiting, lost, isRead }) => [group, shard, waiting, lost, isRead ? 'yes' : 'no']),
  ]);
}
