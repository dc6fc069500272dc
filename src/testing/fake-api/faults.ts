import type { SendRequest } from '../../shared/model/message.ts';

/** Which requests a fault is for. All conditions that are given must hold. */
export interface FaultMatch {
  pageId?: string | undefined;
  conversationId?: string | undefined;
  /** Only messages that hold this text in any of their fields. */
  textIncludes?: string | undefined;
  type?: SendRequest['message']['type'] | undefined;
  /** Only the nth request (from 1) of those that match the rest. */
  nth?: number | undefined;
}

/**
 * One way in which the fake API misbehaves. The first fault of the list that applies to a request wins; `latency` is
 * added to whatever comes next. Only requests that would have been accepted meet a fault.
 *
 * | kind | on the wire | accepted? |
 * |---|---|---|
 * | `status` | that status, with `Retry-After` and a body if given | a 2xx: yes; others: no, or as `accept` says |
 * | `latency` | the answer comes `ms` later | goes on with the next fault |
 * | `hang` | no answer until the client gives up | no, or as `accept` says |
 * | `reset` | the socket is reset without an answer | `when: 'before'`: no; `when: 'after'`: yes |
 * | `success-false` | `200 {"success":false}` | no |
 * | `redirect` | 302 to `location` (default `/moved`) | no |
 * | `slow-body` | 200, half of the body, the rest `ms` later | yes |
 * | `broken-body` | 200, half of the body, then the socket is closed | yes |
 * | `huge-body` | 200 with a valid JSON body of so many bytes | yes |
 * | `garbage` | bytes that are no HTTP, then the socket is closed | no, or as `accept` says |
 */
export type Fault = {
  /** Default: all requests. */
  match?: FaultMatch | undefined;
  /** The share of the matching requests that get the fault, 0 to 1. Default: all of them. */
  rate?: number | undefined;
  /** The fault stops after it has happened so many times. */
  times?: number | undefined;
} & (
  | {
      kind: 'status';
      /** 200 to 599. */
      status: number;
      /** Text is sent as it is, anything else as JSON. */
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

/** Whether a request that meets this fault (or none) counts as accepted. */
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
