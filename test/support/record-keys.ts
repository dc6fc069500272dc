/** What is told of each message, in the order of the documentation. */
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

/** What `message --json` tells of each message that is not dead. */
export const messageKeys = [...recordKeys, 'replayOf', 'endedAt', 'proof', 'provedBy', 'answer'];
