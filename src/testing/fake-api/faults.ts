import type { SendRequest } from '../../shared/model/message.ts';

/** The requests that a fault applies to. A request must meet all given conditions. */
export interface FaultMatch {
  pageId?: string | undefined;
  conversationId?: string | undefined;
  /** Only messages with this text in any field. */
  textIncludes?: string | undefined;
  type?: SendRequest['message']['type'] | undefined;
  /** Only the nth request, counted from 1, of those that meet the other conditions. */
  nth?: number | undefined;
}

/**
 * A fault of the fake API. The first fault of the list that applies to a request wins; `latency` is added to the fault or
 * answer that follows. Faults apply only to requests that would have been accepted.
 *
 * | kind | on the wire | accepted? |
 * |---|---|---|
 * | `status` | that status, with `Retry-After` and a body if given | a 2xx: yes; others: no, or as `accept` says |
 * | `latency` | the answer comes `ms` later | as the next fault or the plain answer says |
 * | `hang` | no answer until the client gives up | no, or as `accept` says |
 * | `reset` | the socket is reset without an answer | `when: 'before'`: no; `when: 'after'`: yes |
 * | `success-false` | `200 {"success":false}` | no |
 * | `redirect` | 302 to `location` (default `/moved`) | no |
 * | `slow-body` | 200, half of the body, the rest `ms` later | yes |
 * | `broken-body` | 200, half of the body, then the socket is closed | yes |
 * | `huge-body` | 200 with a valid JSON body of `bytes` bytes | yes |
 * | `garbage` | bytes that are not HTTP, then the socket is closed | no, or as `accept` says |
 */
export type Fault = {
  /** Default: all requests. */
  match?: FaultMatch | undefined;
  /** The share of the matching requests that get the fault, from 0 to 1. Default: 1. */
  rate?: number | undefined;
  /** The fault stops after it has happened this number of times. Default: it never stops. */
  times?: number | undefined;
} & (
  | {
      kind: 'status';
      /** 200 to 599. */
      status: number;
      /** Text is sent unchanged, anything else as JSON. */
      body?: unknown;
      /** Sent as the `Retry-After` header: seconds, or an HTTP date. */
      retryAfter?: string | number | undefined;
      accept?: boolean | undefined;
    }
  | { kind: 'latency'; ms: number }
  | { kind: 'hang'; accept?: boolean | undefined }
  | { kind: 'reset'; when: 'before' | 'after' }
  | { kind: 'success-false' }
  | { kind: 'redirect'; location?: string | undefined }
  | { kind: 'slow-body'; ms: number }
  | { kind: 'broken-body' }
  | { kind: 'huge-body'; bytes: number }
  | { kind: 'garbage'; accept?: boolean | undefined }
);

export type FaultKind = Fault['kind'];

/** A fault that decides the answer: any but `latency`. */
export type AnsweringFault = Exclude<Fault, { kind: 'latency' }>;

/** Whether a request with this fault, or without one, counts as accepted. */
export function acceptsMessage(fault: AnsweringFault | null): boolean {
  if (fault === null) return true;
  switch (fault.kind) {
    case 'status':
      return fault.accept ?? (fault.status >= 200 && fault.status < 300);
    case 'hang':
    case 'garbage':
      return fault.accept ?? false;
    case 'reset':
      return fault.when === 'after';
    case 'success-false':
    case 'redirect':
      return false;
    default:
      return true;
  }
}
