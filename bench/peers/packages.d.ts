// What the adapters use of packages that are installed only when they are measured.

declare module 'groupmq' {
  import type { Redis } from 'ioredis';

  export class Queue<T> {
    constructor(options: { redis: Redis; namespace: string; maxAttempts: number; keepCompleted: number });
    add(options: { groupId: string; data: T }): Promise<unknown>;
  }

  export class Worker<T> {
    constructor(options: { queue: Queue<T>; concurrency: number; handler: (job: { data: T }) => Promise<unknown> });
    on(event: 'error', listener: (error: Error) => void): this;
  }
}

declare module 'bee-queue' {
  interface Job<T> {
    data: T;
    retries(times: number): this;
    backoff(strategy: 'exponential', delayMs: number): this;
    save(): Promise<this>;
  }

  interface Settings {
    redis: { url: string };
    isWorker?: boolean;
    getEvents: boolean;
    sendEvents: boolean;
    storeJobs: boolean;
    removeOnSuccess: boolean;
  }

  export default class BeeQueue<T> {
    constructor(name: string, settings: Settings);
    ready(): Promise<this>;
    createJob(data: T): Job<T>;
    saveAll(jobs: readonly Job<T>[]): Promise<Map<Job<T>, Error>>;
    process(concurrency: number, handler: (job: Job<T>) => Promise<unknown>): void;
  }
}

declare module 'pg-boss' {
  interface SendOptions {
    singletonKey: string;
    retryLimit: number;
    retryDelay: number;
    retryBackoff: boolean;
  }

  interface WorkOptions {
    batchSize: number;
    burstWhenBatchFull: boolean;
    pollingIntervalSeconds: number;
  }

  export class PgBoss {
    constructor(options: { connectionString: string; schedule: boolean });
    on(event: 'error', listener: (error: Error) => void): this;
    start(): Promise<this>;
    createQueue(name: string, options: { policy: 'key_strict_fifo' }): Promise<void>;
    send(name: string, data: object, options: SendOptions): Promise<string | null>;
    insert(name: string, jobs: readonly (SendOptions & { data: object })[]): Promise<unknown>;
    work(
      name: string,
      options: WorkOptions,
      handler: (jobs: readonly { data: object }[]) => Promise<unknown>,
    ): Promise<string>;
  }
}

declare module 'graphile-worker' {
  interface JobOptions {
    queueName: string;
    maxAttempts: number;
  }

  interface WorkerPreset {
    connectionString: string;
    concurrentJobs: number;
    maxPoolSize: number;
    localQueue: { size: number };
    completeJobBatchDelay: number;
    failJobBatchDelay: number;
  }

  export interface Logger {
    error(message: string): void;
  }

  export const Logger: new (factory: () => (level: string, message: string) => void) => Logger;

  export interface WorkerUtils {
    migrate(): Promise<void>;
    addJob(identifier: string, payload: object, options: JobOptions): Promise<unknown>;
    addJobs(jobs: readonly (JobOptions & { identifier: string; payload: object })[]): Promise<unknown>;
  }

  export function makeWorkerUtils(options: { connectionString: string; logger: Logger }): Promise<WorkerUtils>;

  export function run(options: {
    logger: Logger;
    noHandleSignals: boolean;
    preset: { worker: WorkerPreset };
    taskList: Readonly<Record<string, (payload: unknown) => Promise<void>>>;
  }): Promise<unknown>;
}
