import { type DeadLetterRecord, openDeadLetters } from '../../dead-letters/index.ts';
import { describeArrival, mayHaveArrived } from '../../shared/model/may-have-arrived.ts';
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

/** The command, with the options that most often help. */
function howToReplay(record: DeadLetterRecord): string {
  const { id, reason } = record;
  const force = reason === 'expired' || mayHaveArrived(record) ? ' --force' : '';
  const edit = reason === 'rejected' ? ' --set message.text="…"' : '';
  return `kitechat-sender dead-letters replay --id ${id}${force}${edit}`;
}

function howToSettle({ id }: Pick<DeadLetterRecord, 'id'>): string {
  return `kitechat-sender dead-letters settle ${id} --delivered (or --not-delivered)`;
}

function describeWhole(whole: DeadLetterRecord): string {
  const { attempts, request, response, ...record } = whole;
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
    arrived: describeArrival(whole),
    ...(record.resolution === undefined ? {} : { 'settled at': record.resolution.at }),
    ...(record.problem === undefined ? {} : { problem: record.problem }),
  });
  const answer = response === null ? 'none' : `HTTP ${response.httpStatus}\n${response.body}`;
  const sections = [
    facts,
    describeAttempts(attempts),
    `request: ${JSON.stringify(request, null, 2)}`,
    `answer: ${answer}`,
    ...(mayHaveArrived(whole) ? [`If you find out whether it arrived: ${howToSettle(record)}`] : []),
    ...(request === null ? [] : [`Send it again: ${howToReplay(whole)}`]),
  ];
  return sections.join('\n\n');
}
