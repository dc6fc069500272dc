import type { Store } from '../stage/stores.ts';
import type { Workload } from '../workload.ts';
import type { StoringProcess } from './storing.ts';

/** A way to send queued messages: its store, processes that store messages, and processes that send them. */
export interface Contestant extends AsyncDisposable {
  name: string;
  /** It promises the order within a conversation: whoever breaks that has not been measured, but failed. */
  keepsOrder: boolean;
  store: Store;
  startStoring(): Promise<StoringProcess>;
  startWorker(): Promise<WorkerProcess>;
  /** Stores messages; nobody works on them yet. */
  pileUp(workload: Workload): Promise<void>;
}

export interface WorkerProcess extends AsyncDisposable {
  pid: number;
  /** Ends it as an operator does, so that it leaves nothing half done. */
  end(): Promise<void>;
}

export interface ContestantOptions {
  apiUrl: string;
  /** Requests at once. */
  concurrency: number;
}

export type Enter = (options: ContestantOptions) => Promise<Contestant>;
