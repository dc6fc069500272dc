export {
  type ClaimVerdict,
  createWorker,
  type KitechatWorker,
  type WorkerEvents,
  type WorkerOptions,
} from './create-worker.ts';
export type { WorkerHooks } from './worker-hooks.ts';
export type { WorkerSettings } from '../shared/config/options.ts';
export type { LogEvent, WorkerLogger } from '../shared/logging/worker-logger.ts';
export type { WorkerHealth } from './fleet/progress.ts';
export type { AttemptReport } from './message/attempt-report.ts';
export type { ResolveApiKey } from './keys/api-keys.ts';
export type { BeforeSend, OutgoingMessage, Refusal } from './message/before-send.ts';
export type { Frozen } from './message/frozen.ts';
export type { ApiAnswer, ClassifyResponse, HoldScope, Judgement } from './message/judgement.ts';
export type { Resolution, ResolveUnknown, UncertainRequest, UnknownOutcome } from './message/resolve-unknown.ts';
export type { Fetch } from './http/fetch-exchange.ts';
export type { KyClient } from './http/ky-exchange.ts';
