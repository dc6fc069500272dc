import { html } from 'hono/html';
import type { DeadLetterEntry } from '../../dead-letters/index.ts';
import type { DeadReason } from '../../shared/model/dead-letter.ts';
import { describeArrival } from '../../shared/model/may-have-arrived.ts';
import type { Html } from './layout.ts';
import { conversationPath, deadLetterPath, pagePath } from './links.ts';
import { badge, type Column, id, idLink, table, time } from './parts.ts';

export function reasonBadge(reason: DeadReason): Html {
  return badge(reason, reason === 'expired' ? 'warn' : 'bad');
}

/** @param select columns in front */
export function letterTable(
  caption: string,
  letters: readonly DeadLetterEntry[],
  empty: string,
  select: Column<DeadLetterEntry>[] = [],
): Html {
  return table(caption, [...select, ...columns], letters, empty);
}

const columns: Column<DeadLetterEntry>[] = [
  { name: 'Message', cell: (letter) => idLink(letter.id, deadLetterPath(letter.id)), isHeader: true },
  { name: 'Reason', cell: ({ reason }) => reasonBadge(reason) },
  { name: 'Arrived', cell: (letter) => describeArrival(letter) },
  { name: 'Died', cell: ({ deadAt }) => time(deadAt) },
  { name: 'Page', cell: ({ pageId }) => (pageId === null ? id(null) : idLink(pageId, pagePath(pageId), 24)) },
  {
    name: 'Conversation',
    cell: ({ pageId, conversationId }) =>
      pageId === null || conversationId === null
        ? id(null)
        : idLink(conversationId, conversationPath(pageId, conversationId), 24),
  },
  {
    name: 'Answer',
    cell: ({ response }) =>
      response === null
        ? html`<span class="none">none</span>`
        : html`<span class="unbroken">HTTP ${response.httpStatus}</span>`,
  },
  { name: 'Attempts', cell: ({ attemptsUsed }) => attemptsUsed, isNumber: true },
  { name: 'Label', cell: ({ label }) => (label === null ? '' : id(label, 24)) },
];
