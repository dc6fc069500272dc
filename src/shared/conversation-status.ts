import { askRedis } from './ask-redis.ts';
import type { Deadline } from './deadline.ts';
import { describeHolds, type Hold } from './holds.ts';
import { isoTime } from './iso-time.ts';
import { keyPart, laneOf, shardOfPage } from './keys.ts';
import { type HoldInRedis, readHolds } from './lanes/hold.ts';
import { standingOf } from './message-record.ts';
import { fieldsOf, type MessageStatus, statusFields } from './message-status.ts';
import { readPageLanes } from './page-lanes.ts';
import { parsePayload } from './payload.ts';
import { jobKeys, type Shard } from './queues.ts';
import { readPipeline } from './read-pipeline.ts';
import { readTimeMs } from './redis-time.ts';
import type { Session } from './session.ts';

/** A message in its lane, without what it says. */
export interface LaneMessage {
  id: string;
  /** `null` if it ended while the lane was read. */
  status: MessageStatus | null;
  enqueuedAt: string | null;
  attemptsUsed: number;
  nextAttemptAt: string | null;
}

/** A conversation of a page, by its first message. */
export interface ConversationStatus {
  /** `null` if only a hash of it is known: its messages ended while it was read. */
  conversationId: string | null;
  messages: number;
  first: LaneMessage;
}

/** A conversation with its messages, first to last. */
export interface LaneStatus {
  length: number;
  /** At most a hundred. */
  messages: LaneMessage[];
  /** What holds the conversation or its page. */
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
 * The first hundred conversations of a page, those that are furthest first.
 *
 * @throws QueueUnavailableError if Redis does not answer before the deadline.
 */
export async function readConversations(asked: Asked, deadline: Deadline): Promise<ConversationStatus[]> {
  const shard = await shardOf(asked, deadline);
  const read = async (): Promise<ConversationStatus[]> => {
    const { holds, nowMs } = await readNow(shard);
    const [page] = await readPageLanes(shard, [keyPart(asked.pageId)], { holds, limit: MAX_LANES });
    return await describeConversations(shard, page?.lanes ?? [], { holds, nowMs });
  };
  return await askRedis(deadline, read());
}

/**
 * One conversation, also if nothing of it waits.
 *
 * @throws QueueUnavailableError if Redis does not answer before the deadline.
 */
export async function readLane(
  { conversationId, ...asked }: Asked & { conversationId: string },
  deadline: Deadline,
): Promise<LaneStatus> {
  const shard = await shardOf(asked, deadline);
  const lane = laneOf(asked.pageId, conversationId);
  const read = async (): Promise<LaneStatus> => {
    const [{ holds, nowMs }, ids, length] = await Promise.all([
      readNow(shard),
      shard.redis.lrange(`${shard.root}lane:${lane}`, 0, MAX_MESSAGES - 1),
      shard.redis.llen(`${shard.root}lane:${lane}`),
    ]);
    const own = describeHolds(holds, [], nowMs).filter(
      ({ page, conversation }) =>
        page === undefined ||
        (page === asked.pageId && (conversation === undefined || conversation === conversationId)),
    );
    return { length, messages: await readLaneMessages(shard, ids, { holds, nowMs }), holds: own };
  };
  return await askRedis(deadline, read());
}

/** A message's place in its conversation, 1 for the first; `null` if it isn't among the first thousand. */
export async function readPlace(
  { conversationId, id, ...asked }: Asked & { conversationId: string; id: string },
  deadline: Deadline,
): Promise<number | null> {
  const shard = await shardOf(asked, deadline);
  const key = `${shard.root}lane:${laneOf(asked.pageId, conversationId)}`;
  const position = await askRedis(deadline, shard.redis.lpos(key, id, 'MAXLEN', 1000));
  return position === null ? null : position + 1;
}

async function shardOf({ session, config, pageId }: Asked, deadline: Deadline): Promise<Shard> {
  return await session.shard(shardOfPage(pageId, config.shards), deadline);
}

interface Now {
  holds: HoldInRedis[];
  nowMs: number;
}

async function readNow(shard: Shard): Promise<Now> {
  const [holds, nowMs] = await Promise.all([readHolds(shard), readTimeMs(shard.redis, shard.root)]);
  return { holds, nowMs };
}

async function describeConversations(shard: Shard, lanes: readonly string[], now: Now): Promise<ConversationStatus[]> {
  const { redis, root } = shard;
  const replies = await readPipeline<string[] | number>(
    redis,
    lanes.flatMap((lane) => [
      ['lrange', `${root}lane:${lane}`, 0, 0],
      ['llen', `${root}lane:${lane}`],
    ]),
  );
  const found = lanes.flatMap((lane, index) => {
    const [id] = replies[2 * index] as string[];
    return id === undefined ? [] : [{ lane, id, messages: Number(replies[2 * index + 1]) }];
  });
  const firsts = await readLaneMessages(
    shard,
    found.map(({ id }) => id),
    now,
  );
  const ids = await readConversationIds(shard, found);
  return found.flatMap(({ messages }, index) => {
    const first = firsts[index];
    return first === undefined ? [] : [{ conversationId: ids[index] ?? null, messages, first }];
  });
}

/** What stands behind the `/` of a lane's name is the id, or a hash: then its first message knows more. */
async function readConversationIds(
  shard: Shard,
  found: readonly { lane: string; id: string }[],
): Promise<(string | null)[]> {
  const names = found.map(({ lane }) => lane.slice(lane.indexOf('/') + 1));
  const hashed = found.filter((_one, index) => names[index]?.startsWith('~'));
  const data = await readPipeline<string | null>(
    shard.redis,
    hashed.map(({ id }) => ['hget', jobKeys(shard, id).job, 'data']),
  );
  const known = new Map(hashed.map(({ id }, index) => [id, parsePayload(data[index] ?? '')?.request.conversationId]));
  return found.map(({ id }, index) =>
    names[index]?.startsWith('~') ? (known.get(id) ?? null) : (names[index] ?? null),
  );
}

async function readLaneMessages(shard: Shard, ids: readonly string[], { holds, nowMs }: Now): Promise<LaneMessage[]> {
  const jobs = await readPipeline<(string | null)[]>(
    shard.redis,
    ids.map((id) => ['hmget', jobKeys(shard, id).job, ...FIELDS]),
  );
  return ids.map((id, index) => {
    const job = fieldsOf(FIELDS, jobs[index] ?? []);
    if (job.lane === null) return { id, status: null, enqueuedAt: null, attemptsUsed: 0, nextAttemptAt: null };
    const { status, nextAttemptAtMs } = standingOf(job, holds, nowMs);
    return {
      id,
      status,
      enqueuedAt: isoTime(Number(job.timestamp)),
      attemptsUsed: Number(job.used ?? 0),
      nextAttemptAt: nextAttemptAtMs === null ? null : isoTime(nextAttemptAtMs),
    };
  });
}
