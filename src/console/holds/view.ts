import { html } from 'hono/html';
import { describeHolds, type Hold } from '../../shared/reading/holds.ts';
import type { FleetFacts } from '../../shared/lanes/fleet/facts.ts';
import { matterOfHold } from '../overview/attention.ts';
import type { DeskContext, Html } from '../html/layout.ts';
import { actionButton, badge } from '../html/parts.ts';

/** Whether only an operator's action ends the hold. */
function isStanding({ reason }: Hold): boolean {
  return reason === 'operator' || reason === 'dead-letter';
}

/** A list of holds, each with its reason and end. */
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

/** Holds of the whole fleet, which every page shows: the open circuits of the API and of keys. */
export function fleetHolds({ open, nowMs }: FleetFacts): Hold[] {
  return describeHolds([], { open: open.filter(({ scope }) => scope !== 'page'), nowMs });
}

/** A button to hold the page, or to release it if an operator holds it. */
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
