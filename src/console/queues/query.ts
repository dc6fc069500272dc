const MAX_JOBS_PER_PAGE = 100;
const MAX_PAGE = 100_000;
/** Longer than any name that bull-board's page asks for. */
const MAX_LENGTH = 200;

/** Returns what is wrong with a query for bull-board, which itself answers for pages of any size; `null` if it is fine. */
export function queryProblem(query: URLSearchParams): string | null {
  for (const [name, value] of query) {
    if (value.length > MAX_LENGTH) return `A field of the query can have at most ${MAX_LENGTH} characters.`;
    if (name === 'jobsPerPage' && !isWithin(value, MAX_JOBS_PER_PAGE)) {
      return `A page can show at most ${MAX_JOBS_PER_PAGE} jobs.`;
    }
    if (name === 'page' && !isWithin(value, MAX_PAGE)) return `Pages have numbers from 1 to ${MAX_PAGE}.`;
    if (!canBeDecoded(value)) return 'The query has a broken % escape.';
  }
  return null;
}

function isWithin(text: string, most: number): boolean {
  return text === '' || (/^\d{1,6}$/.test(text) && Number(text) >= 1 && Number(text) <= most);
}

/** bull-board decodes some fields once more. */
function canBeDecoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
