import { html } from 'hono/html';
import { readConversations } from '../../shared/reading/conversations.ts';
import { demand, may } from '../http/permission.ts';
import { type PagesStatus, readPage, readPages } from '../../shared/reading/pages.ts';
import type { DeskApp, DeskDeps } from '../facts/deps.ts';
import { demandShort, idOf } from '../http/forms.ts';
import { counted, shortened } from '../html/format.ts';
import { type DeskContext, show } from '../html/layout.ts';
import { describeLimit, limitOf } from '../facts/limits.ts';
import { notice } from '../html/parts.ts';
import { pageIdOf, pagePath } from '../html/links.ts';
import { fleetHoldsOf } from '../holds/view.ts';
import { pageLive, pageSearch, pagesLive } from './view.ts';
import { readDeskFleetOf, readDeskStatus, soon } from '../facts/reading.ts';

/** The number of dead letters that the view of a page shows. */
const SHOWN_LETTERS = 10;

export function addPageRoutes(app: DeskApp, deps: DeskDeps): void {
  const { config, session, deadLetters } = deps;

  /** The pages with work; for a token that is for some pages only, these pages. */
  async function readSeenPages({ var: { visitor } }: DeskContext): Promise<PagesStatus> {
    if (visitor.pages === null) return await readPages(session, config, soon());
    const pages = await Promise.all([...visitor.pages].map((page) => readPage(session, config, page, soon())));
    return { pages, known: pages.length, looked: pages.length };
  }

  /** Whether a visitor who has no overview must be told that everything is held. */
  async function isAllHeld(context: DeskContext): Promise<boolean> {
    if (may(context, 'look', 'installation')) return false;
    return (await readDeskStatus(deps)).status.holds.some(({ scope }) => scope === 'all');
  }

  app.get('/pages', async (context) => {
    const wanted = idOf(new URL(context.req.url).searchParams, 'page');
    if (wanted !== undefined) return context.redirect(pagePath(wanted), 303);
    const { pages, known, looked } = await readSeenPages(context);
    const fleet = await readDeskFleetOf(
      deps,
      pages.flatMap(({ pageId }) => pageId ?? []),
    );
    const held = pages.filter(
      (page) => page.holds.length > 0 || fleetHoldsOf(context, page.pageId, fleet).length > 0,
    ).length;
    return await show(context, {
      title: 'Pages',
      section: 'Pages',
      body: html`${(await isAllHeld(context)) ? notice('warn', 'Everything is held: no page sends.') : ''}
      ${pageSearch()}`,
      live: pagesLive(context, { pages, known, looked, fleet, limits: limitOf(fleet, config) }),
      summary: `${counted(known, 'page')} with work, ${held} held.`,
    });
  });

  app.get('/pages/:id', async (context) => {
    const pageId = demandShort(pageIdOf(context.req.param('id')));
    demand(context, 'look', { page: pageId });
    const asked = { session, config, pageId };
    const [page, conversations, letters, dead, fleet] = await Promise.all([
      readPage(session, config, pageId, soon()),
      readConversations(asked, soon()),
      deadLetters.list({ pageId, limit: SHOWN_LETTERS }),
      deadLetters.count({ pageId }),
      readDeskFleetOf(deps, [pageId]),
    ]);
    const isHeld = page.holds.length > 0 || fleetHoldsOf(context, pageId, fleet).length > 0;
    return await show(context, {
      title: `Page ${shortened(pageId)}`,
      section: 'Pages',
      body: html`<p class="hint">Limit of this page: ${describeLimit(limitOf(fleet, config).page)}.</p>`,
      live: pageLive(context, { pageId, page, conversations, letters, dead, fleet }),
      summary: isHeld ? 'This page is held.' : `${counted(page.messages, 'message')} open.`,
    });
  });
}
