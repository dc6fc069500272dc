export { type DeadLetters, openDeadLetters } from './open-dead-letters.ts';
export type { DeadLetterEntry, DeadLetterFilter } from './list.ts';
export type { ReplayResult, ReplaySelection } from './replay.ts';
export type { DeadLetterRecord } from '../shared/dead-letter-record.ts';
