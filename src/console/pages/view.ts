import { html } from 'hono/html';
import { may } from '../http/permission.ts';
import type { DeadLetterEntry } from '../../dead-letters/index.ts';
import type { ConversationStatus } from '../../shared/reading/conversations.ts';
import type { Hold } from '../../shared/reading/holds.ts';
import type { PagesStatus, PageStatus } from '../../shared/reading/pages.ts';
import { counted, formatCount } from '../html/format.ts';
import { conversationHoldButton, fleetHolds, fleetHoldsOf, holdList, pageHoldButton } from '../holds/view.ts';
import type { DeskContext, Html } from '../html/layout.ts';
import { letterTable } from '../html/letter-table.ts';
import { describeLimit, type EffectiveLimit } from '../facts/limits.ts';
import type { FleetOfPages } from '../facts/reading.ts';
import { conversationPath, messagePath, pagePath, query } from '../html/links.ts';
import { badge, type Column, facts, idLink, notice, table, time } from '../html/parts.ts';
import { statusBadge } from '../html/attempt-table.ts';

const MAX_HOLDS = 10;
const NO_WORK = 'No page has work: all messages have ended or are scheduled for later.';
const UNKNOWN = 'an id that is no longer known';

export function pageSearch(): Html {
  return html`<form class="card" method="get" action="/pages" role="search" aria-label="Open a page">
    <div class="fields">
      <div class="field">
        <label for="page">Page id</label>
        <input id="page" name="page" required maxlength="512" autocomplete="off" spellcheck="false" />
      </div>
      <div><button type="submit">Open page</button></div>
    </div>
  </form>`;
}

export interface PagesFacts extends PagesStatus {
  fleet: FleetOfPages;
  limits: { fleet: EffectiveLimit; page: EffectiveLimit };
}

export function pagesLive(context: DeskContext, { pages, known, looked, fleet, limits }: PagesFacts): Html {
  const columns: Column<PageStatus>[] = [
    {
      name: 'Page',
      cell: ({ pageId }) => (pageId === null ? UNKNOWN : idLink(pageId, pagePath(pageId))),
      isHeader: true,
    },
    { name: 'State', cell: (page) => pageState(page, fleetHoldsOf(context, page.pageId, fleet)) },
    { name: 'Messages', cell: messageCount, isNumber: true },
    { name: 'Conversations', cell: ({ conversations }) => conversations, isNumber: true },
    { name: 'In flight', cell: ({ sending }) => sending, isNumber: true },
    { name: 'Retrying', cell: ({ failing }) => failing, isNumber: true },
    {
      name: 'Action',
      isControl: true,
      cell: ({ pageId, holds }) => (pageId === null ? '' : pageHoldButton(context, pageId, holds, '/pages')),
    },
  ];
  const seesAll = may(context, 'look', 'installation');
  const caption = seesAll
    ? counted(known, 'page with work', 'pages with work')
    : counted(known, 'page of your token', 'pages of your token');
  const ofFleet = seesAll ? fleetHolds(fleet) : [];
  return html`${holdList(ofFleet.slice(0, MAX_HOLDS), fleet.nowMs)}
    ${ofFleet.length > MAX_HOLDS ? notice('warn', `${formatCount(ofFleet.length - MAX_HOLDS)} more keys are held.`) : ''}
    <p class="hint">
      Limit of each page: ${describeLimit(limits.page)}.
      ${seesAll ? `Limit of the whole fleet: ${describeLimit(limits.fleet)}.` : ''}
    </p>
    ${table(
      pages.length < known ? `The ${pages.length} busiest of ${formatCount(known)} pages with work` : caption,
      columns,
      pages,
      NO_WORK,
    )}
    ${
      looked < known
        ? notice(
            'quiet',
            `Not all pages were checked: these are the busiest of ${formatCount(looked)}. Open any other page by its id.`,
          )
        : ''
    }`;
}

function pageState({ holds, failing }: PageStatus, ofFleet: readonly Hold[]): Html {
  const own = holds.filter(({ scope }) => scope === 'page');
  const conversations = holds.length - own.length;
  const badges = [
    ...ofFleet.map(({ scope, reason }) => badge(`${scope === 'api' ? 'API' : scope}: ${reason}`, 'warn')),
    ...own.map(({ reason, isPaced, until }) =>
      badge(`${isPaced && until === undefined ? 'slowed' : 'held'}: ${reason}`, 'warn'),
    ),
    ...(conversations > 0 ? [badge(`${counted(conversations, 'conversation')} held`, 'warn')] : []),
    ...(failing > 0 ? [badge('retrying', 'warn')] : []),
  ];
  return badges.length === 0 ? badge('open', 'good') : html`${badges.map((one) => html`${one} `)}`;
}

function messageCount({ messages, isCut }: PageStatus): string {
  return `${isCut ? '≥ ' : ''}${formatCount(messages)}`;
}

export interface PageFacts {
  pageId: string;
  page: PageStatus;
  conversations: readonly ConversationStatus[];
  letters: readonly DeadLetterEntry[];
  dead: number;
  fleet: FleetOfPages;
}

export function pageLive(context: DeskContext, found: PageFacts): Html {
  const { pageId, page, conversations, letters, dead, fleet } = found;
  const back = pagePath(pageId);
  const columns: Column<ConversationStatus>[] = [
    {
      name: 'Conversation',
      cell: ({ conversationId }) =>
        conversationId === null ? UNKNOWN : idLink(conversationId, conversationPath(pageId, conversationId)),
      isHeader: true,
    },
    { name: 'First message', cell: ({ first }) => idLink(first.id, messagePath(first.id)) },
    { name: 'Its status', cell: ({ first }) => statusBadge(first.status) },
    { name: 'Next attempt', cell: ({ first }) => time(first.nextAttemptAt) },
    { name: 'Messages', cell: ({ messages }) => messages, isNumber: true },
    {
      name: 'Action',
      isControl: true,
      cell: ({ conversationId }) =>
        conversationId === null
          ? ''
          : conversationHoldButton(context, { page: pageId, conversation: conversationId }, page.holds, back),
    },
  ];
  const caption =
    conversations.length < page.conversations
      ? `The first ${conversations.length} of ${counted(page.conversations, 'conversation')}`
      : counted(conversations.length, 'conversation');
  return html`${holdList([...fleetHoldsOf(context, pageId, fleet), ...page.holds], fleet.nowMs)}
    <div class="card">
      ${facts([
        ['Open messages', messageCount(page)],
        ['Conversations', page.conversations],
        ['In flight', page.sending],
        ['Retrying', page.failing],
        ['Dead letters', html`<a href="/dead-letters?${query({ page: pageId })}">${formatCount(dead)}</a>`],
      ])}
      <div class="actions">${pageHoldButton(context, pageId, page.holds, back)}</div>
    </div>
    ${table(caption, columns, conversations, 'No message of this page waits. If the id is right, all its messages have ended.')}
    ${letterTable(dead > letters.length ? `The newest ${letters.length} of ${formatCount(dead)} dead letters` : counted(dead, 'dead letter'), letters, 'This page has no dead letters.')}`;
}
