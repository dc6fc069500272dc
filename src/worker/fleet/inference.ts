import type { AttemptRecord } from '../../shared/model/attempts.ts';
import type { LaneRedis } from '../../shared/lanes/commands.ts';
import {
  type EvidenceSoFar,
  isRefusedRecipient,
  type MetBefore,
  noteRefusedRecipient,
  tellEvidence,
} from '../../shared/lanes/fleet/evidence.ts';
import { type Inferred, nameOf, rules, scopeOf, type Verdict } from '../evidence/scope.ts';
import type { Successes } from './successes.ts';
import type { Suspicions } from './suspicions.ts';
import type { RequestFacts } from './told.ts';

export interface InferenceDeps {
  redis: LaneRedis;
  namespace: string;
  refusalsToHold: number;
  successes: Successes;
  suspicions: Suspicions;
}

export interface Inference extends Verdict {
  /** Whether a message was accepted since then, on the clock of `performance.now()`; of the given key, or of any. */
  isAccepted(sinceAt: number, key?: string): boolean;
  /** The pages with the message's key that have shown the trouble lately. */
  pages: readonly string[];
}

const ONE_CONVERSATION: Verdict = { scope: 'conversation', conversations: 1 };
/** A recipient that is refused this often, over this time, is believed to be the cause if the key has worked just before. */
const REFUSALS_TO_BELIEVE = 3;
const TIME_TO_BELIEVE_MS = 2000;
const JUST_BEFORE_MS = 10_000;

/** Reports a finding, and decides from all that the fleet has seen how much the trouble concerns. */
export async function infer(deps: InferenceDeps, trouble: Inferred, facts: RequestFacts): Promise<Inference> {
  const { redis, namespace, successes, suspicions } = deps;
  const place = placeOf(facts);
  const before = metBefore(trouble, facts);
  const { windowMs } = rules[trouble];
  const found = { ...place, trouble, windowMs, before };
  const seen = await tellEvidence(redis, namespace, { found, successes: successes.report() });
  const all = successes.mergedInto(seen.successes, seen.nowMs);
  const isAccepted = (sinceAt: number, name = 'api'): boolean =>
    (all.get(name) ?? -Infinity) >= seen.nowMs - (performance.now() - sinceAt);
  const ofKey = seen.findings.filter(({ key }) => key === place.key);
  const pages = [...new Set(ofKey.map(({ page }) => page))];
  if (!seen.isNoted) return { ...ONE_CONVERSATION, isAccepted, pages };

  const verdict = scopeOf(place, {
    trouble,
    findings: findingsOf(seen),
    successes: trouble === 'failing' ? successes.withAnswers(all, seen.nowMs) : all,
    nowMs: seen.nowMs,
    ...(before ? { lastedMs: before.msAgo } : {}),
    ...(trouble === 'refusing' ? { conversations: deps.refusalsToHold } : {}),
  });
  // A key that has worked since this message was refused first is not the cause.
  const hasKeyWorked =
    trouble === 'forbidden' && before !== null && isAccepted(performance.now() - before.msAgo, place.key);
  if (hasKeyWorked && verdict.scope === 'key') return { ...ONE_CONVERSATION, isAccepted, pages };
  // A message that dies of an unknown outcome is too precious to wait for more evidence: the next one is a probe.
  const scope = trouble === 'failing' && facts.isPrecious && verdict.scope === 'conversation' ? 'api' : verdict.scope;
  if (trouble !== 'failing' || scope === 'conversation') return { ...verdict, isAccepted, pages };
  const isCleared = await suspicions.isCleared(nameOf(scope, place), facts.isPrecious);
  return { ...(isCleared ? ONE_CONVERSATION : { ...verdict, scope }), isAccepted, pages };
}

/** Reports the successes since the last report. */
export async function reportSuccesses({ redis, namespace, successes }: InferenceDeps): Promise<void> {
  const reported = successes.report();
  if (reported.length > 0) await tellEvidence(redis, namespace, { successes: reported });
}

/** Whether the recipient is refused while the key works for others. Without proof of that the key may be the cause. */
export async function isRecipientRefused(
  { redis, namespace }: InferenceDeps,
  facts: RequestFacts,
  isAccepted: Inference['isAccepted'],
): Promise<boolean> {
  const { lane, key } = placeOf(facts);
  const refusals = refusalsIn(facts.history());
  const lastedMs = refusals[0] ? msSince(refusals[0].at) : 0;
  const firstAt = performance.now() - lastedMs;
  const worksSince = refusals.length > 0 && isAccepted(firstAt, key);
  // Too few conversations are refused to blame the key, and it has worked just before.
  const isPersistent = refusals.length + 1 >= REFUSALS_TO_BELIEVE && lastedMs >= TIME_TO_BELIEVE_MS;
  const isProven = worksSince || (isPersistent && isAccepted(firstAt - JUST_BEFORE_MS, key));
  if (!isProven) return await isRefusedRecipient(redis, namespace, lane);
  await noteRefusedRecipient(redis, namespace, lane);
  return true;
}

function placeOf({ pageId, conversationId, key }: RequestFacts) {
  return withLane({ page: pageId, conversation: conversationId, key: key ?? '' });
}

function findingsOf({ findings }: EvidenceSoFar) {
  return findings.map(withLane);
}

function withLane<Found extends { page: string; conversation: string }>(found: Found): Found & { lane: string } {
  return { ...found, lane: JSON.stringify([found.page, found.conversation]) };
}

/** Returns when a message met the trouble before, and where a success since then would show that others don't meet it. */
function metBefore(trouble: Inferred, { pageId, key, history }: RequestFacts): MetBefore | null {
  if (trouble === 'failing') {
    const failure = history().findLast(({ outcome }) => outcome === 'unknown' || outcome === 'not-sent');
    return failure ? { msAgo: msSince(failure.at) - failure.durationMs, name: 'api' } : null;
  }
  const refusal = trouble === 'forbidden' ? refusalsIn(history())[0] : undefined;
  // Not the key: it may work for other pages while this one is refused as a whole.
  return refusal ? { msAgo: msSince(refusal.at), name: nameOf('page', { page: pageId, key: key ?? '' }) } : null;
}

function msSince(isoTime: string): number {
  return Math.max(0, Date.now() - Date.parse(isoTime));
}

/** Returns the refusals with 403 at the end of the history. */
function refusalsIn(history: readonly AttemptRecord[]): AttemptRecord[] {
  const before = history.findLastIndex(({ outcome, httpStatus }) => outcome !== 'held' || httpStatus !== 403);
  return history.slice(before + 1);
}
