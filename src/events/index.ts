export { openEvents } from './open-events.ts';
export type { Events, EventsOptions, ReceivedEvent } from './open-events.ts';
export type { AnswerIds, EventRecord, GapEvent, Proof, SettledEvent, SettledType } from '../shared/model/event.ts';
export type { SealedRequest, StoredRequest } from '../shared/model/stored-message.ts';
