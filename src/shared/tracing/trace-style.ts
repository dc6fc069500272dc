/** How the span of an attempt refers to the span of the caller who stored the message. */
export const traceStyles = ['link', 'child'] as const;
export type TraceStyle = (typeof traceStyles)[number];
