import { html } from 'hono/html';
import type { AttemptRecord } from '../../shared/model/attempts.ts';
import type { Hold } from '../../shared/reading/holds.ts';
import type { MessageRecord } from '../../shared/reading/message.ts';
import type { Wait } from '../../shared/reading/waits.ts';
import { outcomeBadge, statusBadge } from '../html/attempt-table.ts';
import { counted, formatCount } from '../html/format.ts';
import type { Html } from '../html/layout.ts';
import { reasonBadge } from '../html/letter-table.ts';
import { messagePath } from '../html/links.ts';
import { type Column, id, idLink, notice, table, time } from '../html/parts.ts';
import type { Story, StoryMessage } from './story.ts';

/** What became of the messages of a conversation: each attempt, the end, or why a message waits. */
export function storyView({ messages, isLong, isCut, ledger }: Story, showContent: boolean): Html {
  const columns: Column<StoryMessage>[] = [
    { name: 'Message', cell: ({ record }) => idLink(record.id, messagePath(record.id)), isHeader: true },
    { name: 'Enqueued', cell: ({ record }) => time(record.enqueuedAt) },
    { name: 'Status', cell: ({ record }) => statusBadge(record.status) },
    { name: 'Attempts', cell: ({ record }) => attempts(record.attempts) },
    { name: 'What became of it', cell: (message) => outcome(message) },
    ...(showContent ? [{ name: 'Content', cell: ({ record }: StoryMessage) => content(record) }] : []),
  ];
  const caption = isLong
    ? `The newest ${formatCount(messages.length)} messages, the oldest first`
    : `The story of ${counted(messages.length, 'message')}, the oldest first`;
  return html`${table(caption, columns, messages, 'Nothing is known of any message of this conversation.')}
  ${isCut ? notice('quiet', 'Not all messages of the shard were looked at: older ones of this conversation may be missing.') : ''}
  ${ledgerNotice(ledger)}`;
}

function ledgerNotice(ledger: Story['ledger']): Html {
  if (ledger === 'failed') {
    return notice('warn', "The ledger can't be read now. Only messages that Redis knows are shown.");
  }
  if (ledger === 'read') return html``;
  return html`<p class="hint">
    Of delivered and cancelled messages, Redis knows the newest KITECHAT_KEEP_DONE of their shard for
    KITECHAT_KEEP_DONE_MS. Older ones are not shown.
  </p>`;
}

function attempts(records: readonly AttemptRecord[]): Html {
  if (records.length === 0) return html`<span class="none">none</span>`;
  return html`<ol class="attempts">
    ${records.map(
      ({ at, outcome: kind, httpStatus, durationMs, detail }) =>
        html`<li>
          ${time(at)} ${outcomeBadge(kind)}
          ${httpStatus === null ? '' : `HTTP ${httpStatus}, `}${formatCount(Math.round(durationMs))} ms ${detail ?? ''}
        </li>`,
    )}
  </ol>`;
}

function outcome({ record, wait }: StoryMessage): Html {
  const { endedAt, proof, provedBy, answer, replayOf } = record;
  const lines: Html[] = [];
  if (replayOf !== null) lines.push(html`sends ${idLink(replayOf, messagePath(replayOf), 32)} again`);
  if (record.status === 'dead') lines.push(html`${reasonBadge(record.reason)}`);
  if (endedAt !== null) lines.push(html`${record.status === 'dead' ? 'died' : record.status} ${time(endedAt)}`);
  if (proof === 'hook') lines.push(html`the hook resolveUnknown found out ${whether(record)}`);
  if (proof === 'operator') lines.push(html`operator ${id(provedBy)} found out ${whether(record)}`);
  if (answer !== null) {
    for (const [name, value] of Object.entries(answer)) lines.push(html`${id(name)}: ${id(String(value))}`);
  }
  if (record.status === 'dead' && record.replayedAs !== null) {
    lines.push(html`sent again as ${idLink(record.replayedAs, messagePath(record.replayedAs), 32)}`);
  }
  const doubt = doubtOf(record);
  if (doubt !== null) lines.push(html`${doubt}`);
  if (wait !== null) lines.push(waiting(wait));
  return html`${lines.map((line) => html`<div>${line}</div>`)}`;
}

function whether({ status }: MessageRecord): string {
  return status === 'delivered' ? 'that it arrived' : 'that it did not arrive';
}

/** What nobody knows about attempts without a clear result. */
function doubtOf({ status, attempts: made, proof }: MessageRecord): string | null {
  const isProved = proof === 'hook' || proof === 'operator';
  if (isProved || !made.some((attempt) => attempt.outcome === 'unknown')) return null;
  return status === 'delivered' ? 'may have arrived more than once' : 'unknown whether it arrived';
}

function waiting(wait: Wait): Html {
  switch (wait.kind) {
    case 'scheduled':
      return html`joins its conversation ${time(wait.at)}`;
    case 'sending':
      return html`is being sent`;
    case 'retry':
      return html`tried again ${time(wait.at)}`;
    case 'held':
      return html`${holdWords(wait.hold)};
      ${wait.at === null ? 'until it is released' : html`tried again ${time(wait.at)}`}`;
    case 'turn':
      return html`first of its conversation, waits for its turn`;
    case 'behind':
      return wait.id === null
        ? html`waits behind earlier messages`
        : html`waits behind ${idLink(wait.id, messagePath(wait.id), 32)}`;
  }
}

function holdWords(hold: Hold | null): string {
  if (hold === null) return 'the API or its key is held';
  return `${hold.scope === 'all' ? 'everything' : `its ${hold.scope}`} is held: ${hold.reason}`;
}

function content({ request }: MessageRecord): Html {
  if (request === undefined || request === null) return html`<span class="none">not kept, or can't be read</span>`;
  return html`<pre>${JSON.stringify(request.message)}</pre>`;
}
