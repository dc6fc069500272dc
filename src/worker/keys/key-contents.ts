import { headerToken } from '../../shared/config/values.ts';
import { describeIssue, MAX_ISSUES } from '../../shared/validation/issues.ts';
import { meantBy, withoutMark } from '../../shared/config/given-text.ts';
import { type Contents, valueInFile } from '../../shared/config/secret-file.ts';
import { opaqueText } from '../../shared/validation/rules.ts';

const FORM = '{ "<pageId>": "<key>" }';
const pageIdRule = opaqueText(256);

/** Reads a file that holds one key. */
export function parseKey(text: string): Contents<string> {
  const file = valueInFile(text, { isSecret: true });
  if ('problem' in file) return { problems: [file.problem] };
  const problem = problemOf(headerToken, file.value);
  return problem === undefined ? file : { problems: [problem] };
}

/** Reads a JSON object of page ids and keys. The result is a Map, because `__proto__` is a possible page id. */
export function parsePageKeys(contents: string): Contents<ReadonlyMap<string, string>> {
  const text = withoutMark(contents);
  const entries = entriesOf(text);
  if (entries === null) return { problems: [`names a file that is not a JSON object of the form ${FORM}`] };
  const keys = new Map<string, string>();
  const problems: string[] = [];
  for (const [pageId, key] of entries) {
    const wrongId = problemOf(pageIdRule, pageId);
    const wrongKey = quotesIn(key) ?? problemOf(headerToken, key);
    if (wrongId !== undefined) problems.push(`${placeOf(pageId, text)}: the page id ${wrongId}`);
    if (wrongKey !== undefined) problems.push(`${placeOf(pageId, text)}: the key ${wrongKey}`);
    if (typeof key === 'string') keys.set(pageId, key);
    if (problems.length >= MAX_ISSUES) break;
  }
  return problems.length === 0 ? { value: keys } : { problems };
}

function entriesOf(text: string): [string, unknown][] | null {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? Object.entries(json) : null;
  } catch {
    return null;
  }
}

function quotesIn(key: unknown): string | undefined {
  const meant = typeof key === 'string' ? meantBy(key, { isSecret: true }) : null;
  return meant && 'problem' in meant ? meant.problem : undefined;
}

function problemOf(rule: typeof headerToken, value: unknown): string | undefined {
  return rule.safeParse(value, { error: describeIssue }).error?.issues[0]?.message;
}

/** Returns the position of an entry. It doesn't quote the page id, which is a key if the file has them the wrong way round. */
function placeOf(pageId: string, text: string): string {
  const start = text.indexOf(JSON.stringify(pageId));
  // The file may write the page id with escapes that JSON.stringify doesn't use.
  if (start === -1) return 'an entry';
  const before = text.slice(0, start).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}
