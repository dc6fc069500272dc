import { nameOf, type Place, type Trouble, type WideScope } from './scope.ts';

/** What belongs to a message, as far as circuits need it. */
export type PlaceOfMessage = Pick<Place, 'page' | 'key'>;

/** A circuit's field in Redis: the trouble, and the name of what it covers. */
export function fieldOf(trouble: Trouble, scope: WideScope, place: PlaceOfMessage): string {
  return `${trouble} ${nameOf(scope, place)}`;
}

export function isOfTrouble(field: string, trouble: Trouble): boolean {
  return field.startsWith(`${trouble} `);
}

/** The circuits that stop all taking. */
export const STOPS: readonly string[] = ['failing api', 'refusing api'];

const PROBED = ['failing', 'forbidden', 'unauthorized', 'refusing'] as const;

/** A circuit that may cover a message. */
export interface Covering {
  trouble: Trouble;
  scope: WideScope;
  field: string;
}

/** The circuits of the message's page and key that let one probe at a time leave. */
export function probedCircuitsOf(place: PlaceOfMessage): Covering[] {
  return PROBED.flatMap((trouble) => covering(trouble, ['page', 'key'], place));
}

/** The circuits that may limit the message. */
export function limitsOf(place: PlaceOfMessage): Covering[] {
  return covering('limited', ['page', 'key', 'api'], place);
}

/** The circuits of one trouble that may cover the message, the widest first. */
export function circuitsOf(trouble: Trouble, place: PlaceOfMessage): Covering[] {
  return covering(trouble, ['api', 'key', 'page'], place);
}

function covering(trouble: Trouble, scopes: readonly WideScope[], place: PlaceOfMessage): Covering[] {
  return scopes.map((scope) => ({ trouble, scope, field: fieldOf(trouble, scope, place) }));
}

/** What to log when a circuit opens. */
export function adviceOn(trouble: Trouble, scope: WideScope): string {
  switch (trouble) {
    case 'failing':
      return scope === 'api'
        ? 'the API does not work: messages wait, and one at a time is sent as a probe'
        : `nothing works for a ${scope}: its messages wait, and one at a time is sent as a probe`;
    case 'refusing':
      return scope === 'api'
        ? 'the API refuses everything: messages wait, and one at a time is sent as a probe; check KITECHAT_API_URL and what the API answers'
        : `the API refuses every message of a ${scope}: its messages wait, and one at a time is sent as a probe`;
    case 'limited':
      return 'the API asks to slow down: messages wait, then leave at a pace that rises slowly';
    case 'no-key':
      return 'there is no API key for a page: its messages wait; give it a key';
    case 'unauthorized':
    case 'forbidden':
      return scope === 'page'
        ? 'the API refuses every message of a page: its messages wait; check what its key may do'
        : 'the API refuses a key: the pages with this key wait; replace the key, or have it accepted again';
  }
}
