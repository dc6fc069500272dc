/** How the span of an attempt refers to the span in which the message was stored. */
export type TraceStyle = 'link' | 'child';

/** The option for OpenTelemetry. */
export interface TraceOptions {
  /**
   * How the OpenTelemetry span of an attempt refers to the span in which the message was stored: `link` begins a trace of its own, with a
   * link to that span; with `child` the attempt is a part of the trace in which the message was stored. Without an SDK in the worker there
   * are no spans.
   *
   * @default 'link'
   * @example 'child'
   */
  traces?: TraceStyle | undefined;
}
