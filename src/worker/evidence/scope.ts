/**
 * What kept a message from being accepted.
 *
 * - `failing`: no answer, or one with an unknown outcome.
 * - `limited`: the API asks to wait (429, 503).
 * - `unauthorized`: the key is refused (401).
 * - `forbidden`: the recipient, the page or the key is refused (403).
 * - `refusing`: the message is rejected.
 * - `no-key`: the page has no API key.
 */
export type Trouble = 'failing' | 'limited' | 'unauthorized' | 'forbidden' | 'refusing' | 'no-key';

/** How much a hold covers beyond one conversation, from narrow to wide. */
export type WideScope = 'page' | 'key' | 'api';
export type Scope = 'conversation' | WideScope;

/** Names of what a message belongs to. A name is unique among all pages, or all keys. */
export interface Place {
  lane: string;
  page: string;
  key: string;
}

/** A conversation that has met a trouble. */
export interface Finding extends Place {
  atMs: number;
}

/** When the last message was accepted, on the clock of the findings: by `page:<page>`, by key, and as `api`. */
export type LastSuccesses = ReadonlyMap<string, number>;

interface Rule {
  /** How many different conversations must show the trouble until it is thought to concern more than these conversations. */
  conversations: number;
  /** How many are needed if the trouble has not lasted yet: a row of blocked recipients is soon followed by others. */
  atOnce?: number;
  /** A finding counts for this long. */
  windowMs: number;
  widest: WideScope;
  /**
   * Whether the only page, or the only key, that is known to be in use stands for all. Not for limits: a limit of the only page is
   * the page's limit.
   */
  onlyOneStandsForAll: boolean;
}

const HOUR_MS = 3_600_000;
const LASTING_MS = 5000;

/** One table for all evidence; docs/guarantees.md explains it. `refusing` takes the number of conversations from the settings. */
export const rules = {
  failing: { conversations: 5, windowMs: 10_000, widest: 'api', onlyOneStandsForAll: true },
  limited: { conversations: 3, windowMs: 10_000, widest: 'api', onlyOneStandsForAll: false },
  forbidden: { conversations: 3, atOnce: 50, windowMs: HOUR_MS, widest: 'key', onlyOneStandsForAll: true },
  refusing: { conversations: 20, windowMs: HOUR_MS, widest: 'api', onlyOneStandsForAll: true },
} satisfies Partial<Record<Trouble, Rule>>;

/** The troubles whose scope the evidence decides. */
export type Inferred = keyof typeof rules;

/** A page or key counts as in use for this long after a success. */
export const IN_USE_MS = 60_000;

const WIDE_SCOPES: readonly WideScope[] = ['page', 'key', 'api'];

export interface Evidence {
  trouble: Inferred;
  /** All findings of this trouble, with the newest one of `place`. */
  findings: readonly Finding[];
  successes: LastSuccesses;
  nowMs: number;
  /** For how long the newest message has met the trouble. */
  lastedMs?: number;
  /** Replaces the number of conversations in the rule. */
  conversations?: number;
}

/** What is to be held, and how many conversations have shown it. */
export interface Verdict {
  scope: Scope;
  conversations: number;
}

/**
 * Decides how much a trouble concerns: the smallest scope that explains all findings since the last success, if there are enough of
 * them. Pure.
 */
export function scopeOf(place: Place, evidence: Evidence): Verdict {
  const rule: Rule = rules[evidence.trouble];
  const hasLasted = (evidence.lastedMs ?? 0) >= LASTING_MS;
  const needed = evidence.conversations ?? (hasLasted ? undefined : rule.atOnce) ?? rule.conversations;
  const candidates = WIDE_SCOPES.slice(0, WIDE_SCOPES.indexOf(rule.widest) + 1).toReversed();
  for (const scope of candidates) {
    const findings = findingsSinceSuccess(scope, place, evidence);
    const conversations = count(findings, ({ lane }) => lane);
    if (conversations >= needed && isWide(scope, findings, evidence)) return { scope, conversations };
  }
  return { scope: 'conversation', conversations: 1 };
}

function findingsSinceSuccess(scope: WideScope, place: Place, evidence: Evidence): Finding[] {
  const { findings, successes, nowMs, trouble } = evidence;
  const lastSuccess = successes.get(nameOf(scope, place)) ?? -Infinity;
  const from = nowMs - rules[trouble].windowMs;
  return findings.filter(
    (one) => one.atMs > lastSuccess && one.atMs > from && nameOf(scope, one) === nameOf(scope, place),
  );
}

/** Whether the findings come from more than one part of the scope, or from the only part that is in use. */
function isWide(scope: WideScope, findings: readonly Finding[], evidence: Evidence): boolean {
  if (scope === 'page') return true;
  const pages = new Set(findings.map(({ page }) => `page:${page}`));
  const keys = new Set(findings.map(({ key }) => key));
  const isOnly = (prefix: string, known: ReadonlySet<string>): boolean =>
    known.size === 1 && rules[evidence.trouble].onlyOneStandsForAll && !isAnotherInUse(prefix, known, evidence);
  if (pages.size === 1 && !isOnly('page:', pages)) return false;
  return scope === 'key' || keys.size > 1 || isOnly('key:', keys);
}

function isAnotherInUse(prefix: string, known: ReadonlySet<string>, { successes, nowMs }: Evidence): boolean {
  for (const [name, atMs] of successes) {
    if (name.startsWith(prefix) && !known.has(name) && atMs > nowMs - IN_USE_MS) return true;
  }
  return false;
}

/** The name of a page, a key or the API, as successes and circuits know it. */
export function nameOf(scope: WideScope, { page, key }: Pick<Place, 'page' | 'key'>): string {
  if (scope === 'api') return 'api';
  return scope === 'key' ? key : `page:${page}`;
}

function count<T>(items: readonly T[], nameOfItem: (item: T) => string): number {
  return new Set(items.map(nameOfItem)).size;
}
