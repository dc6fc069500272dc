export {
  type ClaimVerdict,
  createWorker,
  type KitechatWorker,
  type WorkerEvents,
  type WorkerHooks,
  type WorkerOptions,
} from './create-worker.ts';
export type { WorkerHealth } from './progress.ts';
export type { AttemptReport } from './attempt-report.ts';
export type { ResolveApiKey } from './api-keys.ts';
export type { ApiAnswer, ClassifyResponse } from './classify.ts';
export type { Fetch } from './fetch-exchange.ts';
export type { KyClient } from './ky-exchange.ts';
