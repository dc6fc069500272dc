import { ConfigError } from '../../shared/errors/errors.ts';
import { describeIssue, issuesOf } from '../../shared/validation/issues.ts';
import { nearest } from '../../shared/validation/nearest.ts';
import { faultsSchema } from './fault-schema.ts';
import type { Fault } from './faults.ts';

/** The field for the value of a `name=value`, and how the value is read. */
interface Setting {
  field: string;
  /** Whether the field belongs to the fault's `match`. */
  inMatch?: true;
  read: (value: string) => unknown;
}

const text = (value: string): string => value;
const number = (value: string): unknown => (value.trim() === '' ? value : Number(value));
const yesOrNo = (value: string): unknown => ({ '': true, true: true, false: false })[value] ?? value;

const kinds = new Map<string, { fault: object; value?: Setting }>([
  ['status', { fault: { kind: 'status' }, value: { field: 'status', read: number } }],
  ['latency', { fault: { kind: 'latency' }, value: { field: 'ms', read: number } }],
  ['hang', { fault: { kind: 'hang' } }],
  ['reset-before', { fault: { kind: 'reset', when: 'before' } }],
  ['reset-after', { fault: { kind: 'reset', when: 'after' } }],
  ['success-false', { fault: { kind: 'success-false' } }],
  ['redirect', { fault: { kind: 'redirect' }, value: { field: 'location', read: text } }],
  ['slow-body', { fault: { kind: 'slow-body' }, value: { field: 'ms', read: number } }],
  ['broken-body', { fault: { kind: 'broken-body' } }],
  ['huge-body', { fault: { kind: 'huge-body' }, value: { field: 'bytes', read: number } }],
  ['garbage', { fault: { kind: 'garbage' } }],
]);

const settings = new Map<string, Setting>([
  ['retry-after', { field: 'retryAfter', read: text }],
  ['body', { field: 'body', read: text }],
  ['accept', { field: 'accept', read: yesOrNo }],
  ['times', { field: 'times', read: number }],
  ['page', { field: 'pageId', inMatch: true, read: text }],
  ['conversation', { field: 'conversationId', inMatch: true, read: text }],
  ['type', { field: 'type', inMatch: true, read: text }],
  ['text', { field: 'textIncludes', inMatch: true, read: text }],
  ['nth', { field: 'nth', inMatch: true, read: number }],
]);

const MAX_QUOTED = 60;

/**
 * Turns the texts of `--fault` flags into faults, in their order.
 *
 * A text is `<kind>[=<value>][,<name>=<value>…][:<rate>%]`, or a fault (or a list of them) as JSON:
 * - kinds: `status=500`, `latency=20` (ms), `hang`, `reset-before`, `reset-after`, `success-false`,
 *   `redirect[=<location>]`, `slow-body=500` (ms), `broken-body`, `huge-body=1000000` (bytes), `garbage`
 * - names: `retry-after=2`, `body=<text>`, `accept[=false]`, `times=3`, and to select requests
 *   `page=<id>`, `conversation=<id>`, `type=image`, `text=<part>`, `nth=2`
 *
 * Values with a comma need the JSON form.
 *
 * @throws ConfigError naming every text that can't be read, and why.
 * @example
 * faultsFromFlags(['status=429,retry-after=2:5%', 'reset-after:1%', '{"kind":"hang","match":{"pageId":"p1"}}'])
 */
export function faultsFromFlags(texts: readonly string[]): Fault[] {
  const problems: string[] = [];
  const faults = texts.flatMap((flag) => {
    const said = (problem: string): number => problems.push(`"${cut(flag)}": ${problem}`);
    const raw = /^\s*[[{]/.test(flag) ? fromJson(flag, said) : fromWords(flag, said);
    if (raw === null) return [];
    const { data, error, success } = faultsSchema.safeParse(raw, { error: describeIssue });
    if (success) return data;
    for (const { path, message } of issuesOf(error, 'fault')) said(`${withoutIndex(path, raw)}: ${message}`);
    return [];
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return faults;
}

function fromJson(flag: string, said: (problem: string) => void): unknown[] | null {
  try {
    const parsed: unknown = JSON.parse(flag);
    return [parsed].flat();
  } catch {
    said('is not valid JSON');
    return null;
  }
}

function fromWords(flag: string, said: (problem: string) => void): unknown[] | null {
  if (!flag.includes('://') && /:[\d.]+$/.test(flag)) {
    said('a rate ends in %, such as :12%; write a value that ends like this as JSON');
    return null;
  }
  const [, words = '', rate] = /^(.*?)(?::([^:%]*)%)?$/s.exec(flag) ?? [];
  const [first = '', ...rest] = words.split(',');
  const [kindName, kindValue] = nameAndValue(first);
  const kind = kinds.get(kindName);
  if (kind === undefined) {
    said(`there is no fault ${quoted(kindName)}${hint(kindName, kinds)}`);
    return null;
  }
  const fault: Record<string, unknown> = { ...kind.fault };
  const match: Record<string, unknown> = {};
  if (kindValue !== undefined && kind.value === undefined) {
    said(`${kindName} takes no value`);
    return null;
  }
  if (kindValue !== undefined && kind.value) fault[kind.value.field] = kind.value.read(kindValue);
  for (const word of rest) {
    const [name, value = ''] = nameAndValue(word);
    const setting = settings.get(name);
    if (setting === undefined) {
      said(`there is no setting ${quoted(name)}${hint(name, settings)}`);
      return null;
    }
    (setting.inMatch ? match : fault)[setting.field] = setting.read(value);
  }
  if (rate !== undefined) fault['rate'] = rate.trim() === '' ? rate : Number(rate) / 100;
  return [Object.keys(match).length > 0 ? { ...fault, match } : fault];
}

function nameAndValue(word: string): [name: string, value: string | undefined] {
  const at = word.indexOf('=');
  return at < 0 ? [word.trim(), undefined] : [word.slice(0, at).trim(), word.slice(at + 1)];
}

function hint(name: string, known: ReadonlyMap<string, unknown>): string {
  const names = [...known.keys()];
  const meant = nearest(name, names);
  return meant === undefined ? `; there are ${names.join(', ')}` : `, did you mean ${meant}?`;
}

/** Shortens `[0].rate` to `rate` if there is only one fault. */
function withoutIndex(path: string, raw: readonly unknown[]): string {
  return raw.length === 1 ? path.replace(/^\[0\]\.?/, '') || 'fault' : path;
}

function quoted(word: string): string {
  return `"${cut(word)}"`;
}

function cut(words: string): string {
  return words.length > MAX_QUOTED ? `${words.slice(0, MAX_QUOTED)}…` : words;
}
