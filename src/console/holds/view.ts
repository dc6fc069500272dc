import { html } from 'hono/html';
import { describeHolds, type Hold } from '../../shared/reading/holds.ts';
import type { OpenCircuit } from '../../shared/lanes/fleet/circuits.ts';
import type { FleetFacts } from '../../shared/lanes/fleet/facts.ts';
import { may } from '../http/permission.ts';
import type { FleetOfPages } from '../facts/reading.ts';
import type { DeskContext, Html } from '../html/layout.ts';
import { matterItem } from '../html/matter.ts';
import { actionButton } from '../html/parts.ts';
import { matterOfHold } from '../overview/hold-words.ts';

/** Whether only an operator's action ends the hold. */
function isStanding({ reason }: Hold): boolean {
  return reason === 'operator' || reason === 'dead-letter' || reason === 'restored';
}

/** A list of holds, each with its reason and end. */
export function holdList(holds: readonly Hold[], nowMs: number): Html {
  if (holds.length === 0) return html``;
  return html`<ul class="attention">
    ${holds.map((hold) => {
      const matter = matterOfHold(hold, nowMs);
      // The list stands on the page that a hold is about: only a dead letter is elsewhere.
      return matterItem({ ...matter, link: hold.letter === undefined ? null : matter.link }, hold.reason);
    })}
  </ul>`;
}

/** Holds that are wider than a page: the open circuits of the API and of keys. */
export function fleetHolds({ open, nowMs }: FleetFacts): Hold[] {
  return describeHolds([], { open: open.filter(({ scope }) => scope !== 'page'), nowMs });
}

/** Those of them that stop a page, without what they say of pages that the visitor doesn't see. @param pageId `null` if it is not known */
export function fleetHoldsOf(
  context: DeskContext,
  pageId: string | null,
  { open, nowMs, stopped }: FleetOfPages,
): Hold[] {
  const isOfPage = (circuit: OpenCircuit): boolean =>
    circuit.scope === 'api' || (pageId !== null && stopped.get(circuit)?.has(pageId) === true);
  const holds = describeHolds([], { open: open.filter(isOfPage), nowMs });
  return may(context, 'look', 'installation') ? holds : holds.map(withoutOthers);
}

/** Of a key, or of the API: what has shown the hold may come from any page. */
function withoutOthers({ pages: _pages, pageCount: _count, evidence: _evidence, ...hold }: Hold): Hold {
  return hold;
}

/** A button to hold the page, or to release it if an operator holds it. */
export function pageHoldButton(context: DeskContext, pageId: string, holds: readonly Hold[], back: string): Html {
  if (!may(context, 'hold', { page: pageId })) return html``;
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
  if (!may(context, 'hold', { page })) return html``;
  const isHeld = holds.some(
    (hold) => hold.scope === 'conversation' && hold.page === page && hold.conversation === conversation,
  );
  const fields = { scope: 'conversation', page, conversation, back };
  const about = `conversation ${conversation}`;
  return isHeld
    ? actionButton(context, { action: '/release', label: 'Release', about, fields })
    : actionButton(context, { action: '/hold', label: 'Hold', about, fields });
}
