import type {
  DeadLetterEntry,
  DeadLetterFilter,
  DeadLetterRecord,
  DeadLetterSelection,
} from '../../dead-letters/index.ts';
import type { DeadReason } from '../../shared/model/dead-letter.ts';
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

type MatchCounts = Pick<BulkPlan, 'matched' | 'expired' | 'undecodable' | 'unknownOutcome'>;

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

  /** Only the entries themselves hold labels, so a filter by label counts by reading the entries. */
  async function countMatching(filter: DeadLetterFilter): Promise<MatchCounts> {
    if (filter.label !== undefined) return await countOneByOne(deadLetters.export(filter));
    const countOf = async (reason: DeadReason): Promise<number> =>
      filter.reason === undefined || filter.reason === reason ? await deadLetters.count({ ...filter, reason }) : 0;
    const [matched, expired, undecodable, unknownOutcome] = await Promise.all([
      deadLetters.count(filter),
      countOf('expired'),
      countUnreadable(filter),
      countOf('unknown-outcome'),
    ]);
    return { matched, expired, undecodable, unknownOutcome };
  }

  /** Reads the entries, since one that died as `undecodable` is readable again when its key is back. */
  async function countUnreadable({ reason = 'undecodable', ...filter }: DeadLetterFilter): Promise<number> {
    if (reason !== 'undecodable') return 0;
    return (await countOneByOne(deadLetters.export({ ...filter, reason }))).undecodable;
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
      const counts = await countOneByOne(await readSeen(context, ids));
      return { what, name: nameOf(ids), ...counts, fields: {}, ids };
    }
    const filter = allowedFilter(context, form, what);
    // Excludes messages that die from now on, since they are not in the count that is confirmed.
    const now = new Date((await readDeskFleet(deps)).nowMs + 1);
    const bounded = { ...filter, until: filter.until !== undefined && filter.until < now ? filter.until : now };
    const counts = await countMatching(bounded);
    const name = isNarrowed(filter) ? describeFilter(filter) : 'all';
    return { what, name, ...counts, fields: { ...filterFields(bounded), match: 'all' }, ids: [] };
  }
}

type AnyLetter = DeadLetterEntry | DeadLetterRecord;

async function countOneByOne(letters: Iterable<AnyLetter> | AsyncIterable<AnyLetter>): Promise<MatchCounts> {
  const counts = { matched: 0, expired: 0, undecodable: 0, unknownOutcome: 0 };
  for await (const letter of letters) {
    const content = 'message' in letter ? letter.message : letter.request;
    counts.matched += 1;
    if (content === null) counts.undecodable += 1;
    else if (letter.reason === 'expired') counts.expired += 1;
    else if (letter.reason === 'unknown-outcome') counts.unknownOutcome += 1;
  }
  return counts;
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
