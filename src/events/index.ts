export { openEvents } from './open-events.ts';
export type { Events, EventsOptions, ReceivedEvent } from './open-events.ts';
export type { AnswerIds, EventRecord, GapEvent, Proof, SettledEvent, SettledType } from '../shared/model/event.ts';
export type { AttemptRecord, OutcomeKind } from '../shared/model/attempts.ts';
export type { DeadReason } from '../shared/model/dead-letter.ts';
export type { StoredRequest } from '../shared/model/stored-message.ts';
export { ConfigError } from '../shared/errors/errors.ts';
