import { readFileSync } from 'node:fs';
import type { RedisClient } from '../../src/shared/redis/cluster.ts';
import { monotonicFactory } from 'ulid';
import { lettersKey } from '../../src/shared/lanes/dead/dead-letters.ts';
import type { AttemptRecord, OutcomeKind } from '../../src/shared/model/attempts.ts';
import type { DeadLetterPayload, DeadReason } from '../../src/shared/model/dead-letter.ts';
import { laneOf, messageId, shardOfPage, shardRoot } from '../../src/shared/lanes/key-names.ts';

/** A dead letter to write without a dead message. */
export interface LetterToWrite {
  pageId: string;
  conversationId: string;
  reason?: DeadReason;
  label?: string | null;
  deadAtMs?: number;
  text?: string;
  isReadable?: boolean;
  /** The outcomes of the attempts, each of which has used one. Default: what the reason implies. */
  outcomes?: readonly OutcomeKind[];
}

const impliedOutcomes: Readonly<Record<DeadReason, readonly OutcomeKind[]>> = {
  rejected: ['rejected'],
  exhausted: ['failed'],
  expired: [],
  'unknown-outcome': ['unknown'],
  crashed: ['unknown'],
  undecodable: [],
};

const read = (name: string): string =>
  readFileSync(new URL(`../../src/shared/lanes/lib/${name}.lua`, import.meta.url), 'utf8');

/** Our own script for writing dead letters, with a fixed clock. */
const WRITE = `
local now = 0
local function redisNowMs() return now end
${['holds', 'limit', 'places', 'dead-letters'].map(read).join('')}
for i = 2, #ARGV, 5 do
  local id, lane, reason, data = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  now = tonumber(ARGV[i + 4])
  writeLetter(ARGV[1], id, lane, { reason = reason, data = data, attempt = 'a.1' })
end
`;

const AT_ONCE = 500;
const ulid = monotonicFactory();

/** Writes many dead letters quickly. @returns their ids. */
export async function writeLetters(
  redis: RedisClient,
  namespace: string,
  letters: readonly LetterToWrite[],
  shards = 1,
): Promise<string[]> {
  const ids: string[] = [];
  const byShard = new Map<number, (string | number)[][]>();
  for (const letter of letters) {
    const { pageId, conversationId, reason = 'rejected', deadAtMs = Date.now() } = letter;
    const shard = shardOfPage(pageId, shards);
    const id = messageId(shard, ulid());
    ids.push(id);
    const written = byShard.get(shard) ?? [];
    byShard.set(shard, written);
    written.push([id, laneOf(pageId, conversationId), reason, JSON.stringify(payloadOf(letter, reason)), deadAtMs]);
  }
  for (const [shard, written] of byShard) {
    for (let start = 0; start < written.length; start += AT_ONCE) {
      const some = written.slice(start, start + AT_ONCE).flat();
      const root = shardRoot(namespace, shard);
      await redis.eval(WRITE, 1, lettersKey({ root }), root, ...some);
    }
  }
  return ids;
}

function attemptWith(outcome: OutcomeKind): AttemptRecord {
  const at = '2026-11-22T10:00:01.000Z';
  return { at, outcome, detail: null, httpStatus: null, durationMs: 5, usedAttempt: true };
}

function payloadOf(
  { pageId, conversationId, label = null, text = 'message 1', isReadable = true, outcomes }: LetterToWrite,
  reason: DeadReason,
): DeadLetterPayload {
  const attempts = (outcomes ?? impliedOutcomes[reason]).map(attemptWith);
  return {
    v: 1,
    reason,
    request: isReadable ? { pageId, conversationId, message: { type: 'text', text } } : null,
    enqueuedAt: '2026-11-22T10:00:00.000Z',
    attempts,
    attemptsUsed: attempts.length,
    attemptsAllowed: 8,
    response: null,
    label,
    replayOf: null,
  };
}
