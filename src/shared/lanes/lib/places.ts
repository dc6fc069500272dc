/**
 * The scores of `heads:<page>`: where the head of a conversation is. The same numbers stand in `places.lua`.
 *
 * A head with a score below `IN_FLIGHT` waits for its turn, the lowest score first.
 */

/** A head with high priority that waits has a score below this. */
export const HIGH_BELOW = -1e12;
/** The head is released, being sent, or put off by a hold before it was sent. */
export const IN_FLIGHT = 1e13;
/** The head waits for another attempt. */
export const BACKOFF = 2e13;
/** The head was sent, and is put off by a hold. */
export const ASIDE = 2.5e13;
/** The head waits for its encryption key. */
export const KEYLESS = 2.8e13;
/** The head waits in a conversation that an operator or a dead letter holds. */
export const HELD = 3e13;
