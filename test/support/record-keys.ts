/** What `message --json` tells of each message, in the order of the documentation. */
export const recordKeys = [
  'id',
  'pageId',
  'conversationId',
  'status',
  'enqueuedAt',
  'attemptsUsed',
  'attemptsAllowed',
  'attempts',
  'nextAttemptAt',
  'label',
];
