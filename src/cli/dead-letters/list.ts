import {
  type DeadLetterCounts,
  type DeadLetterEntry,
  type DeadLetters,
  openDeadLetters,
} from '../../dead-letters/index.ts';
import { describeArrival } from '../../shared/model/may-have-arrived.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line } from '../context/context.ts';
import { loadSite, tellIfUnused } from '../context/site.ts';
import { textTable } from '../terminal/table.ts';
import { describeReasons } from './reasons.ts';
import { type FilterFlags, filterOfFlags, isNarrow } from './selection.ts';

export interface ListFlags extends FilterFlags {
  limit: number;
  json?: boolean;
}

/** Pages that the summary names. */
const BUSIEST = 5;
/** Characters of an answer in the table; `show` prints the whole answer. */
const SAID_LENGTH = 60;

/** `dead-letters list`: the newest entries that match. */
export async function listDeadLetters(
  context: CommandContext,
  { limit, json, ...flags }: ListFlags,
): Promise<ExitCode> {
  const config = loadSite(context);
  await using deadLetters = openDeadLetters(config);
  const entries = await deadLetters.list({ ...filterOfFlags(flags), limit });
  if (json) for (const entry of entries) jsonLine(context.stdout, entry);
  else if (entries.length > 0) line(context.stdout, describeEntries(entries, config.consoleShowContent));
  line(context.stderr, await summarize(deadLetters, entries.length, { limit, ...flags }));
  if (entries.length === 0) await tellIfUnused(context, config);
  return exitCodes.done;
}

async function summarize(deadLetters: DeadLetters, shown: number, { limit, ...flags }: ListFlags): Promise<string> {
  const counts = await deadLetters.counts();
  const filter = filterOfFlags(flags);
  if (!isNarrow(filter)) return `${shown} shown, ${counts.total} in all${describeCounts(counts)}`;
  // Fewer entries than the limit are all that match, so they need not be counted.
  const matching = shown < limit ? '' : `, ${await deadLetters.count(filter)} match`;
  return `${shown} shown${matching}, ${counts.total} in all`;
}

function describeCounts({ total, byReason, byPage }: DeadLetterCounts): string {
  if (total === 0) return '';
  const busiest = byPage.slice(0, BUSIEST).map(({ pageId, count }) => `${pageId ?? 'unknown page'} (${count})`);
  const more = byPage.length > BUSIEST ? ', …' : '';
  return `: ${describeReasons(byReason)}; by page: ${busiest.join(', ')}${more}`;
}

/** The detail of the last attempt with the API's answer, which can quote the message in any encoding: only its length, if content is hidden. */
function lastDetailOf({ attempts, response, problem }: DeadLetterEntry, showContent: boolean): string | null {
  if (problem !== undefined) return problem;
  const { detail = null, httpStatus = null } = attempts.at(-1) ?? {};
  if (response === null || response.httpStatus !== httpStatus || response.body === '') return detail;
  if (!showContent) {
    const hidden = `${Buffer.byteLength(response.body)} bytes, see "show"`;
    return detail === null ? hidden : `${detail}, ${hidden}`;
  }
  const said = saidIn(response.body).replaceAll(/\s+/gu, ' ').trim();
  if (said === '') return detail;
  const cut = said.length > SAID_LENGTH ? `${said.slice(0, SAID_LENGTH)}…` : said;
  return detail === null ? cut : `${detail}: ${cut}`;
}

/** The `message` of a JSON answer, as the API's other endpoints have it; otherwise the whole answer. */
function saidIn(body: string): string {
  try {
    const answer: unknown = JSON.parse(body);
    const message: unknown = typeof answer === 'object' && answer !== null ? Reflect.get(answer, 'message') : undefined;
    return typeof message === 'string' ? message : body;
  } catch {
    return body;
  }
}

function describeEntries(entries: readonly DeadLetterEntry[], showContent: boolean): string {
  return textTable([
    ['id', 'died at', 'reason', 'arrived', 'page', 'conversation', 'type', 'last detail'],
    ...entries.map((entry) => [
      entry.id,
      entry.deadAt,
      entry.reason,
      describeArrival(entry),
      entry.pageId,
      entry.conversationId,
      entry.message?.type ?? null,
      lastDetailOf(entry, showContent),
    ]),
  ]);
}
