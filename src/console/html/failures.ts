import { html } from 'hono/html';
import { ChangeUncertainError } from '../../shared/session/calls.ts';
import { ConfigError, QueueUnavailableError } from '../../shared/errors/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { ForbiddenError } from '../http/permission.ts';
import { AbortedRequestError, BadFormError } from '../http/forms.ts';
import { type DeskContext, type Html, show } from './layout.ts';
import { notice } from './parts.ts';

/** The answer to a client that has gone. Nothing went wrong here, so it is not logged. */
export function answerNobody(): Response {
  return new Response(null, { status: 400 });
}

/** Answers a request that failed. Only messages of our own errors are shown. */
export async function answerFailure(context: DeskContext, error: Error, log: Logger): Promise<Response> {
  if (error instanceof AbortedRequestError) return answerNobody();
  const isReading = context.req.method === 'GET';
  const isOfRedis = error instanceof QueueUnavailableError || error instanceof ChangeUncertainError;
  if (isOfRedis && !error.isInternal) {
    const banner = isReading ? notice('bad', redisIsAway()) : notice('bad', error.message);
    const unavailable = { title: 'Redis does not answer', section: null, status: 503 } as const;
    return await show(context, {
      ...unavailable,
      live: banner,
      summary: 'Redis does not answer.',
      unavailable: isReading,
    });
  }
  if (error instanceof ForbiddenError) {
    const body = notice('bad', error.message);
    return await show(context, { title: 'Not allowed', section: null, status: 403, body });
  }
  if (error instanceof BadFormError) {
    const body = html`${notice('bad', error.message)}
      <p><a href="/">To the overview</a></p>`;
    return await show(context, { title: 'This can not be done', section: null, status: 422, body });
  }
  log.error({ err: error, path: context.req.path }, 'console: a request failed');
  const text =
    error instanceof ConfigError || isOfRedis
      ? error.message
      : 'Internal error. The log of this process has the details.';
  return await show(context, {
    title: 'Something went wrong',
    section: null,
    status: 500,
    live: notice('bad', text),
  });
}

function redisIsAway(): Html {
  return html`<strong>Redis does not answer.</strong> Nothing can be shown or changed until it does. Stored messages
    stay stored, and workers continue by themselves. This page retries every two seconds. If this lasts, check that
    Redis runs and that <code>REDIS_URL</code> of this process is right.`;
}
