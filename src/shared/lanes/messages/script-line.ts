interface Submitted {
  /** Its place among all of its line. */
  place: number;
  send: (isAgain: boolean) => Promise<unknown>;
  resolve: (reply: unknown) => void;
  reject: (error: unknown) => void;
}

/** What is sent over one connection and must run in its order. */
export interface ScriptLine {
  submitted: number;
  underWay: number;
  /** Those that Redis lacked a script for, and all that came after them; `null` if Redis has the scripts. */
  waiting: Submitted[] | null;
  beforeSendingAgain: () => void;
}

export function createScriptLine(beforeSendingAgain: () => void = () => {}): ScriptLine {
  return { submitted: 0, underWay: 0, waiting: null, beforeSendingAgain };
}

/**
 * Sends what runs scripts. If Redis has lost them (SCRIPT FLUSH), what is under way ends first, then all that failed for it
 * are sent again, in their order and before any that came later: the order of a conversation must not depend on who met
 * the flush.
 *
 * @param send called again if Redis lacked a script; what it throws otherwise is thrown
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
