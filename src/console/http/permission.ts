import type { Context } from 'hono';
import { KitechatSenderError } from '../../shared/errors/errors.ts';
import type { AccessEnv } from './visitors.ts';
import { type Action, mayDo, type Target, whyRefused } from '../rights/rights.ts';

type AccessContext = Context<AccessEnv>;

/** The visitor's token does not allow what a request asks for. */
export class ForbiddenError extends KitechatSenderError {
  override readonly name = 'ForbiddenError';
  readonly code = 'FORBIDDEN';
}

/** Whether the visitor may do this, for pages that leave out what is not allowed. */
export function may({ var: { visitor } }: AccessContext, action: Action, target: Target): boolean {
  return mayDo(visitor, action, target);
}

/** @throws ForbiddenError if the visitor may not do this. */
export function demand({ var: { visitor } }: AccessContext, action: Action, target: Target): void {
  const why = whyRefused(visitor, action, target);
  if (why !== null) throw new ForbiddenError(why);
}

/** Whether the visitor may see something of this page. For anybody else it doesn't exist. */
export function isSeen(context: AccessContext, page: string | null): boolean {
  return may(context, 'look', { page });
}
