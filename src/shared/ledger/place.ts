const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const POSTGRES = /^postgres(?:ql)?:\/\//i;
const CONTROL_CHARACTER = /\p{Cc}/u;

/** Whether a ledger is a PostgreSQL, not a folder. */
export function isPostgresUrl(place: string): boolean {
  return POSTGRES.test(place);
}

/** Returns what is wrong with the place of a ledger, as a clause that doesn't quote it; `undefined` if nothing is. */
export function ledgerPlaceProblem(place: string): string | undefined {
  if (place === '') return 'must not be empty';
  if (CONTROL_CHARACTER.test(place)) return 'must not contain control characters';
  if (isPostgresUrl(place)) {
    return URL.canParse(place)
      ? undefined
      : 'must be a valid URL: characters such as @, / and # in a password are written as %40, %2F and %23';
  }
  return SCHEME.test(place) ? 'must be a folder, or begin with postgres:// or postgresql://' : undefined;
}

/** Names a ledger for people, without the user, password and options of its URL. */
export function describeLedgerPlace(place: string): string {
  if (!isPostgresUrl(place)) return `the folder ${place}`;
  const { host, pathname } = new URL(place);
  return `PostgreSQL at ${host}${pathname}`;
}
