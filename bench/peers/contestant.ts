import type { SendRequest } from '../../src/shared/message.ts';

/** A way to send queued messages: its store, its producer, and one worker process. */
export interface Contestant extends AsyncDisposable {
  name: string;
  /** The process of its store. */
  storePid: number;
  /** Bytes that its store needs for data. */
  storedBytes(): Promise<number>;
  /** Stores messages; nobody works on them yet. */
  fill(requests: readonly SendRequest[]): Promise<void>;
  startWorker(): Promise<WorkerProcess>;
}

export interface WorkerProcess extends AsyncDisposable {
  pid: number;
}

export interface ContestantOptions {
  apiUrl: string;
  /** Requests at once. */
  concurrency: number;
}

export type Enter = (options: ContestantOptions) => Promise<Contestant>;
