import type {
  DeadLetterEntry,
  DeadLetterFilter,
  DeadLetterRecord,
  DeadLetterSelection,
} from '../../dead-letters/index.ts';
import type { DeadReason } from '../../shared/model/dead-letter.ts';
import { parseRateLimit, RATE_LIMIT_RULE } from '../../shared/model/rate-limit.ts';
import type { DeskApp, DeskDeps } from '../facts/deps.ts';
import type { BulkJobs } from './bulk-jobs.ts';
import { type BulkPlan, confirmView, jobSummary, jobView } from './bulk-view.ts';
import { leaveFlash } from '../http/flash.ts';
import { counted } from '../html/format.ts';
import { BadFormError, fieldOf, formOf } from '../http/forms.ts';
import { show } from '../html/layout.ts';
import { describeFilter, filterFields, filterOf, isNarrowed } from './filter.ts';
import { readDeskFleet } from '../facts/reading.ts';

type MatchCounts = Pick<BulkPlan, 'matched' | 'expired' | 'undecodable' | 'unknownOutcome'>;

const NOTHING_SELECTED = 'No dead letter is selected. Go back, select some, or choose all that match.';
const MAX_SELECTED = 1000;

/** Routes for many dead letters at once: confirm, start, show, stop. */
export function addBulkRoutes(app: DeskApp, deps: DeskDeps, jobs: BulkJobs): void {
  const { deadLetters } = deps;

  app.post('/dead-letters/confirm', async (context) => {
    const plan = await planOf(await formOf(context));
    return await show(context, {
      title: plan.what === 'replay' ? 'Replay dead letters?' : 'Discard dead letters?',
      section: 'Dead letters',
      body: confirmView(context, plan),
    });
  });

  app.post('/dead-letters/start', async (context) => {
    const form = await formOf(context);
    const what = form.get('what') === 'discard' ? 'discard' : 'replay';
    const { selection, name } = selectionOf(form, form.get('match') === 'all');
    const rate = fieldOf(form, 'rate');
    if (rate !== undefined && parseRateLimit(rate) === null) {
      throw new BadFormError(`The rate ${RATE_LIMIT_RULE}. Nothing was changed.`);
    }
    const order = {
      what,
      selection,
      name,
      rate,
      force: form.get('force') === 'yes',
      who: context.var.visitor.who,
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
    const job = jobs.current();
    return await show(context, {
      title: 'Bulk replay or discard',
      section: 'Dead letters',
      live: jobView(context, job),
      summary: jobSummary(job),
    });
  });

  app.post('/dead-letters/job/stop', async (context) => {
    const isStopping = jobs.stop(context.var.visitor.who);
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

  async function planOf(form: URLSearchParams): Promise<BulkPlan> {
    const [what, which] = (form.get('do') ?? '').split('-');
    if ((what !== 'replay' && what !== 'discard') || (which !== 'selected' && which !== 'matching')) {
      throw new BadFormError('Choose what to do with the dead letters. Nothing was changed.');
    }
    if (which === 'selected') {
      const { selection, name } = selectionOf(form, false);
      const ids = 'ids' in selection ? selection.ids : [];
      const found = await Promise.all(ids.map((id) => deadLetters.get(id)));
      const counts = await countOneByOne(found.filter((letter) => letter !== null));
      return { what, name, ...counts, fields: {}, ids };
    }
    const { filter, problems } = filterOf(form);
    if (problems.length > 0) throw new BadFormError(`${problems.join(' ')} Nothing was changed.`);
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

/** The selection in a form. */
function selectionOf(form: URLSearchParams, isAll: boolean): { selection: DeadLetterSelection; name: string } {
  if (isAll) {
    const { filter, problems } = filterOf(form);
    if (problems.length > 0) throw new BadFormError(`${problems.join(' ')} Nothing was changed.`);
    return { selection: { filter }, name: describeFilter(filter) };
  }
  const ids = [...new Set(form.getAll('id'))];
  if (ids.length === 0) throw new BadFormError(NOTHING_SELECTED);
  if (ids.length > MAX_SELECTED) throw new BadFormError(`Select at most ${MAX_SELECTED}, or choose all that match.`);
  return { selection: { ids }, name: counted(ids.length, 'selected entry', 'selected entries') };
}
