import { html } from 'hono/html';
import { HEAD_START, type Html } from '../html/layout.ts';

/** Leaves the most of the small form of a login to the token. */
const MAX_NEXT_LENGTH = 800;

/**
 * The body of a 401 for browsers. It loads nothing from the server and reveals nothing about it. Style sheets are behind the guard
 * and the CSP forbids inline styles, so it looks like the browser's own dialog.
 */
export function loginPage({ next: wanted, problem }: { next: string; problem: string | null }): Html {
  const next = encodeURIComponent(wanted).length <= MAX_NEXT_LENGTH ? wanted : '/';
  return html`<!doctype html>
    <html lang="en">
      <head>
        ${HEAD_START}
        <link rel="icon" href="data:," />
        <title>Log in</title>
      </head>
      <body>
        <main>
          <br />
          <br />
          <dialog open aria-labelledby="title">
            <h1 id="title">Log in</h1>
            <p>This console needs a token.</p>
            ${problem === null ? '' : html`<p role="alert">${problem}</p>`}
            <form method="post" action="/login">
              <input type="hidden" name="next" value="${next}" />
              <p>
                <label for="token">Token</label><br />
                <input
                  id="token"
                  name="token"
                  type="password"
                  size="36"
                  autocomplete="current-password"
                  required
                  autofocus
                />
              </p>
              <p><button type="submit">Log in</button></p>
            </form>
          </dialog>
        </main>
      </body>
    </html>`;
}
