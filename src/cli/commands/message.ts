import { createProducer, type MessageRecord } from '../../producer/index.ts';
import { describeArrival } from '../../shared/model/may-have-arrived.ts';
import type { DeadMessageRecord, OpenMessageRecord } from '../../shared/reading/message.ts';
import type { AttemptRecord } from '../../shared/model/attempts.ts';
import type { CommandContext, ExitCode, JsonOption } from '../context/context.ts';
import { loadSite, tellIfUnused } from '../context/site.ts';
import { showRecord } from '../terminal/show-record.ts';
import { factTable, textTable } from '../terminal/table.ts';

/** `message ID`: prints the state of one message, and its attempts. */
export async function showMessage(context: CommandContext, id: string, { json }: JsonOption): Promise<ExitCode> {
  const config = loadSite(context);
  // It stores nothing, so it needs no encryption keys.
  await using producer = createProducer({ ...config, requireEncryption: false });
  const record = await producer.getMessage(id);
  const missing = `message ${id} is unknown: the id is wrong, the message was delivered some time ago, or it was sent again under a new id`;
  const exitCode = showRecord(context, record, { json, describe, missing });
  if (record === null) await tellIfUnused(context, config);
  return exitCode;
}

function describe(record: MessageRecord): string {
  const facts = factTable({
    id: record.id,
    page: record.pageId,
    conversation: record.conversationId,
    status: record.status,
    'enqueued at': record.enqueuedAt,
    attempts: `${record.attemptsUsed} of ${record.attemptsAllowed} used`,
    'next attempt': record.nextAttemptAt,
    label: record.label,
    ...(record.status === 'dead' ? factsOfDeath(record) : factsOfEnding(record)),
  });
  const more = record.status === 'dead' ? `\n\nDetails: kitechat-sender dead-letters show ${record.id}` : '';
  return `${facts}\n\n${describeAttempts(record.attempts)}${more}`;
}

function factsOfDeath(record: DeadMessageRecord): Record<string, string> {
  return { 'died at': record.deadAt, reason: record.reason, arrived: describeArrival(record) };
}

function factsOfEnding({ endedAt, proof, provedBy, answer }: OpenMessageRecord): Record<string, string> {
  return {
    ...(endedAt === null ? {} : { 'ended at': endedAt }),
    ...(proof === null ? {} : { proof }),
    ...(provedBy === null ? {} : { 'proved by': provedBy }),
    ...(answer === null ? {} : { answer: JSON.stringify(answer) }),
  };
}

export function describeAttempts(attempts: readonly AttemptRecord[]): string {
  if (attempts.length === 0) return 'No attempt was made.';
  return textTable([
    ['at', 'outcome', 'HTTP', 'ms', 'counts', 'detail'],
    ...attempts.map(({ at, outcome, httpStatus, durationMs, usedAttempt, detail }) => [
      at,
      outcome,
      httpStatus,
      durationMs,
      usedAttempt ? 'yes' : 'no',
      detail,
    ]),
  ]);
}
