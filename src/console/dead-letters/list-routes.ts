import type { DeskApp, DeskDeps } from '../facts/deps.ts';
import type { BulkJobs } from './bulk-jobs.ts';
import { runningJobNotice } from './bulk-view.ts';
import { letterListView } from './list-view.ts';
import { fieldOf } from '../http/forms.ts';
import { show } from '../html/layout.ts';
import { filterOf } from './filter.ts';

const PAGE_SIZE = 50;

export function addDeadLetterRoutes(app: DeskApp, { deadLetters }: DeskDeps, jobs: BulkJobs): void {
  app.get('/dead-letters', async (context) => {
    const { searchParams } = new URL(context.req.url);
    const { filter, problems } = filterOf(searchParams);
    const [afterId, deadAt] = [fieldOf(searchParams, 'after'), fieldOf(searchParams, 'at')];
    const isKnown = afterId !== undefined && deadAt !== undefined && !Number.isNaN(Date.parse(deadAt));
    const after = isKnown ? { id: afterId, deadAt: new Date(deadAt).toISOString() } : undefined;
    const [letters, matching, counts] = await Promise.all([
      // One more than is shown, to know whether there is another page.
      deadLetters.list({ ...filter, limit: PAGE_SIZE + 1, after }),
      // Only the entries themselves hold labels, so counting by label would mean reading them all.
      filter.label === undefined ? deadLetters.count(filter) : null,
      deadLetters.counts(),
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
      body: runningJobNotice(jobs.current()),
      after: letterListView(context, view),
    });
  });
}
