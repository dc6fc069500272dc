import { html } from 'hono/html';
import { may } from '../http/permission.ts';
import type { DeadLetterEntry } from '../../dead-letters/index.ts';
import { hasEnded } from '../../shared/model/message-status.ts';
import type { LaneMessage, LaneStatus } from '../../shared/reading/conversations.ts';
import type { MessageRecord, OpenMessageRecord } from '../../shared/reading/message.ts';
import type { FleetOfPages } from '../facts/reading.ts';
import { attemptTable, statusBadge } from '../html/attempt-table.ts';
import { counted, formatCount } from '../html/format.ts';
import { conversationHoldButton, fleetHoldsOf, holdList } from '../holds/view.ts';
import type { DeskContext, Html } from '../html/layout.ts';
import { letterTable } from '../html/letter-table.ts';
import { conversationPath, deadLetterPath, messagePath, pagePath } from '../html/links.ts';
import type { Story } from './story.ts';
import { storyView } from './story-view.ts';
import { actionButton, type Column, facts, id, idLink, notice, table, textField, time } from '../html/parts.ts';

export interface Wanted {
  id: string | undefined;
  page: string | undefined;
  conversation: string | undefined;
}

export function findForm(wanted: Wanted): Html {
  return html`<div class="columns">
    <form class="card" method="get" action="/find" role="search" aria-label="Find a message">
      ${textField({ fieldId: 'find-id', name: 'q', label: 'Message id', value: wanted.id, isRequired: true })}
      <div><button type="submit">Find message</button></div>
    </form>
    <form class="card" method="get" action="/find" role="search" aria-label="Find a conversation">
      <div class="fields">
        ${textField({ fieldId: 'find-page', name: 'page', label: 'Page', value: wanted.page, isRequired: true })}
        ${textField({ fieldId: 'find-conversation', name: 'conversation', label: 'Conversation', value: wanted.conversation, isRequired: true })}
      </div>
      <div><button type="submit">Find conversation</button></div>
    </form>
  </div>`;
}

export function notFoundView(wanted: string, isPossible: boolean): Html {
  return isPossible
    ? notice(
        'warn',
        html`Message ${id(wanted)} is unknown: the id is wrong, the message was delivered some time ago, or it was sent
        again under a new id.`,
      )
    : html`${notice('warn', html`${id(wanted)} is not a message id. Message ids look like 0-01ARZ3NDEKTSV4RRFFQ69G5FAV.`)}
        <p>Is it a page id? ${idLink(wanted, pagePath(wanted))}</p>`;
}

export interface PlaceFacts {
  place: number | null;
  lane: LaneStatus | null;
}

export function messageView(
  context: DeskContext,
  record: MessageRecord,
  { place, lane, fleet }: PlaceFacts & { fleet: FleetOfPages },
): Html {
  const { pageId, conversationId, status } = record;
  const isOpen = !hasEnded(status);
  return html`${isOpen ? holdList([...fleetHoldsOf(context, pageId, fleet), ...(lane?.holds ?? [])], fleet.nowMs) : ''}
    <section class="card" aria-labelledby="message">
      <h2 id="message">Message ${id(record.id)}</h2>
      ${facts([
        ['Status', statusBadge(status)],
        status === 'delivered' ? ['Proof', describeProof(record)] : null,
        ['Page', pageId === null ? id(null) : idLink(pageId, pagePath(pageId))],
        [
          'Conversation',
          pageId === null || conversationId === null
            ? id(conversationId)
            : idLink(conversationId, conversationPath(pageId, conversationId)),
        ],
        isOpen && lane !== null ? ['Place', describePlace(status, place, lane)] : null,
        ['Enqueued', time(record.enqueuedAt)],
        record.endedAt === null ? ['Next attempt', time(record.nextAttemptAt)] : ['Ended', time(record.endedAt)],
        record.answer === null
          ? null
          : [
              'Ids in the answer',
              html`${Object.entries(record.answer).map(([name, value]) => html`${id(name)}: ${id(String(value))} `)}`,
            ],
        ['Attempts used', `${record.attemptsUsed} of ${record.attemptsAllowed}`],
        ['Label', record.label === null ? html`<span class="none">none</span>` : id(record.label)],
      ])}
      <div class="actions">
        ${status === 'dead' ? html`<a class="button" href="${deadLetterPath(record.id)}">Open the dead letter</a>` : ''}
        ${isOpen && status !== 'sending' && may(context, 'cancel', { page: pageId }) ? cancelButton(context, record.id) : ''}
      </div>
    </section>
    ${attemptTable(record.attempts)}`;
}

function describeProof({ proof, provedBy }: Pick<OpenMessageRecord, 'proof' | 'provedBy'>): string {
  if (proof === null) return 'not known';
  return provedBy === null ? proof : `${proof}: ${provedBy}`;
}

function describePlace(status: MessageRecord['status'], place: number | null, { length }: LaneStatus): string {
  if (status === 'scheduled') return 'joins its conversation when it is due';
  return place === null ? `behind the first thousand of ${formatCount(length)}` : `${place} of ${formatCount(length)}`;
}

function cancelButton(context: DeskContext, messageId: string): Html {
  return actionButton(context, {
    action: '/cancel',
    label: 'Cancel message',
    about: messageId,
    fields: { id: messageId, back: messagePath(messageId) },
    warning:
      'The message is not sent any more, and its conversation continues with the next one. This can not be undone.',
    confirm: 'Cancel permanently',
  });
}

export interface ConversationFacts {
  pageId: string;
  conversationId: string;
  lane: LaneStatus;
  story: Story;
  showContent: boolean;
  letters: readonly DeadLetterEntry[];
  fleet: FleetOfPages;
}

export function conversationView(context: DeskContext, found: ConversationFacts): Html {
  const { pageId, conversationId, lane, story, showContent, letters, fleet } = found;
  const { length, messages, holds } = lane;
  const back = conversationPath(pageId, conversationId);
  const caption =
    messages.length < length
      ? `The first ${messages.length} of ${counted(length, 'open message')}`
      : counted(length, 'open message');
  return html`${holdList([...fleetHoldsOf(context, pageId, fleet), ...holds], fleet.nowMs)}
    <section class="card" aria-labelledby="conversation">
      <h2 id="conversation">Conversation ${id(conversationId)}</h2>
      <p>of page ${idLink(pageId, pagePath(pageId))}</p>
      <div class="actions">
        ${conversationHoldButton(context, { page: pageId, conversation: conversationId }, holds, back)}
      </div>
    </section>
    ${table(caption, columns, messages, 'No message of this conversation waits. If the ids are right, all its messages have ended.')}
    ${storyView(story, showContent)}
    ${letterTable('The newest dead letters of this conversation', letters, 'This conversation has no dead letters.')}`;
}

const columns: Column<LaneMessage>[] = [
  { name: 'Message', cell: (message) => idLink(message.id, messagePath(message.id)), isHeader: true },
  { name: 'Status', cell: ({ status }) => statusBadge(status) },
  { name: 'Enqueued', cell: ({ enqueuedAt }) => time(enqueuedAt) },
  { name: 'Next attempt', cell: ({ nextAttemptAt }) => time(nextAttemptAt) },
  { name: 'Attempts used', cell: ({ attemptsUsed }) => attemptsUsed, isNumber: true },
];
