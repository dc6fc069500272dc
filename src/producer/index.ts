export { enqueueMessage, enqueueMessages } from './default-producer.ts';
export { createProducer, type EnqueueItem, type Producer } from './create-producer.ts';
export { ChangeUncertainError } from '../shared/change-redis.ts';
export {
  BulkEnqueueError,
  type BulkEnqueueResult,
  ConfigError,
  EnqueueUncertainError,
  IdempotencyConflictError,
  InvalidMessageError,
  KitechatSenderError,
  type MessageIssue,
  QueueFullError,
  QueueUnavailableError,
} from '../shared/errors.ts';
export type { AttemptRecord, OutcomeKind } from '../shared/attempts.ts';
export type { ConfigOptions } from '../shared/config.ts';
export type { DeadLetterRecord } from '../shared/dead-letter-record.ts';
export type { EnqueueOptions } from '../shared/enqueue-options.ts';
export type { CancelResult } from '../shared/lanes/cancel.ts';
export type { KitechatMessage, SendRequest } from '../shared/message.ts';
export type { MessageRecord } from '../shared/message-record.ts';
export type { MessageStatus } from '../shared/message-status.ts';
export type { Receipt } from '../shared/store-message.ts';
