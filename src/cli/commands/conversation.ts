import type { MessageRecord } from '../../producer/index.ts';
import type { Config } from '../../shared/config/config.ts';
import { shardOfPage } from '../../shared/lanes/key-names.ts';
import { lazyLedger } from '../../shared/ledger/lazy-ledger.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { readLane } from '../../shared/reading/conversations.ts';
import { readHistory } from '../../shared/reading/history.ts';
import type { HistoryStart } from '../../shared/reading/history-order.ts';
import { waitOf } from '../../shared/reading/waits.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import { readTimeMs } from '../../shared/redis/time.ts';
import { NO_KEYS, openSealing } from '../../shared/sealing/sealing.ts';
import { createSession } from '../../shared/session/session.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, type JsonOption, line } from '../context/context.ts';
import { loadSite, tellIfUnused } from '../context/site.ts';
import { describeHolds } from './describe-holds.ts';
import { describeMessage, type StoryRecord } from './describe-story.ts';

export interface ConversationOptions extends JsonOption {
  limit: number;
  before?: HistoryStart;
  content?: boolean;
}

const WITH_LEDGER =
  'Of messages that Redis no longer knows, the ledger has those that ended since the command "ledger" was first started.';
const WITHOUT_LEDGER =
  'Of delivered and cancelled messages, Redis knows the newest KITECHAT_KEEP_DONE of their shard for KITECHAT_KEEP_DONE_MS; older ones are not shown.';

/** `conversation PAGE CONVERSATION`: tells what became of the messages of a conversation, the oldest first. */
export async function showConversation(
  context: CommandContext,
  pageId: string,
  conversationId: string,
  options: ConversationOptions,
): Promise<ExitCode> {
  const { ledger: place, namespace, enqueueTimeoutMs } = loadSite(context);
  const ledger = lazyLedger(place, { namespace, timeoutMs: enqueueTimeoutMs });
  try {
    return await tellConversation(context, { pageId, conversationId }, options, ledger);
  } finally {
    await ledger?.close();
  }
}

/** @param ledger where messages are known that Redis has forgotten */
export async function tellConversation(
  context: CommandContext,
  conversation: { pageId: string; conversationId: string },
  options: ConversationOptions,
  ledger: Pick<Ledger, 'read'> | null,
): Promise<ExitCode> {
  const { stdout, stderr } = context;
  const config = loadSite(context);
  const story = await readStory(config, conversation, options, ledger);
  if (story.ledgerFailure !== null) {
    line(stderr, `${story.ledgerFailure.message} Only messages that Redis knows follow.`);
  }
  if (options.json) for (const record of story.records) jsonLine(stdout, record);
  else line(stdout, describeStory(conversation, story, { ...options, hasLedger: ledger !== null }));
  if (story.records.length === 0) await tellIfUnused(context, config);
  return story.ledgerFailure === null ? exitCodes.done : exitCodes.notFullyDone;
}

async function readStory(
  config: Config,
  conversation: { pageId: string; conversationId: string },
  { limit, before, content = false }: ConversationOptions,
  ledger: Pick<Ledger, 'read'> | null,
) {
  // Without content no encryption keys are needed.
  const sealing = content ? openSealing(config) : NO_KEYS;
  const session = createSession(config);
  const newDeadline = () => deadlineIn(config.enqueueTimeoutMs);
  let ledgerFailure: Error | null = null;
  try {
    const lane = await readLane({ session, config, ...conversation }, newDeadline());
    const nowMs = await session.read(shardOfPage(conversation.pageId, config.shards), newDeadline(), (shard) =>
      readTimeMs(shard.redis, shard.root),
    );
    const partial = {
      mostLookedAt: Infinity,
      onCut: () => {},
      onLedgerFailure: (error: Error) => void (ledgerFailure = error),
    };
    const deps = { session, config: { ...config, sealing }, ledger, newDeadline, partial };
    const records: StoryRecord[] = [];
    for await (const record of readHistory(deps, { ...conversation, before, limit })) {
      records.push({ ...(content ? record : withoutContent(record)), wait: waitOf(record, lane) });
    }
    const { holds } = lane;
    return { records: records.toReversed(), holds, nowMs, ledgerFailure: ledgerFailure as Error | null };
  } finally {
    await session.close();
  }
}

/** An answer of the API can quote the message. */
function withoutContent(record: MessageRecord): MessageRecord {
  if (record.status === 'dead') return { ...record, request: null, response: null };
  const { request: _, ...others } = record;
  return others;
}

function describeStory(
  { pageId, conversationId }: { pageId: string; conversationId: string },
  { records, holds, nowMs }: Pick<Awaited<ReturnType<typeof readStory>>, 'records' | 'holds' | 'nowMs'>,
  { limit, hasLedger }: { limit: number; hasLedger: boolean },
): string {
  const [oldest] = records;
  const known = records.length === 1 ? '1 message' : `${records.length} messages`;
  const more =
    oldest !== undefined && records.length === limit
      ? [`There may be earlier ones: --before ${oldest.enqueuedAt},${oldest.id}`]
      : [];
  return [
    `Conversation ${conversationId} of page ${pageId}: ${records.length === 0 ? 'no message is known' : `${known}, the oldest first`}.`,
    ...more,
    ...(holds.length === 0 ? [] : [describeHolds(holds, nowMs)]),
    ...records.map(describeMessage),
    hasLedger ? WITH_LEDGER : WITHOUT_LEDGER,
  ].join('\n\n');
}
