import { type AuditRecord, describeTarget, readActions } from '../../shared/actions/audit.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import { createSession } from '../../shared/session/session.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line } from '../context/context.ts';
import { loadSite, tellIfUnused } from '../context/site.ts';
import { textTable } from '../terminal/table.ts';

export interface AuditFlags {
  since?: Date;
  until?: Date;
  limit: number;
  json?: boolean;
}

/** `audit`: the newest actions of operators. */
export async function showAudit(context: CommandContext, { json, ...query }: AuditFlags): Promise<ExitCode> {
  const config = loadSite(context);
  const session = createSession(config);
  try {
    const records = await readActions(session, config, query, deadlineIn(config.enqueueTimeoutMs));
    if (json) for (const record of records) jsonLine(context.stdout, record);
    else if (records.length > 0) line(context.stdout, describeRecords(records));
    line(context.stderr, `${records.length} shown, the newest first`);
    if (records.length === 0) await tellIfUnused(context, config);
    return exitCodes.done;
  } finally {
    await session.close();
  }
}

function describeRecords(records: readonly AuditRecord[]): string {
  return textTable([
    ['at', 'by', 'via', 'action', 'what', 'matched', 'done', 'result', 'why'],
    ...records.map((record) => [
      record.at,
      record.session === undefined ? record.by : `${record.by} (${record.session})`,
      record.via,
      record.action,
      describeTarget(record),
      record.matched ?? null,
      record.done ?? null,
      record.result,
      record.reason ?? null,
    ]),
  ]);
}
