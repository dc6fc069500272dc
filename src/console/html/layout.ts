import type { Context } from 'hono';
import { html } from 'hono/html';
import { may } from '../http/permission.ts';
import type { AccessEnv } from '../http/visitors.ts';
import { assetPath } from '../http/assets.ts';
import { type Flash, takeFlash } from '../http/flash.ts';
import { CSRF_FIELD } from '../http/forms.ts';
import { version } from '../../shared/version.ts';
import type { HtmlEscapedString } from 'hono/utils/html';

/** The result of Hono's `html` templates: markup in which every value is escaped. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

export type DeskContext = Context<AccessEnv>;

/** The parts of the console, as the navigation names them, with what a visitor needs to see them. */
const SECTIONS = [
  ['Overview', '/', 'look', 'installation'],
  ['Pages', '/pages', 'look', 'none'],
  ['Workers', '/workers', 'look', 'installation'],
  ['Dead letters', '/dead-letters', 'look', 'none'],
  ['Find', '/find', 'look', 'none'],
  ['Queues', '/queues', 'look', 'installation'],
  ['Actions', '/actions', 'read actions', 'none'],
] as const;
export type Section = (typeof SECTIONS)[number][0];

export interface View {
  title: string;
  /** `null` for a view outside of all sections. */
  section: Section | null;
  /** The part that is not refreshed. */
  body?: Html;
  /** The part that is refreshed every two seconds while the page is visible. */
  live?: Html;
  /** One sentence that screen readers announce when it changes. */
  summary?: string;
  /** Follows the live part. */
  after?: Html;
  withCharts?: boolean;
  /** Whether nothing else can be shown now. The page then retries, and reloads itself when it succeeds. */
  unavailable?: boolean;
  status?: 200 | 403 | 404 | 422 | 500 | 501 | 503;
}

/** Keeps htmx from evaluating code and inserting styles, which the CSP forbids. A 503 is shown, since it says why. */
const HTMX_CONFIG = JSON.stringify({
  allowEval: false,
  includeIndicatorStyles: false,
  historyEnabled: false,
  responseHandling: [
    { code: '204', swap: false },
    { code: '[23]..', swap: true },
    { code: '503', swap: true, error: true },
    { code: '[45]..', swap: false, error: true },
  ],
});

/** The beginning of the head of every page. */
export const HEAD_START = html`<meta charset="utf-8" />
  <meta name="viewport" content="width=device-width, initial-scale=1" />
  <meta name="color-scheme" content="light dark" />`;

/** Answers with a view: the whole page, or only its live part if the page refreshes itself. */
export async function show(context: DeskContext, view: View): Promise<Response> {
  const status = view.status ?? 200;
  const live = liveRegion(context, view);
  if (isRefresh(context)) return context.html(live, status);
  return context.html(wholePage(context, view, { live, flash: takeFlash(context) }), status);
}

/** Whether a page asks only for its live part. */
function isRefresh({ req }: DeskContext): boolean {
  return req.header('hx-request') === 'true';
}

function liveRegion({ req }: DeskContext, { live, summary = '' }: View): Html {
  if (live === undefined) return html``;
  const { pathname, search } = new URL(req.url);
  return html`<div
    id="live"
    class="stack"
    hx-get="${pathname}${search}"
    hx-trigger="refresh from:body"
    hx-swap="outerHTML"
    data-summary="${summary}"
  >
    ${live}
  </div>`;
}

function wholePage(context: DeskContext, view: View, { live, flash }: { live: Html; flash: Flash | null }): Html {
  const { title, section, body = '', after = '', withCharts = false, unavailable = false } = view;
  return html`<!doctype html>
    <html lang="en">
      <head>
        ${HEAD_START}
        <meta name="htmx-config" content="${HTMX_CONFIG}" />
        <title>${title} · kitechat-sender</title>
        <link rel="icon" type="image/svg+xml" href="${assetPath('icon')}" />
        ${withCharts ? html`<link rel="stylesheet" href="${assetPath('chartsCss')}" />` : ''}
        <link rel="stylesheet" href="${assetPath('css')}" />
        <script defer src="${assetPath('htmx')}"></script>
        ${withCharts ? html`<script defer src="${assetPath('charts')}"></script>` : ''}
        <script defer src="${assetPath('script')}"></script>
        ${unavailable ? html`<noscript><meta http-equiv="refresh" content="5" /></noscript>` : ''}
      </head>
      <body ${unavailable ? 'data-unavailable' : ''}>
        <a class="skip" href="#main">Skip to the content</a>
        ${header(context, section)}
        <main id="main" tabindex="-1">
          <h1>${title}</h1>
          ${flash === null ? '' : flashMessage(flash)}
          <p id="stale" class="notice bad" role="status" hidden></p>
          <p id="announcer" class="visually-hidden" aria-live="polite"></p>
          ${body} ${live} ${after}
        </main>
        <p id="paused" class="paused" role="status" hidden>Refresh paused while in use</p>
        <footer>kitechat-sender ${version} · ${context.var.site}</footer>
      </body>
    </html>`;
}

function header(context: DeskContext, current: Section | null): Html {
  const { csrfToken, session } = context.var.visitor;
  return html`<header class="top">
    <nav aria-label="Console">
      <ul>
        ${SECTIONS.filter(([, , action, target]) => may(context, action, target)).map(
          ([name, href]) =>
            html`<li><a href="${href}" ${name === current ? html`aria-current="page"` : ''}>${name}</a></li>`,
        )}
      </ul>
    </nav>
    <form class="quick" role="search" method="get" action="/find">
      <label class="visually-hidden" for="quick-find">Message id</label>
      <input id="quick-find" name="q" type="search" placeholder="Message id" autocomplete="off" spellcheck="false" />
      <button type="submit">Find</button>
    </form>
    ${
      session !== null
        ? html`<form method="post" action="/logout">
            <input type="hidden" name="${CSRF_FIELD}" value="${csrfToken ?? ''}" />
            <button type="submit" class="plain">Log out</button>
          </form>`
        : ''
    }
  </header>`;
}

function flashMessage({ text, isProblem = false, link }: Flash): Html {
  return html`<p class="notice ${isProblem ? 'bad' : 'good'}" role="status">
    <span aria-hidden="true">${isProblem ? '✗' : '✓'}</span> ${text}
    ${link === undefined ? '' : html`<a href="${link.href}">${link.label}</a>`}
  </p>`;
}
