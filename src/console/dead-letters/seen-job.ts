import { isSeen } from '../http/permission.ts';
import type { DeskContext } from '../html/layout.ts';
import type { BulkJob, BulkJobs } from './bulk-jobs.ts';

/** The running or last job; `null` if there is none, or if it is not only about pages that the visitor sees. */
export function seenJob(context: DeskContext, jobs: BulkJobs): BulkJob | null {
  const job = jobs.current();
  if (job === null || context.var.visitor.pages === null) return job;
  return job.order.pages?.every((page) => isSeen(context, page)) ? job : null;
}
