import type {
  DeadLetterFilter,
  DeadLetterRecord,
  DeadLetterSelection,
  ReplayResult,
} from '../../dead-letters/index.ts';
import { parseRateLimit, RATE_LIMIT_RULE } from '../../shared/model/rate-limit.ts';
import { demand, isSeen } from '../http/permission.ts';
import type { DeskApp, DeskDeps } from '../facts/deps.ts';
import type { BulkJobs } from './bulk-jobs.ts';
import { type BulkPlan, confirmView, jobSummary, jobView } from './bulk-view.ts';
import { leaveFlash } from '../http/flash.ts';
import { counted } from '../html/format.ts';
import { BadFormError, fieldOf, formOf } from '../http/forms.ts';
import { type DeskContext, show } from '../html/layout.ts';
import { seenJob } from './seen-job.ts';
import { describeFilter, filterFields, filterOf, isNarrowed, targetOf } from './filter.ts';
import { readDeskFleet } from '../facts/reading.ts';

type PlanCounts = Pick<BulkPlan, 'matched' | 'expired' | 'undecodable' | 'doubtful'>;

const NOTHING_SELECTED = 'No dead letter is selected. Go back, select some, or choose all that match.';
const MAX_SELECTED = 1000;

/** Routes for many dead letters at once: confirm, start, show, stop. */
export function addBulkRoutes(app: DeskApp, deps: DeskDeps, jobs: BulkJobs): void {
  const { deadLetters } = deps;

  app.post('/dead-letters/confirm', async (context) => {
    const plan = await planOf(context, await formOf(context));
    return await show(context, {
      title: plan.what === 'replay' ? 'Replay dead letters?' : 'Discard dead letters?',
      section: 'Dead letters',
      body: confirmView(context, plan),
    });
  });

  app.post('/dead-letters/start', async (context) => {
    const form = await formOf(context);
    const what = form.get('what') === 'discard' ? 'discard' : 'replay';
    const { selection, name, pages } = await selectionOf(context, form, { what, isAll: form.get('match') === 'all' });
    const rate = fieldOf(form, 'rate');
    if (rate !== undefined && parseRateLimit(rate) === null) {
      throw new BadFormError(`The rate ${RATE_LIMIT_RULE}. Nothing was changed.`);
    }
    const { by, who } = context.var.visitor;
    const order = {
      what,
      selection,
      name,
      rate,
      force: form.get('force') === 'yes',
      pages,
      actor: { by, who },
    } as const;
    if (!jobs.start(order)) {
      leaveFlash(context, {
        text: 'Nothing was started, because another job is running. Wait for it to finish, or stop it.',
        isProblem: true,
      });
    }
    return context.redirect('/dead-letters/job', 303);
  });

  app.get('/dead-letters/job', async (context) => {
    const job = seenJob(context, jobs);
    return await show(context, {
      title: 'Bulk replay or discard',
      section: 'Dead letters',
      live: jobView(context, job),
      summary: jobSummary(job),
    });
  });

  app.post('/dead-letters/job/stop', async (context) => {
    const isStopping = seenJob(context, jobs) !== null && jobs.stop(context.var.visitor);
    leaveFlash(
      context,
      isStopping
        ? {
            text: 'The job stops after the entries in progress. Finished entries stay done; start the job again to continue.',
          }
        : { text: 'No job is running, so nothing was stopped.', isProblem: true },
    );
    return context.redirect('/dead-letters/job', 303);
  });

  /** What a job would do. For a replay it looks at each entry, since only the entries tell which may have arrived. */
  async function countsOf(what: BulkPlan['what'], selection: DeadLetterSelection): Promise<PlanCounts> {
    if (what === 'discard') {
      const matched =
        'filter' in selection
          ? await deadLetters.count(selection.filter)
          : (await deadLetters.discard({ ...selection, dryRun: true })).matched;
      return { matched, expired: 0, undecodable: 0, doubtful: 0 };
    }
    const { matched, skipped } = await deadLetters.replay({ ...selection, dryRun: true });
    const count = (wanted: ReplayResult['skipped'][number]['why']): number =>
      skipped.filter(({ why }) => why === wanted).length;
    return {
      matched: matched - count('replayed meanwhile'),
      expired: count('expired'),
      undecodable: count('undecodable'),
      doubtful: count('may have arrived'),
    };
  }

  /** The selection in a form, of which a visitor may do this. */
  async function selectionOf(
    context: DeskContext,
    form: URLSearchParams,
    { what, isAll }: { what: BulkPlan['what']; isAll: boolean },
  ): Promise<{ selection: DeadLetterSelection; name: string; pages: readonly string[] | null }> {
    if (isAll) {
      const filter = allowedFilter(context, form, what);
      const pages = filter.pageId === undefined ? null : [filter.pageId];
      return { selection: { filter }, name: describeFilter(filter), pages };
    }
    const given = idsIn(form);
    const letters = context.var.visitor.pages === null ? null : await readSeen(context, given);
    const ids = letters?.map(({ id }) => id) ?? given;
    if (ids.length === 0) throw new BadFormError(NOTHING_SELECTED);
    const pages = letters?.flatMap(({ pageId }) => pageId ?? []) ?? null;
    return { selection: { ids }, name: nameOf(ids), pages };
  }

  /** Those of the entries that are there and that the visitor sees. */
  async function readSeen(context: DeskContext, ids: readonly string[]): Promise<DeadLetterRecord[]> {
    const letters = await Promise.all(ids.map((id) => deadLetters.get(id)));
    return letters.filter((letter) => letter !== null).filter(({ pageId }) => isSeen(context, pageId));
  }

  async function planOf(context: DeskContext, form: URLSearchParams): Promise<BulkPlan> {
    const [what, which] = (form.get('do') ?? '').split('-');
    if ((what !== 'replay' && what !== 'discard') || (which !== 'selected' && which !== 'matching')) {
      throw new BadFormError('Choose what to do with the dead letters. Nothing was changed.');
    }
    if (which === 'selected') {
      const ids = idsIn(form);
      const seen = await readSeen(context, ids);
      const counts = await countsOf(what, { ids: seen.map(({ id }) => id) });
      return { what, name: nameOf(ids), ...counts, fields: {}, ids };
    }
    const filter = allowedFilter(context, form, what);
    // Excludes messages that die from now on, since they are not in the count that is confirmed.
    const now = new Date((await readDeskFleet(deps)).nowMs + 1);
    const bounded = { ...filter, until: filter.until !== undefined && filter.until < now ? filter.until : now };
    const counts = await countsOf(what, { filter: bounded });
    const name = isNarrowed(filter) ? describeFilter(filter) : 'all';
    return { what, name, ...counts, fields: { ...filterFields(bounded), match: 'all' }, ids: [] };
  }
}

/** The filter in a form for all that match, if the visitor may do this to them. */
function allowedFilter(context: DeskContext, form: URLSearchParams, what: BulkPlan['what']): DeadLetterFilter {
  const { filter, problems } = filterOf(form);
  if (problems.length > 0) throw new BadFormError(`${problems.join(' ')} Nothing was changed.`);
  demand(context, what === 'discard' ? 'discard all' : 'replay', targetOf(filter));
  return filter;
}

function idsIn(form: URLSearchParams): string[] {
  const ids = [...new Set(form.getAll('id'))];
  if (ids.length === 0) throw new BadFormError(NOTHING_SELECTED);
  if (ids.length > MAX_SELECTED) throw new BadFormError(`Select at most ${MAX_SELECTED}, or choose all that match.`);
  return ids;
}

function nameOf(ids: readonly string[]): string {
  return counted(ids.length, 'selected entry', 'selected entries');
}
