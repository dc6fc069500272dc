import { html } from 'hono/html';
import { describeHolds, type Hold } from '../../shared/reading/holds.ts';
import type { FleetFacts } from '../../shared/lanes/fleet/facts.ts';
import { matterOfHold } from '../overview/attention.ts';
import type { DeskContext, Html } from '../html/layout.ts';
import { actionButton, badge } from '../html/parts.ts';

/** Whether only a hand ends it. */
function isStanding({ reason }: Hold): boolean {
  return reason === 'operator' || reason === 'dead-letter';
}

/** Each hold with its reason and end. */
export function holdList(holds: readonly Hold[], nowMs: number): Html {
  if (holds.length === 0) return html``;
  return html`<ul class="attention">
    ${holds.map((hold) => {
      const { tone, what, why, link } = matterOfHold(hold, nowMs);
      return html`<li class="${tone}">
        ${badge(hold.reason, tone)} <strong>${what}.</strong> <span class="why">${why}</span>
        ${hold.letter === undefined || link === null ? '' : html`<a href="${link.href}">${link.label}</a>`}
      </li>`;
    })}
  </ul>`;
}

/** What holds everything, so also what a page shows: an open circuit of the API or a key. */
export function fleetHolds({ circuits, nowMs }: FleetFacts): Hold[] {
  return describeHolds([], circuits, nowMs);
}

/** Hold, or release if it is held by hand. */
export function pageHoldButton(context: DeskContext, pageId: string, holds: readonly Hold[], back: string): Html {
  const isHeld = holds.some((hold) => hold.scope === 'page' && isStanding(hold));
  const fields = { scope: 'page', page: pageId, back };
  return isHeld
    ? actionButton(context, { action: '/release', label: 'Release', about: `page ${pageId}`, fields })
    : actionButton(context, { action: '/hold', label: 'Hold', about: `page ${pageId}`, fields });
}

export function conversationHoldButton(
  context: DeskContext,
  { page, conversation }: { page: string; conversation: string },
  holds: readonly Hold[],
  back: string,
): Html {
  const isHeld = holds.some(
    (hold) => hold.scope === 'conversation' && hold.page === page && hold.conversation === conversation,
  );
  const fields = { scope: 'conversation', page, conversation, back };
  const about = `conversation ${conversation}`;
  return isHeld
    ? actionButton(context, { action: '/release', label: 'Release', about, fields })
    : actionButton(context, { action: '/hold', label: 'Hold', about, fields });
}
