import type { AcceptedMessage, FakeKitechatReport, Fault } from '../../../src/testing/index.ts';

/** When something happened to the one message of a conversation, in ms of the machine's monotonic clock. */
export interface Moment {
  conversationId: string;
  atMs: number;
}

/** The questions that the process of the fake API answers. */
export interface ApiMethods {
  /** Forgets all received requests. */
  forget(): void;
  setFaults(faults: Fault[]): void;
  /** Shuts the gate: new connections are refused, and open ones are cut. */
  shut(): Promise<void>;
  open(): Promise<void>;
  /** Returns the accepted and received requests so far, and the number of cut connections. */
  counts(): { accepted: number; requests: number; cut: number };
  accepted(): AcceptedMessage[];
  report(): FakeKitechatReport;
  arrivalsOf(pageId: string): Moment[];
}

/** The first message of the process. */
export interface ApiReady {
  /** The URL through the gate. */
  url: string;
  /** The URL without the gate. */
  directUrl: string;
}

export interface ApiQuestion {
  id: number;
  method: keyof ApiMethods;
  args: unknown[];
}

export interface ApiAnswer {
  id: number;
  result: unknown;
}
