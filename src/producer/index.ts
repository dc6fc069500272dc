export { closeDefaultProducer, enqueueMessage, enqueueMessages } from './default-producer.ts';
export { createProducer } from './create-producer.ts';
export type { EnqueueItem, Producer } from './create-producer.ts';
export type { HistoryOptions } from './history-question.ts';
export { ChangeUncertainError } from '../shared/session/calls.ts';
export {
  BulkEnqueueError,
  ConfigError,
  EnqueueUncertainError,
  IdempotencyConflictError,
  InvalidMessageError,
  KitechatSenderError,
  LedgerUnavailableError,
  QueueFullError,
  QueueUnavailableError,
} from '../shared/errors/errors.ts';
export type { BulkEnqueueResult, MessageIssue } from '../shared/errors/errors.ts';
export type { AttemptRecord, OutcomeKind } from '../shared/model/attempts.ts';
export type { InstallationOptions, SiteOptions } from '../shared/config/installation-options.ts';
export type { DeadLetterOptions, ProducerOptions } from '../shared/config/producer-options.ts';
export type { RedisConnectionOptions } from '../shared/config/redis-options.ts';
export type { DeadLetterRecord } from '../shared/reading/dead-letter-record.ts';
export type { EnqueueOptions } from '../shared/model/enqueue-options.ts';
export type { CancelResult } from '../shared/lanes/messages/cancel.ts';
export type { KitechatMessage, SendRequest } from '../shared/model/message.ts';
export type { DeadMessageRecord, Ending, MessageRecord, OpenMessageRecord } from '../shared/reading/message.ts';
export type { AnswerIds, Proof } from '../shared/model/event.ts';
export type { MessageStatus } from '../shared/model/message-status.ts';
export type { Receipt } from '../shared/actions/store-message.ts';
