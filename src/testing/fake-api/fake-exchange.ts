import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SendRequest } from '../../shared/model/message.ts';
import type { AcceptedMessage, ReceivedRequest } from './fake-records.ts';

/** A request with its record and its response. */
export interface FakeExchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly received: ReceivedRequest;
  /** Makes the record of an accepted message, which is updated when the request is answered. */
  accept: (request: SendRequest) => AcceptedMessage;
  /**
   * Must be called right before the first byte of the answer (`null`: before the socket is closed without an answer): the
   * client may react and send its next request before this process runs again.
   */
  ending: (status: number | null) => void;
  /** Whether the answer has begun or the client is gone. */
  hasEnded: () => boolean;
  /** Calls back when the answer has begun or the client is gone. */
  whenEnded: (callback: () => void) => void;
}

export function createExchange(req: IncomingMessage, res: ServerResponse): FakeExchange {
  const received = receivedFrom(req);
  const answered: Pick<ReceivedRequest, 'answeredAt' | 'status'>[] = [received];
  const callbacks: (() => void)[] = [];
  const { socket } = req;
  let ended = false;

  const end = (): void => {
    if (ended) return;
    ended = true;
    socket.off('end', end);
    res.off('close', end);
    for (const callback of callbacks) callback();
  };
  socket.once('end', end);
  res.once('close', end);

  return {
    req,
    res,
    received,
    accept(request) {
      const accepted = { ...request, at: now(), arrivedAt: received.arrivedAt, answeredAt: null, status: null };
      received.accepted = true;
      answered.push(accepted);
      return accepted;
    },
    ending(status) {
      const answeredAt = status === null ? null : now();
      for (const record of answered) Object.assign(record, { answeredAt, status });
      end();
    },
    hasEnded: () => ended,
    whenEnded(callback) {
      if (ended) callback();
      else callbacks.push(callback);
    },
  };
}

function receivedFrom({ method = '', url = '', headers }: IncomingMessage): ReceivedRequest {
  const unanswered = { answeredAt: null, status: null, body: null, accepted: false, faults: [] };
  return { arrivedAt: now(), method, path: url, headers, ...unanswered };
}

/** Like `Date.now()`, but with fractions, and never going backwards. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
