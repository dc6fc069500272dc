export { openEvents } from './open-events.ts';
export type { Events, EventsOptions } from './open-events.ts';
export type {
  AnswerIds,
  EventRecord,
  GapEvent,
  Proof,
  ReceivedEvent,
  SettledEvent,
  SettledType,
} from '../shared/model/event.ts';
export type { SiteOptions } from '../shared/config/installation-options.ts';
export type { SealedRequest, StoredRequest } from '../shared/model/stored-message.ts';
