import { hostname, userInfo } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type AuditedAction, recordAction, type Recorder } from '../../shared/actions/audit.ts';
import type { Config } from '../../shared/config/config.ts';
import { describeSafely } from '../../shared/errors/safe-cause.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import { createSession } from '../../shared/session/session.ts';
import { opaqueText } from '../../shared/validation/rules.ts';
import { type CommandContext, line } from './context.ts';

/** Who acts, and why; for the record of actions. */
export interface ActorFlags {
  by?: string | undefined;
  /** In commands whose `--reason` is a filter, `--why` instead. */
  reason?: string | undefined;
  why?: string | undefined;
}

const NOT_RECORDED = 'This action counts, but may be missing in the record that "kitechat-sender audit" shows';

const nameRule = opaqueText(128);
const reasonRule = opaqueText(256);

/** Adds the options of a command that acts. */
export function addActor(command: Command, reasonFlag: '--reason' | '--why' = '--reason'): Command {
  return command
    .addOption(new Option(`${reasonFlag} <text>`, 'why, for the record of actions').argParser(textOf(reasonRule)))
    .addOption(
      new Option('--by <name>', 'who, for that record; the user and the machine if omitted').argParser(
        textOf(nameRule),
      ),
    );
}

function textOf(rule: typeof nameRule): (text: string) => string {
  return (text) => {
    const { error } = rule.safeParse(text);
    if (error) throw new InvalidArgumentError(`It ${error.issues[0]?.message ?? 'is not a text'}.`);
    return text;
  };
}

/** Returns what records an action of a command. If it can't be recorded, the action still counts, and `stderr` says so. */
export function recorderOf(
  context: CommandContext,
  config: Config,
  { by, ...action }: Omit<AuditedAction, 'by' | 'via' | 'session'> & { by?: string | undefined },
): Recorder {
  return async (outcome) => {
    const session = createSession(config);
    try {
      const done = { by: actorName(by), via: 'cli', ...action, ...outcome } as const;
      await recordAction(session, config, done, deadlineIn(config.enqueueTimeoutMs));
    } catch (error) {
      const code = describeSafely((error as Error).cause).code ?? describeSafely(error).code ?? 'UNKNOWN';
      line(context.stderr, `${NOT_RECORDED} (${code})`);
    } finally {
      await session.close();
    }
  };
}

/** The name that a command was given, or the user and the machine. */
export function actorName(by: string | undefined): string {
  return by ?? `${userName()}@${hostname()}`.slice(0, 128);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container, a user id without a name.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
