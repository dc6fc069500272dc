/**
 * The scores of `heads:<page>`: where the head of a conversation is. The scripts have the same numbers, in `places.lua`.
 *
 * A lower score than `IN_FLIGHT` waits for its turn, the least first.
 */

/** Below it waits a head with high priority. */
export const HIGH_BELOW = -1e12;
/** Released, being sent, or put off by a hold. */
export const IN_FLIGHT = 1e13;
/** Waits for another attempt. */
export const BACKOFF = 2e13;
/** An operator holds the conversation. */
export const HELD = 3e13;
