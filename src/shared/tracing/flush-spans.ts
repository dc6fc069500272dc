import { setTimeout as delay } from 'node:timers/promises';
import { registeredSdk } from './open-telemetry.ts';

/** Waits until the SDK has exported the spans that have ended, or the time is over. Never rejects, whatever the SDK does. */
export async function flushSpans(mostMs: number): Promise<void> {
  try {
    const flushed = registeredSdk()?.forceFlush?.();
    if (flushed) await Promise.race([flushed, delay(mostMs, undefined, { ref: false })]);
  } catch {
    // Spans are lost, which concerns no message.
  }
}
