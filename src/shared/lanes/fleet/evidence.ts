import { absentKey, fleetRoot } from '../key-names.ts';
import { changeKey } from '../change-key.ts';
import type { LaneRedis } from '../commands.ts';

/** A conversation that met a trouble. */
export interface FoundIn {
  page: string;
  conversation: string;
  key: string;
}

/** A message that met the trouble before. If a message was accepted since under that name, only the message itself is to blame. */
export interface MetBefore {
  msAgo: number;
  name: string;
}

export interface EvidenceReport {
  /** What was met, and where; without it only successes are reported. */
  found?: FoundIn & { trouble: string; windowMs: number; before: MetBefore | null };
  /** How long ago a message was accepted, by name, in ms. */
  successes: readonly (readonly [name: string, msAgo: number])[];
}

export interface EvidenceSoFar {
  /** On Redis's clock. */
  nowMs: number;
  /** The last successes of the fleet by name, on Redis's clock: of the API, of this page and key, and of others that are in use. */
  successes: Map<string, number>;
  findings: (FoundIn & { atMs: number })[];
  /** Whether the finding counts as evidence for more than its own message. */
  isNoted: boolean;
}

const MOST_FINDINGS = 200;
const RECIPIENTS_KEPT_MS = 600_000;
const MOST_RECIPIENTS = 10_000;

/** Reports what messages have shown, and reads what the whole fleet has seen of the same trouble. */
export async function tellEvidence(
  redis: LaneRedis,
  namespace: string,
  { found, successes }: EvidenceReport,
): Promise<EvidenceSoFar> {
  const root = fleetRoot(namespace);
  const reply = await redis.fleetEvidence(
    `${root}accepted`,
    `${root}accepted-pages`,
    `${root}found:${found?.trouble ?? ''}`,
    absentKey({ root }),
    found ? JSON.stringify([found.page, found.conversation, found.key]) : '',
    found?.windowMs ?? 0,
    MOST_FINDINGS,
    `page:${found?.page ?? ''}`,
    found?.key ?? '',
    found?.before ? Math.round(found.before.msAgo) : '',
    found?.before?.name ?? '',
    ...successes.flatMap(([name, msAgo]) => [name, Math.round(msAgo)]),
  );
  const [nowMs, accepted, findings, isNoted] = reply as [number, string[], string[], '0' | '1'];
  return {
    nowMs,
    successes: new Map(pairsOf(accepted).map(([name, at]) => [name, Number(at)])),
    findings: pairsOf(findings).map(([json, at]) => {
      const [page, conversation, key] = JSON.parse(json) as [string, string, string];
      return { page, conversation, key, atMs: Number(at) };
    }),
    isNoted: isNoted === '1',
  };
}

/** Notes that a conversation's recipient is refused although the key works. */
export async function noteRefusedRecipient(redis: LaneRedis, namespace: string, lane: string): Promise<void> {
  const now = Date.now();
  await changeKey(redis, recipientsKey(namespace), [
    ['ZADD', now, lane],
    ['ZREMRANGEBYSCORE', '-inf', now - RECIPIENTS_KEPT_MS],
    ['ZREMRANGEBYRANK', 0, -MOST_RECIPIENTS - 1],
    ['PEXPIRE', RECIPIENTS_KEPT_MS],
  ]);
}

export async function isRefusedRecipient(redis: LaneRedis, namespace: string, lane: string): Promise<boolean> {
  const notedAt = await redis.zscore(recipientsKey(namespace), lane);
  return notedAt !== null && Math.abs(Date.now() - Number(notedAt)) <= RECIPIENTS_KEPT_MS;
}

function recipientsKey(namespace: string): string {
  return `${fleetRoot(namespace)}refused-recipients`;
}

function pairsOf(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n] ?? '', flat[2 * n + 1] ?? '']);
}
