import { html } from 'hono/html';
import type { Html } from './html.ts';

/** The body of a 401 for browsers. It needs nothing else from the server, and tells nothing of it. */
export function loginPage({ next, problem }: { next: string; problem: string | null }): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="data:," />
        <title>Log in</title>
      </head>
      <body>
        <main>
          <h1>Log in</h1>
          ${problem === null ? '' : html`<p role="alert">${problem}</p>`}
          <form method="post" action="/login">
            <input type="hidden" name="next" value="${next}" />
            <p>
              <label for="token">Token</label>
              <input id="token" name="token" type="password" autocomplete="current-password" required autofocus />
            </p>
            <p><button type="submit">Log in</button></p>
          </form>
        </main>
      </body>
    </html>`;
}
