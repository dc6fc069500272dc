import type { Shown } from '../fleet/told.ts';
import type { Sent } from './send.ts';

/**
 * Returns what a request shows of the API, the key, the page and the conversation. An API that rejects a message or names a limit
 * works; an answer with an unknown outcome is a failure.
 */
export function shownBy({ outcome, exchange }: Sent): Shown {
  const { kind, httpStatus, detail, holdMs: askedMs, askedScope } = outcome;
  const isByHook = askedScope !== undefined;
  const what = httpStatus === null || isByHook ? (detail ?? 'no answer') : `HTTP ${httpStatus}`;
  const shown = { what, askedMs, askedScope };
  if (exchange === null) return { ...shown, trouble: outcome.trouble ?? null, works: null };
  switch (kind) {
    case 'delivered':
      return { ...shown, trouble: null, works: 'accepted' };
    case 'failed':
      return { ...shown, trouble: null, works: 'answered' };
    case 'rejected':
      return { ...shown, trouble: 'refusing', works: 'answered' };
    case 'held':
      return { ...shown, trouble: outcome.trouble ?? 'limited', works: 'answered' };
    case 'unknown':
    case 'not-sent': {
      const isTheirFault = ['timeout', 'connection'].includes(exchange.failure?.kind ?? '');
      return { ...shown, trouble: httpStatus !== null || isTheirFault ? 'failing' : null, works: null };
    }
  }
}
