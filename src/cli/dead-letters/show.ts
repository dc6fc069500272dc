import { type DeadLetterRecord, openDeadLetters } from '../../dead-letters/index.ts';
import type { CommandContext, ExitCode, JsonOption } from '../context/context.ts';
import { loadSite, tellIfUnused } from '../context/site.ts';
import { describeAttempts } from '../commands/message.ts';
import { showRecord } from '../terminal/show-record.ts';
import { factTable } from '../terminal/table.ts';

/** `dead-letters show ID`: prints one entry in full. */
export async function showDeadLetter(context: CommandContext, id: string, { json }: JsonOption): Promise<ExitCode> {
  const config = loadSite(context);
  await using deadLetters = openDeadLetters(config);
  const record = await deadLetters.get(id);
  const missing = `there is no dead letter ${id}; see "kitechat-sender dead-letters list"`;
  const exitCode = showRecord(context, record, { json, describe: describeWhole, missing });
  if (record === null) await tellIfUnused(context, config);
  return exitCode;
}

/** The command, with the option that most often helps for this reason. */
function howToReplay({ id, reason }: Pick<DeadLetterRecord, 'id' | 'reason'>): string {
  const options = { expired: ' --force', rejected: ' --set message.text="…"' };
  const option = reason === 'expired' || reason === 'rejected' ? options[reason] : '';
  return `kitechat-sender dead-letters replay --id ${id}${option}`;
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
    ...(record.problem === undefined ? {} : { problem: record.problem }),
  });
  const answer = response === null ? 'none' : `HTTP ${response.httpStatus}\n${response.body}`;
  const sections = [
    facts,
    describeAttempts(attempts),
    `request: ${JSON.stringify(request, null, 2)}`,
    `answer: ${answer}`,
    ...(request === null ? [] : [`Send it again: ${howToReplay(record)}`]),
  ];
  return sections.join('\n\n');
}
