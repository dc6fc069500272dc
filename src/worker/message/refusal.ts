/**
 * Returns what in a JSON answer reports a failure, as a clause; `null` if nothing does. Only the answer itself counts, or each element
 * if it is a list; a failure deeper in may concern something else.
 */
export function refusalIn(answer: unknown): string | null {
  // A queue instead of recursion: lists in an answer can be nested more deeply than the stack allows.
  const queue = [answer];
  for (const value of queue) {
    if (value === false) return 'the answer is false';
    if (Array.isArray(value)) for (const element of value as unknown[]) queue.push(element);
    else if (typeof value === 'object' && value !== null) {
      const refusal = refusalOf(value);
      if (refusal !== null) return refusal;
    }
  }
  return null;
}

function refusalOf(answer: object): string | null {
  for (const key of Object.keys(answer)) {
    const refusal = refusalInField(key.toLowerCase(), (answer as Record<string, unknown>)[key]);
    if (refusal !== null) return refusal;
  }
  return null;
}

function refusalInField(key: string, value: unknown): string | null {
  switch (key) {
    case 'success':
      return isNo(value) ? 'the answer says success: false' : null;
    case 'ok':
      return value === false ? 'the answer says ok: false' : null;
    case 'status':
      return isFailure(value) ? 'the answer says status: error' : null;
    case 'error':
    case 'errors':
      return isEmpty(value) ? null : `the answer has a field "${key}" that is not empty`;
    default:
      return null;
  }
}

function isNo(value: unknown): boolean {
  return value === false || value === 0 || (typeof value === 'string' && /^\s*(?:false|0)\s*$/i.test(value));
}

function isFailure(value: unknown): boolean {
  return typeof value === 'string' && /^\s*(?:error|fail|failed|failure)\s*$/i.test(value);
}

function isEmpty(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() === '';
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === null || value === false || value === 0;
}
