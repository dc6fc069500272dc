import type { Evidence } from '../fleet/fleet-view.ts';
import type { Sent } from './send.ts';

/**
 * Returns what a request shows of the API and the key. An API that rejects a message or names a limit works; an answer with an unknown
 * outcome is a failure.
 */
export function evidenceOf({ outcome, exchange }: Sent): Evidence {
  if (exchange === null) return { api: null, key: null };
  const { httpStatus, failure } = exchange;
  if (httpStatus === null) {
    const isTheirFault = failure?.kind === 'timeout' || failure?.kind === 'connection';
    return { api: isTheirFault ? 'failed' : null, key: null };
  }
  if (outcome.kind === 'unknown') return { api: 'failed', key: null };
  const isRefused = outcome.kind === 'held' && outcome.scope === 'key';
  return { api: 'ok', key: isRefused ? 'refused' : 'ok' };
}
