import type { Deadline } from '../redis/deadline.ts';
import { type CurrentHolds, type Hold, pageHolds, readCurrentHolds } from './holds.ts';
import { isoTime } from '../model/time.ts';
import { keyPart, laneOf, shardOfPage } from '../lanes/key-names.ts';
import { standingOf } from './message.ts';
import { type MessageStatus, statusFields } from '../model/message-status.ts';
import { laneKey, readFirstRequest, readPageLanes } from './page-lanes.ts';
import { readFields, readName, readNames } from '../lanes/read-bounded.ts';
import { jobKeys, type Shard } from '../lanes/shard.ts';
import type { Session } from '../session/session.ts';

/** A message in its lane, without its content. */
export interface LaneMessage {
  id: string;
  /** `null` if the message ended while the lane was read. */
  status: MessageStatus | null;
  enqueuedAt: string | null;
  attemptsUsed: number;
  nextAttemptAt: string | null;
}

/** A conversation of a page, with its first message. */
export interface ConversationStatus {
  /** `null` if only a hash of the id is known, because the messages ended while they were read. */
  conversationId: string | null;
  messages: number;
  first: LaneMessage;
}

/** A conversation with its messages, first to last. */
export interface LaneStatus {
  length: number;
  /** The first messages, at most a hundred. */
  messages: LaneMessage[];
  /** The holds of the conversation, of its page and of everything. */
  holds: Hold[];
}

interface Asked {
  session: Session;
  config: { shards: number };
  pageId: string;
}

const MAX_LANES = 100;
const MAX_MESSAGES = 100;
const FIELDS = ['timestamp', 'lane', 'used', ...statusFields] as const;

/**
 * Reads the first hundred conversations of a page, those closest to being sent first.
 *
 * @throws QueueUnavailableError if Redis does not answer before the deadline.
 */
export async function readConversations(asked: Asked, deadline: Deadline): Promise<ConversationStatus[]> {
  return await readPageShard(asked, deadline, async (shard) => {
    const [now, lanes] = await Promise.all([
      readCurrentHolds(shard),
      readPageLanes(shard, keyPart(asked.pageId), MAX_LANES),
    ]);
    const found = await Promise.all(lanes.map((lane) => describeConversation(shard, lane, now)));
    return found.filter((conversation) => conversation !== null);
  });
}

/**
 * Reads one conversation, even if it has no open messages.
 *
 * @throws QueueUnavailableError if Redis does not answer before the deadline.
 */
export async function readLane(
  { conversationId, ...asked }: Asked & { conversationId: string },
  deadline: Deadline,
): Promise<LaneStatus> {
  const lane = laneOf(asked.pageId, conversationId);
  return await readPageShard(asked, deadline, async (shard) => {
    const [now, ids, length] = await Promise.all([
      readCurrentHolds(shard),
      readNames(shard, ['lrange', laneKey(shard, lane), 0, MAX_MESSAGES - 1]),
      shard.redis.llen(laneKey(shard, lane)),
    ]);
    const messages = await Promise.all(ids.map((id) => readLaneMessage(shard, id, now)));
    const own = pageHolds(now).filter(
      ({ page, conversation }) =>
        page === undefined ||
        (page === asked.pageId && (conversation === undefined || conversation === conversationId)),
    );
    return { length, messages, holds: own };
  });
}

/** Returns a message's position in its conversation, 1 for the first; `null` if it isn't among the first thousand. */
export async function readPlace(
  { conversationId, id, ...asked }: Asked & { conversationId: string; id: string },
  deadline: Deadline,
): Promise<number | null> {
  const lane = laneOf(asked.pageId, conversationId);
  const position = await readPageShard(asked, deadline, (shard) =>
    shard.redis.lpos(laneKey(shard, lane), id, 'MAXLEN', 1000),
  );
  return position === null ? null : position + 1;
}

async function readPageShard<T>(
  { session, config, pageId }: Asked,
  deadline: Deadline,
  question: (shard: Shard) => Promise<T>,
): Promise<T> {
  return await session.read(shardOfPage(pageId, config.shards), deadline, question);
}

/** @returns `null` if the conversation's messages ended while the page was read. */
async function describeConversation(shard: Shard, lane: string, now: CurrentHolds): Promise<ConversationStatus | null> {
  const key = laneKey(shard, lane);
  const [id, messages] = await Promise.all([readName(shard, ['lindex', key, 0]), shard.redis.llen(key)]);
  if (id === null) return null;
  const [conversationId, first] = await Promise.all([readConversationId(shard, lane), readLaneMessage(shard, id, now)]);
  return { conversationId, messages, first };
}

/** Returns the conversation's id from the lane's name, or from its first message if the name has only a hash. */
async function readConversationId(shard: Shard, lane: string): Promise<string | null> {
  const name = lane.slice(lane.indexOf('/') + 1);
  return name.startsWith('~') ? ((await readFirstRequest(shard, lane))?.conversationId ?? null) : name;
}

async function readLaneMessage(shard: Shard, id: string, holds: CurrentHolds): Promise<LaneMessage> {
  const job = await readFields(shard, jobKeys(shard, id).job, FIELDS);
  if (job.lane === null) return { id, status: null, enqueuedAt: null, attemptsUsed: 0, nextAttemptAt: null };
  const { status, nextAttemptAtMs } = standingOf(job, holds);
  return {
    id,
    status,
    enqueuedAt: isoTime(Number(job.timestamp)),
    attemptsUsed: Number(job.used ?? 0),
    nextAttemptAt: nextAttemptAtMs === null ? null : isoTime(nextAttemptAtMs),
  };
}
