import { type AuditedAction, recordAction, type Recorder } from '../../shared/actions/audit.ts';
import type { Visitor } from '../http/visitors.ts';
import type { DeskDeps } from './deps.ts';
import { soon } from './reading.ts';

/** Who acts: the name of the token, and the session. */
export type Actor = Pick<Visitor, 'by' | 'who'>;

/** Returns what records an action of a visitor. If it can't be recorded, the action still counts, and the log says so. */
export function recorderOf(
  { session, config, log }: Pick<DeskDeps, 'session' | 'config' | 'log'>,
  { by, who }: Actor,
  action: Omit<AuditedAction, 'by' | 'via' | 'session'>,
): Recorder {
  return async (outcome) => {
    try {
      await recordAction(session, config, { by, via: 'console', session: who, ...action, ...outcome }, soon());
    } catch (error) {
      log.warn(
        { err: error, by, who, action: action.action },
        'console: an action was made, but could not be recorded',
      );
    }
  };
}
