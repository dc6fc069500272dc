import { KitechatSenderError } from 'kitechat-sender';

interface Problem {
  status: number;
  text: string;
}

// With the idempotency key, asking again is safe, whether the message was stored or not.
const again: Problem = { status: 503, text: 'Please try again. The customer gets one message, however often you do.' };

/** What people are told, by the `code` of an error, which never changes. */
const problems = new Map<unknown, Problem>([
  ['INVALID_MESSAGE', { status: 400, text: 'Something about this order is not right: please check all fields.' }],
  ['IDEMPOTENCY_CONFLICT', { status: 409, text: 'Another customer was told already that this order was shipped.' }],
  ['QUEUE_UNAVAILABLE', again],
  ['QUEUE_FULL', again],
  ['ENQUEUE_UNCERTAIN', again],
]);

export function problemOf(code: unknown): Problem | undefined {
  return problems.get(code);
}

/** @returns the code of an error that people can be told about; any other error is thrown again, for the log */
export function codeOf(error: unknown): string {
  if (error instanceof KitechatSenderError && !error.isInternal && problems.has(error.code)) return error.code;
  throw error;
}
