/** The longest wait before the message looks again, because the circuit may be closed by then, or the key replaced. */
const LOOK_AGAIN_MS = 2000;

/**
 * Returns how long a message waits, in ms, before it looks again at a circuit that was open. Jittered, because many messages
 * meet the open circuit at once.
 *
 * @param random a number from 0 to 1
 */
export function pausedFor(leftMs: number, random: number): number {
  return Math.round(Math.min(leftMs, LOOK_AGAIN_MS) + random * 500);
}
