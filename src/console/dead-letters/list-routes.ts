import type { DeadLetterCounts } from '../../dead-letters/index.ts';
import { deadReasons } from '../../shared/model/dead-letter.ts';
import { demand } from '../http/permission.ts';
import type { DeskApp, DeskDeps } from '../facts/deps.ts';
import type { BulkJobs } from './bulk-jobs.ts';
import { seenJob } from './seen-job.ts';
import { runningJobNotice } from './bulk-view.ts';
import { letterListView } from './list-view.ts';
import { fieldOf } from '../http/forms.ts';
import { type DeskContext, show } from '../html/layout.ts';
import { filterOf, targetOf } from './filter.ts';

const PAGE_SIZE = 50;

export function addDeadLetterRoutes(app: DeskApp, { deadLetters }: DeskDeps, jobs: BulkJobs): void {
  /** The counts of all dead letters; for a token that is for some pages only, of the shown page, beside the numbers of the others. */
  async function readSeenCounts({ var: { visitor } }: DeskContext, pageId?: string): Promise<DeadLetterCounts> {
    if (visitor.pages === null) return await deadLetters.counts();
    const [total, reasons, pages] = await Promise.all([
      deadLetters.count({ pageId }),
      Promise.all(deadReasons.map(async (reason) => [reason, await deadLetters.count({ pageId, reason })] as const)),
      Promise.all(
        Array.from(visitor.pages, async (page) => ({ pageId: page, count: await deadLetters.count({ pageId: page }) })),
      ),
    ]);
    const byPage = pages.filter(({ count }) => count > 0).toSorted((one, other) => other.count - one.count);
    return { total, byReason: Object.fromEntries(reasons) as DeadLetterCounts['byReason'], byPage };
  }

  app.get('/dead-letters', async (context) => {
    const { searchParams } = new URL(context.req.url);
    const { filter: asked, problems } = filterOf(searchParams);
    const [firstPage] = context.var.visitor.pages ?? [];
    const filter = { ...asked, pageId: asked.pageId ?? firstPage };
    demand(context, 'look', targetOf(filter));
    const [afterId, deadAt] = [fieldOf(searchParams, 'after'), fieldOf(searchParams, 'at')];
    const isKnown = afterId !== undefined && deadAt !== undefined && !Number.isNaN(Date.parse(deadAt));
    const after = isKnown ? { id: afterId, deadAt: new Date(deadAt).toISOString() } : undefined;
    const [letters, matching, counts] = await Promise.all([
      // One more than is shown, to know whether there is another page.
      deadLetters.list({ ...filter, limit: PAGE_SIZE + 1, after }),
      // Only the entries themselves hold labels, so counting by label would mean reading them all.
      filter.label === undefined ? deadLetters.count(filter) : null,
      readSeenCounts(context, filter.pageId),
    ]);
    const view = {
      filter,
      problems,
      letters: letters.slice(0, PAGE_SIZE),
      hasMore: letters.length > PAGE_SIZE,
      isFirstPage: after === undefined,
      matching,
      counts,
    };
    return await show(context, {
      title: 'Dead letters',
      section: 'Dead letters',
      body: runningJobNotice(seenJob(context, jobs)),
      after: letterListView(context, view),
    });
  });
}
