import * as z from 'zod';
import type { TraceStyle } from './trace-options.ts';

const traceStyles = ['link', 'child'] as const satisfies readonly TraceStyle[];

export const traces = z
  .enum(traceStyles)
  .default('link')
  .describe(
    'how the OpenTelemetry span of an attempt refers to the span that stored the message: `link` begins a trace of its own, `child` continues that one',
  );
