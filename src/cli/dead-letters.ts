import {
  type DeadLetterEntry,
  type DeadLetterFilter,
  type DeadLetterRecord,
  openDeadLetters,
  type ReplayResult,
} from '../dead-letters/index.ts';
import { loadConfig } from '../shared/config.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line } from './context.ts';
import { describeAttempts } from './message.ts';
import { factTable, table } from './table.ts';

export interface ListOptions extends DeadLetterFilter {
  limit: number;
  json?: boolean;
}

/** `dead-letters list`: the newest entries that match. */
export async function listDeadLetters(context: CommandContext, { json, ...filter }: ListOptions): Promise<ExitCode> {
  await using deadLetters = openDeadLetters(loadConfig(context.env));
  const [entries, count] = await Promise.all([deadLetters.list(filter), deadLetters.count()]);
  if (json) for (const entry of entries) jsonLine(context.stdout, entry);
  else if (entries.length > 0) line(context.stdout, describeEntries(entries));
  line(context.stderr, `${entries.length} shown, ${count} in all`);
  return exitCodes.done;
}

function describeEntries(entries: readonly DeadLetterEntry[]): string {
  return table([
    ['id', 'died at', 'reason', 'page', 'conversation', 'type', 'last detail'],
    ...entries.map(({ id, deadAt, reason, pageId, conversationId, message, attempts }) => [
      id,
      deadAt,
      reason,
      pageId,
      conversationId,
      message?.type ?? null,
      attempts.at(-1)?.detail ?? null,
    ]),
  ]);
}

/** `dead-letters show ID`: one entry whole. */
export async function showDeadLetter(
  context: CommandContext,
  id: string,
  { json }: { json?: boolean },
): Promise<ExitCode> {
  await using deadLetters = openDeadLetters(loadConfig(context.env));
  const record = await deadLetters.get(id);
  if (record === null) {
    line(context.stderr, `there is no dead letter ${id}; see "kitechat-sender dead-letters list"`);
    return exitCodes.notFullyDone;
  }
  if (json) jsonLine(context.stdout, record);
  else line(context.stdout, describeWhole(record));
  return exitCodes.done;
}

function describeWhole({ attempts, request, response, ...record }: DeadLetterRecord): string {
  const facts = factTable({
    id: record.id,
    page: record.pageId,
    conversation: record.conversationId,
    reason: record.reason,
    'enqueued at': record.enqueuedAt,
    'died at': record.deadAt,
    'kept until': record.expiresAt,
    attempts: `${record.attemptsUsed} of ${record.attemptsAllowed} used`,
    label: record.label,
    'replay of': record.replayOf,
  });
  const answer = response === null ? 'none' : `HTTP ${response.httpStatus}\n${response.body}`;
  const sections = [
    facts,
    describeAttempts(attempts),
    `request: ${JSON.stringify(request, null, 2)}`,
    `answer: ${answer}`,
  ];
  return sections.join('\n\n');
}

/** `dead-letters replay --id ID…`: sends entries again. */
export async function replayDeadLetters(
  context: CommandContext,
  { id, force, json }: { id: string[]; force?: boolean; json?: boolean },
): Promise<ExitCode> {
  await using deadLetters = openDeadLetters(loadConfig(context.env));
  const onReplayed = (old: string, newId: string): void => line(context.stderr, `${old} is sent again as ${newId}`);
  const result = await deadLetters.replay({ ids: id, force: force ?? false, onReplayed });
  if (json) jsonLine(context.stdout, result);
  else line(context.stdout, describeReplay(result));
  for (const { id: skipped, why } of result.skipped) line(context.stderr, `${skipped}: ${hints[why]}`);
  return result.skipped.length === 0 ? exitCodes.done : exitCodes.notFullyDone;
}

function describeReplay({ matched, done, skipped }: ReplayResult): string {
  return table([
    ['matched', 'done', 'skipped'],
    [matched, done, skipped.length],
  ]);
}

const hints = {
  'not found': 'there is no such dead letter',
  expired: 'it is too old to be sent unseen; --force sends it all the same',
  undecodable: 'what was stored can not be read, so it can not be sent',
  'replayed meanwhile': 'somebody else has just sent it again',
} as const;
