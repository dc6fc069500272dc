interface Submitted {
  /** Its position in the order of submission. */
  place: number;
  send: (isAgain: boolean) => Promise<unknown>;
  resolve: (reply: unknown) => void;
  reject: (error: unknown) => void;
}

/** Script calls over one connection that must run in the order of their submission. */
export interface ScriptLine {
  submitted: number;
  underWay: number;
  /** The calls for which Redis lacked a script, and all calls that came after them; `null` if Redis has the scripts. */
  waiting: Submitted[] | null;
  beforeSendingAgain: () => void;
}

export function createScriptLine(beforeSendingAgain: () => void = () => {}): ScriptLine {
  return { submitted: 0, underWay: 0, waiting: null, beforeSendingAgain };
}

/**
 * Sends a script call. If Redis has lost its scripts (SCRIPT FLUSH), the calls under way end first; then all that failed are sent
 * again, in their order and before any later call, so that a flush never changes the order of a conversation.
 *
 * @param send called again if Redis lacked a script
 * @throws any other error of `send`
 */
export async function inLine<T>(line: ScriptLine, send: (isAgain: boolean) => Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  line.submitted += 1;
  const submitted = { place: line.submitted, send, resolve, reject };
  if (line.waiting) line.waiting.push(submitted);
  else void run(line, submitted, false);
  return (await promise) as T;
}

async function run(line: ScriptLine, submitted: Submitted, isAgain: boolean): Promise<void> {
  line.underWay += 1;
  try {
    submitted.resolve(await submitted.send(isAgain));
  } catch (error) {
    if (isNoScript(error)) (line.waiting ??= []).push(submitted);
    else submitted.reject(error);
  }
  line.underWay -= 1;
  if (!line.waiting || line.underWay > 0) return;
  const again = line.waiting.toSorted((one, other) => one.place - other.place);
  line.waiting = null;
  line.beforeSendingAgain();
  for (const each of again) void run(line, each, true);
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
