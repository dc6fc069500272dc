/** The longest that `setTimeout` can wait (about 24 days): a longer one fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** 100 years. Adding it to any time still gives a date. */
export const MAX_DURATION_MS = 3_153_600_000_000;
