import { EnqueueUncertainError } from '../errors/errors.ts';
import { changeKey } from '../lanes/change-key.ts';
import { auditKey } from '../lanes/key-names.ts';
import { isoTime } from '../model/time.ts';
import type { Deadline } from '../redis/deadline.ts';
import { ChangeUncertainError } from '../session/calls.ts';
import type { Session } from '../session/session.ts';

/** An action of an operator: who, what and why. It holds neither content nor keys. */
export interface AuditedAction {
  /** The name of the console's token, or the name that the command was given. */
  by: string;
  via: 'console' | 'cli';
  /** A short form of the console's session. */
  session?: string | undefined;
  action: string;
  /** The page that the action is about; missing if it is about several, or if it is not known. */
  page?: string | undefined;
  conversation?: string | undefined;
  /** The messages that were named. */
  ids?: readonly string[] | undefined;
  /** What was selected otherwise, in words. */
  selection?: string | undefined;
  reason?: string | undefined;
}

/** What became of an action. */
export interface AuditedOutcome {
  result: string;
  /** Numbers of entries, for an action on several. */
  matched?: number | undefined;
  done?: number | undefined;
}

/** An action, as it was recorded. */
export interface AuditRecord extends AuditedAction, AuditedOutcome {
  /** The position in the record. */
  id: string;
  /** Redis's time. */
  at: string;
}

/** Records what was done; it never throws. */
export type Recorder = (outcome: AuditedOutcome) => Promise<void>;

/** The newest actions that are kept. */
const KEPT = 10_000;
const MAX_IDS = 20;
const MAX_TEXT = 512;

/**
 * Appends an action to the record, also when Redis is full. A namespace that nothing has set up stays so.
 *
 * @throws QueueUnavailableError, ChangeUncertainError, ConfigError
 */
export async function recordAction(
  session: Session,
  { namespace }: { namespace: string },
  { ids, ...action }: AuditedAction & AuditedOutcome,
  deadline: Deadline,
): Promise<void> {
  const texts = { ...action, ids: ids?.slice(0, MAX_IDS).join(' ') };
  const fields = Object.entries(texts).flatMap(([name, value]) =>
    value === undefined ? [] : [name, String(value).slice(0, MAX_TEXT)],
  );
  const append = ['XADD', 'MAXLEN', '~', KEPT, '*', ...fields] as const;
  await session.changeStored(0, deadline, undefined, async ({ redis }) => {
    await changeKey(redis, auditKey(namespace), [append]);
  });
}

/** Makes a change and records it, also if Redis does not say whether the change was made. */
export async function recorded<T>(
  record: Recorder,
  work: () => Promise<T>,
  outcomeOf: (made: T) => AuditedOutcome,
): Promise<T> {
  try {
    const made = await work();
    await record(outcomeOf(made));
    return made;
  } catch (error) {
    if (isUncertain(error)) await record({ result: 'uncertain' });
    throw error;
  }
}

/** Whether an error leaves open whether the change was made. */
export function isUncertain(error: unknown): boolean {
  return error instanceof ChangeUncertainError || error instanceof EnqueueUncertainError;
}

export interface AuditQuery {
  since?: Date | undefined;
  until?: Date | undefined;
  /** The id of a record: only earlier ones are read. */
  before?: string | undefined;
  limit: number;
  /** Which records are wanted. */
  isWanted?: (record: AuditRecord) => boolean;
}

const ID = /^\d{1,15}-\d{1,10}$/;
const AT_ONCE = 500;

/** Whether a text can be the id of a record. */
export function isAuditId(text: string): boolean {
  return ID.test(text);
}

/**
 * Reads the newest actions, the newest first.
 *
 * @throws QueueUnavailableError, ConfigError
 */
export async function readActions(
  session: Session,
  { namespace }: { namespace: string },
  { since, until, before, limit, isWanted = () => true }: AuditQuery,
  deadline: Deadline,
): Promise<AuditRecord[]> {
  const first = since === undefined ? '-' : String(Math.max(0, since.getTime()));
  const beforeUntil = until === undefined ? '+' : `(${Math.max(0, until.getTime())}-0`;
  return await session.read(0, deadline, async ({ redis }) => {
    const found: AuditRecord[] = [];
    let last = before === undefined ? beforeUntil : `(${before}`;
    while (found.length < limit) {
      const entries = await redis.xrevrange(auditKey(namespace), last, first, 'COUNT', AT_ONCE);
      found.push(...entries.map(([id, fields]) => recordOf(id, fields)).filter(isWanted));
      const [oldest] = entries.at(-1) ?? [];
      if (entries.length < AT_ONCE || oldest === undefined) break;
      last = `(${oldest}`;
    }
    return found.slice(0, limit);
  });
}

function recordOf(id: string, fields: readonly string[]): AuditRecord {
  const named = new Map(fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1] ?? ''] as const] : [])));
  const countOf = (name: string): number | undefined => {
    const text = named.get(name) ?? '';
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  return {
    id,
    at: isoTime(Number(id.split('-', 1)[0])),
    by: named.get('by') ?? '',
    via: named.get('via') === 'console' ? 'console' : 'cli',
    session: named.get('session'),
    action: named.get('action') ?? '',
    page: named.get('page'),
    conversation: named.get('conversation'),
    ids: named.get('ids')?.split(' '),
    selection: named.get('selection'),
    reason: named.get('reason'),
    matched: countOf('matched'),
    done: countOf('done'),
    result: named.get('result') ?? '',
  };
}

/** What an action was about, in words. */
export function describeTarget({ page, conversation, ids = [], selection }: AuditedAction): string {
  const place = [
    ...(page === undefined ? [] : [`page ${page}`]),
    ...(conversation === undefined ? [] : [conversation]),
  ];
  const rest = [...(ids.length === 0 ? [] : [ids.join(' ')]), ...(selection === undefined ? [] : [selection])];
  return [place.join(', conversation '), ...rest].filter((text) => text !== '').join(': ') || 'everything';
}
