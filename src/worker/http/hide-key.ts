const HIDDEN = '[API key]';
/** Shorter texts occur in answers by chance. */
const MIN_LENGTH = 4;

/**
 * Returns an answer's body with the request's API key masked. An API, or a proxy before it, may quote the request, and the body is
 * stored in Redis and shown to operators.
 */
export function hideKey(body: string, apiKey: string): string {
  if (body === '' || apiKey.length < MIN_LENGTH) return body;
  let hidden = body;
  for (const form of formsOf(apiKey)) if (hidden.includes(form)) hidden = hidden.replaceAll(form, HIDDEN);
  return hidden;
}

/** Cache for the key that was used last, which the next answer mostly has as well. */
let last: { apiKey: string; forms: readonly string[] } = { apiKey: '', forms: [] };

function formsOf(apiKey: string): readonly string[] {
  if (last.apiKey !== apiKey) last = { apiKey, forms: newFormsOf(apiKey) };
  return last.forms;
}

/** Returns the key in plain, JSON, URL and base64 form. Base64 has three forms, depending on the offset of the key modulo 3 bytes. */
function newFormsOf(apiKey: string): string[] {
  const encoded = [0, 1, 2].flatMap((shift) => {
    const bytes = Buffer.from(' '.repeat(shift) + apiKey);
    // Without the characters that also depend on the bytes before and after the key.
    const [from, to] = [shift === 0 ? 0 : shift + 1, Math.floor((bytes.length * 8) / 6)];
    return (['base64', 'base64url'] as const).map((encoding) => bytes.toString(encoding).slice(from, to));
  });
  const plain = [apiKey, JSON.stringify(apiKey).slice(1, -1), encodeURIComponent(apiKey)];
  return [...new Set([...plain, ...encoded])].filter((form) => form.length >= MIN_LENGTH);
}
