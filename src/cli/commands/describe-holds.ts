import { type Hold, lacksKey } from '../../shared/reading/holds.ts';
import { inWords } from '../terminal/in-words.ts';
import { textTable } from '../terminal/table.ts';

const HALF_A_DAY_MS = 12 * 3_600_000;
/** Long ids of pages are shortened to this length where a line names several. */
const LONGEST_NAME = 40;

/** The table of holds for people, and for each key the pages that it stops. @param nowMs on Redis's clock */
export function describeHolds(holds: readonly Hold[], nowMs: number): string {
  if (holds.length === 0) return '';
  const columns = [
    { name: 'hold', cell: ({ scope }: Hold) => scope },
    { name: 'page', cell: ({ page }: Hold) => page },
    { name: 'conversation', cell: ({ conversation }: Hold) => conversation },
    { name: 'reason', cell: ({ reason }: Hold) => reason },
    { name: 'since', cell: ({ since }: Hold) => since && describeSince(since, nowMs) },
    { name: 'next', cell: (hold: Hold) => describeNext(hold, nowMs) },
    { name: 'evidence', cell: describeEvidence },
  ].filter(({ cell }) => holds.some((hold) => cell(hold) !== undefined));
  const table = textTable([
    columns.map(({ name }) => name),
    ...holds.map((hold) => columns.map(({ cell }) => cell(hold) ?? null)),
  ]);
  return [table, ...holds.filter(({ scope }) => scope === 'key').map(describeKey)].join('\n');
}

/** The time of day; for an older hold the date, too. */
function describeSince(since: string, nowMs: number): string {
  const isOld = Math.abs(nowMs - Date.parse(since)) > HALF_A_DAY_MS;
  return isOld ? `${since.slice(0, 16)}Z` : `${since.slice(11, 19)}Z`;
}

function describeNext(hold: Hold, nowMs: number): string {
  const { scope, reason, until, isPaced } = hold;
  if (reason === 'operator' || reason === 'restored') return 'release';
  if (reason === 'dead-letter') return 'replay, discard or release';
  const leftMs = until === undefined ? 0 : Date.parse(until) - nowMs;
  const left = leftMs > 0 ? `in ${inWords(Math.ceil(leftMs / 1000) * 1000)}` : null;
  if (isPaced) return left === null ? 'messages leave at a pace' : `messages leave ${left}`;
  if (scope === 'conversation') return left === null ? 'is tried again' : `tried again ${left}`;
  if (lacksKey(hold)) return left === null ? 'look for a key' : `look for a key ${left}`;
  return left === null ? 'a probe is due' : `probe ${left}`;
}

/** The evidence without the page, which has a column. */
function describeEvidence({ evidence, page, letter }: Hold): string | undefined {
  if (letter !== undefined) return `dead letter ${letter}`;
  const where = ` of page ${page}`;
  return evidence?.endsWith(where) ? evidence.slice(0, -where.length) : evidence;
}

function describeKey({ key, keySource, pages = [], pageCount = pages.length }: Hold): string {
  const source = keySource === undefined ? '' : ` from ${keySource}`;
  const more = pageCount - pages.length;
  const named = [...pages.map(shortened), ...(more > 0 ? [`${more} more`] : [])].join(', ');
  return `The key ${key}${source} stops ${pageCount} ${pageCount === 1 ? 'page' : 'pages'}${named === '' ? '' : `: ${named}`}.`;
}

function shortened(name: string): string {
  const characters = Array.from(name.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' '));
  return characters.length <= LONGEST_NAME ? characters.join('') : `${characters.slice(0, LONGEST_NAME - 1).join('')}…`;
}
