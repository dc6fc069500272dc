import { workerData } from 'node:worker_threads';
import { createWorker, type WorkerOptions } from '../../src/worker/index.ts';

/** Runs a worker in this thread until the thread is terminated. */
await createWorker(workerData as WorkerOptions).run();
