const HIDDEN = '[API key]';
/** Shorter ones stand in any answer by chance. */
const MIN_LENGTH = 4;

/**
 * An answer without the key that the request had: an API, or a proxy before it, can quote what it was sent. What is kept of the
 * answer goes to Redis and to operators.
 */
export function hideKey(body: string, apiKey: string): string {
  if (body === '' || apiKey.length < MIN_LENGTH) return body;
  let hidden = body;
  for (const form of formsOf(apiKey)) if (hidden.includes(form)) hidden = hidden.replaceAll(form, HIDDEN);
  return hidden;
}

/** The last answer is about the last key: most keys are used again and again. */
let last: { apiKey: string; forms: readonly string[] } = { apiKey: '', forms: [] };

function formsOf(apiKey: string): readonly string[] {
  if (last.apiKey !== apiKey) last = { apiKey, forms: newFormsOf(apiKey) };
  return last.forms;
}

/** As it is, as JSON and URLs write it, and in base64, where three texts can stand for it: it may begin at any third byte. */
function newFormsOf(apiKey: string): string[] {
  const encoded = [0, 1, 2].flatMap((shift) => {
    const bytes = Buffer.from(' '.repeat(shift) + apiKey);
    // What the bytes before and after decide as well is left out.
    const [from, to] = [shift === 0 ? 0 : shift + 1, Math.floor((bytes.length * 8) / 6)];
    return (['base64', 'base64url'] as const).map((encoding) => bytes.toString(encoding).slice(from, to));
  });
  const plain = [apiKey, JSON.stringify(apiKey).slice(1, -1), encodeURIComponent(apiKey)];
  return [...new Set([...plain, ...encoded])].filter((form) => form.length >= MIN_LENGTH);
}
