import type { LaneStatus } from '../../shared/reading/conversations.ts';
import { readHistory } from '../../shared/reading/history.ts';
import type { MessageRecord } from '../../shared/reading/message.ts';
import { type Wait, waitOf } from '../../shared/reading/waits.ts';
import { type Deadline, deadlineIn } from '../../shared/redis/deadline.ts';
import type { Sealing } from '../../shared/sealing/sealing.ts';
import type { DeskDeps } from '../facts/deps.ts';
import { soon } from '../facts/reading.ts';

/** The newest messages of a conversation, the oldest of them first. */
export interface Story {
  messages: StoryMessage[];
  /** Whether there may be earlier ones. */
  isLong: boolean;
  /** Whether only some of the scheduled, dead or ended messages were looked at. */
  isCut: boolean;
  ledger: 'none' | 'read' | 'failed';
}

export interface StoryMessage {
  record: MessageRecord;
  /** Why it has not been sent yet; `null` if it has ended. */
  wait: Wait | null;
}

/** The messages that the view of a conversation tells of. */
const SHOWN_MESSAGES = 50;
/** The messages of each kind that are looked at for them: ten round trips at most. */
const MOST_LOOKED_AT = 10_000;
/** The time for the ledger, so that enough is left for Redis when the ledger is away. */
const LEDGER_MS = 600;

/** @param sealing decrypts content, if it is shown */
export async function readStory(
  { session, config, ledger = null }: DeskDeps,
  sealing: Sealing,
  conversation: { pageId: string; conversationId: string },
  lane: LaneStatus,
): Promise<Story> {
  const story: Story = { messages: [], isLong: false, isCut: false, ledger: ledger === null ? 'none' : 'read' };
  // One deadline for all of it: the view must appear soon, also when Redis or the ledger is away.
  const deadline = soon();
  let ledgerDeadline: Deadline | undefined;
  const history = readHistory(
    {
      session,
      config: { ...config, sealing },
      ledger,
      newDeadline: () => deadline,
      newLedgerDeadline: () => (ledgerDeadline ??= deadlineIn(LEDGER_MS)),
      partial: {
        mostLookedAt: MOST_LOOKED_AT,
        onCut: () => void (story.isCut = true),
        onLedgerFailure: () => void (story.ledger = 'failed'),
      },
    },
    { ...conversation, limit: SHOWN_MESSAGES },
  );
  for await (const record of history) story.messages.unshift({ record, wait: waitOf(record, lane) });
  story.isLong = story.messages.length === SHOWN_MESSAGES;
  return story;
}
