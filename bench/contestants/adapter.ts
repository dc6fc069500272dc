import type { SendRequest } from '../../src/shared/model/message.ts';

/** How a contestant stores messages. */
export interface StoringSide {
  storeOne(request: SendRequest): Promise<void>;
  /** Stores a batch in the way that is the quickest one for it. */
  storeBatch(requests: readonly SendRequest[]): Promise<void>;
}

export interface WorkOptions {
  storeUrl: string;
  /** Requests at once. */
  concurrency: number;
  send(request: SendRequest): Promise<void>;
}

/** What the module of a contestant gives to the processes that run it. */
export interface Adapter {
  openStoringSide(storeUrl: string): Promise<StoringSide>;
  /** Settles when the worker is ready; it goes on until its process ends. */
  work(options: WorkOptions): Promise<void>;
}
