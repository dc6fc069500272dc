import { KitechatSenderError } from '../shared/errors.ts';

/** The entry that a list was to go on after is gone, and its place is not known here. */
export class UnknownPositionError extends KitechatSenderError {
  override readonly name = 'UnknownPositionError';
  readonly code = 'UNKNOWN_POSITION';

  constructor() {
    super(
      'The entry after which the list was to go on is there no more: it was sent again or removed. ' +
        'Begin anew with the newest, or give that entry with its time of death: after: { id, deadAt }.',
    );
  }
}
