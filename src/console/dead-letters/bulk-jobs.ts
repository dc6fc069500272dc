import type { DeadLetterSelection, Progress } from '../../dead-letters/index.ts';
import { isInternalError } from '../../shared/errors/failed-calls.ts';
import { titleOf } from '../../shared/errors/serialize-error.ts';
import type { DeskDeps } from '../facts/deps.ts';
import { type Actor, recorderOf } from '../facts/recorder.ts';

/** An order to replay or discard many dead letters. */
export interface BulkOrder {
  what: 'replay' | 'discard';
  selection: DeadLetterSelection;
  /** The selection in words. */
  name: string;
  /** The maximum rate; only for a replay. */
  rate?: string | undefined;
  /** Whether entries that expired or may have arrived are included; only for a replay. */
  force: boolean;
  /** The only pages that it is about; `null` if others may be among them. */
  pages: readonly string[] | null;
  actor: Actor;
}

export interface BulkJob {
  order: BulkOrder;
  state: 'running' | 'stopping' | 'done' | 'stopped' | 'failed';
  startedAt: string;
  endedAt: string | null;
  progress: Progress;
  /** The number of skipped entries by reason; known at the end. */
  skipped: Record<string, number>;
  /** Why it failed. */
  problem: string | null;
}

/** The one bulk job of this process. It ends with the process; finished entries stay done. */
export interface BulkJobs {
  /** @returns `false` if a job is running. */
  start(order: BulkOrder): boolean;
  /** The running job, or the last one. */
  current(): BulkJob | null;
  /** @returns `false` if no job is running. */
  stop(actor: Actor): boolean;
}

const NOTHING: Progress = { matched: 0, done: 0, skipped: 0, total: null };

export function createBulkJobs(deps: DeskDeps): BulkJobs {
  const { deadLetters, log, closing } = deps;
  let job: BulkJob | null = null;
  let stopping = new AbortController();

  const isUnderWay = (): boolean => job !== null && job.endedAt === null;

  async function carryOut(running: BulkJob, stop: AbortSignal): Promise<void> {
    const { order } = running;
    const signal = closing === undefined ? stop : AbortSignal.any([stop, closing]);
    const options = {
      ...order.selection,
      signal,
      onProgress: (progress: Progress) => void (running.progress = { ...progress }),
    };
    try {
      const { matched, done, skipped } =
        order.what === 'replay'
          ? await deadLetters.replay({ ...options, force: order.force, rate: order.rate })
          : await deadLetters.discard(options);
      running.progress = { ...running.progress, matched, done, skipped: skipped.length };
      for (const { why } of skipped) running.skipped[why] = (running.skipped[why] ?? 0) + 1;
      running.state = signal.aborted ? 'stopped' : 'done';
    } catch (error) {
      running.state = 'failed';
      running.problem = titleOf(error);
      if (isInternalError(error)) log.error({ err: error }, `console: ${order.what} failed`);
    }
    running.endedAt = new Date().toISOString();
    tell(running, order.actor, running.state);
  }

  function tell({ order, progress }: BulkJob, { by, who }: Actor, result: string): void {
    const { what, name, rate, force, selection } = order;
    const ids = 'ids' in selection ? { ids: selection.ids } : {};
    const { matched, done, skipped } = progress;
    log.info(
      { by, who, action: `${what} many`, selection: name, ...ids, rate, force, matched, done, skipped, result },
      `console: ${what}`,
    );
    const [page, ...otherPages] = new Set(order.pages);
    const action = {
      action: `${what} many`,
      ...(otherPages.length === 0 ? { page } : {}),
      ...ids,
      selection: name,
    };
    void recorderOf(deps, { by, who }, action)({ result, matched, done });
  }

  return {
    start(order) {
      if (isUnderWay()) return false;
      stopping = new AbortController();
      const begun: BulkJob = {
        order,
        state: 'running',
        startedAt: new Date().toISOString(),
        endedAt: null,
        progress: NOTHING,
        skipped: {},
        problem: null,
      };
      job = begun;
      tell(begun, order.actor, 'begun');
      void carryOut(begun, stopping.signal);
      return true;
    },
    current: () => job,
    stop(actor) {
      if (job === null || !isUnderWay()) return false;
      job.state = 'stopping';
      tell(job, actor, 'stopping');
      stopping.abort();
      return true;
    },
  };
}
