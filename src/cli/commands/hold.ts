import { recorded } from '../../shared/actions/audit.ts';
import { type ActorFlags, recorderOf } from '../context/actor.ts';
import { changeHold } from '../../shared/actions/change-hold.ts';
import type { Config } from '../../shared/config/config.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import type { HoldTarget } from '../../shared/lanes/holds/hold.ts';
import { createSession, type Session } from '../../shared/session/session.ts';
import { readStatus } from '../../shared/reading/status.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line } from '../context/context.ts';
import { loadSite } from '../context/site.ts';
import { textTable } from '../terminal/table.ts';

export interface TargetOptions extends HoldTarget, ActorFlags {
  json?: boolean;
}

const WHAT_A_HOLD_DOES =
  'its messages wait, none are dropped, and requests in progress still finish; "kitechat-sender release" ends the hold';

/** `hold`: stops sending messages of the target until it is released. */
export async function holdMessages(
  context: CommandContext,
  { json, by, reason, ...target }: TargetOptions,
): Promise<ExitCode> {
  const isNew = await change(context, loadSite(context), { what: 'hold', target, by, reason });
  print(context, json, { ...describe(target), result: isNew ? 'held' : 'already-held' });
  line(context.stderr, `${nameOf(target)} ${isNew ? 'is held' : 'was held already'}: ${WHAT_A_HOLD_DOES}`);
  return exitCodes.done;
}

/** `release`: ends a hold of an operator or for a dead letter. */
export async function releaseMessages(
  context: CommandContext,
  { json, by, reason, ...target }: TargetOptions,
): Promise<ExitCode> {
  const config = loadSite(context);
  const wasHeld = await change(context, config, { what: 'release', target, by, reason });
  print(context, json, { ...describe(target), result: wasHeld ? 'released' : 'not-held' });
  line(
    context.stderr,
    wasHeld
      ? `${nameOf(target)} is released: its messages continue, unless another hold applies`
      : `${nameOf(target)} was not held by an operator or for a dead letter; "kitechat-sender status" shows what is held, and why`,
  );
  const within = await holdsWithin(config, target);
  if (within.length > 0) line(context.stderr, describeWithin(within));
  return wasHeld ? exitCodes.done : exitCodes.notFullyDone;
}

interface Change extends Pick<ActorFlags, 'by' | 'reason'> {
  what: 'hold' | 'release';
  target: HoldTarget;
}

async function change(context: CommandContext, config: Config, { what, target, by, reason }: Change): Promise<boolean> {
  const { page, conversation } = target;
  return await recorded(
    recorderOf(context, config, { action: what, page, conversation, by, reason }),
    async () =>
      await withSession(config, async (session) => {
        const asked = { change: what, target: { page, conversation } };
        return await changeHold(session, config, asked, deadlineIn(config.enqueueTimeoutMs));
      }),
    (isChanged) => ({ result: isChanged ? 'done' : 'nothing to change' }),
  );
}

/** Holds inside the released target, which have to be released separately. */
async function holdsWithin(config: Config, { page, conversation }: HoldTarget): Promise<HoldTarget[]> {
  if (conversation !== undefined) return [];
  return await withSession(config, async (session) => {
    const { holds } = await readStatus(session, config, deadlineIn(config.enqueueTimeoutMs));
    return holds.filter(
      (hold) =>
        (hold.reason === 'operator' || hold.reason === 'dead-letter') &&
        hold.scope !== 'all' &&
        (page === undefined || hold.page === page),
    );
  });
}

const TOLD = 5;

function describeWithin(holds: readonly HoldTarget[]): string {
  const names = holds.slice(0, TOLD).map(nameOf).join('; ');
  const more = holds.length > TOLD ? `; and ${holds.length - TOLD} more, see "kitechat-sender status"` : '';
  return `still held by holds of their own, to be released separately: ${names}${more}`;
}

async function withSession<Result>(config: Config, work: (session: Session) => Promise<Result>): Promise<Result> {
  const session = createSession(config);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

function describe({ page, conversation }: HoldTarget): { scope: string; page?: string; conversation?: string } {
  if (page === undefined) return { scope: 'all' };
  return conversation === undefined ? { scope: 'page', page } : { scope: 'conversation', page, conversation };
}

function nameOf({ page, conversation }: HoldTarget): string {
  if (page === undefined) return 'everything';
  return conversation === undefined ? `page ${page}` : `conversation ${conversation} of page ${page}`;
}

function print({ stdout }: CommandContext, json: boolean | undefined, made: Record<string, string>): void {
  if (json) jsonLine(stdout, made);
  else line(stdout, textTable([Object.keys(made), Object.values(made)]));
}
