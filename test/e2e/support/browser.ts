import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { findChromium } from './find-chromium.ts';

/** A page of a browser that nothing was done with yet, and what it did that it shouldn't have. */
export interface WatchedPage {
  page: Page;
  /** Every URL that the page asked for, in order. */
  requested: readonly string[];
  /** Errors and warnings of the browser's console, violations of the CSP among them, and errors of scripts. */
  complaints: readonly string[];
}

export interface TestBrowser extends AsyncDisposable {
  open(options?: BrowserContextOptions): Promise<WatchedPage>;
}

/** As wide as an operator's laptop. */
const LAPTOP = { width: 1280, height: 900 };
/** What is waited for on a page is there sooner than this, or never. */
const SEEN_MS = 15_000;

/** The browser finds nothing but this machine, so that a link to elsewhere fails rather than works by chance. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Letters without coloured edges: the same on every machine, and small as a picture.
  '--disable-lcd-text',
  '--font-render-hinting=none',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1',
];

/** Starts a browser with a new, empty profile, which is removed when it ends. */
export async function startBrowser(): Promise<TestBrowser> {
  const browser: Browser = await chromium.launch({
    executablePath: findChromium(process.env),
    headless: true,
    args: FLAGS,
  });
  return {
    async open(options = {}) {
      const context = await browser.newContext({ viewport: LAPTOP, ...options });
      context.setDefaultTimeout(SEEN_MS);
      const [requested, complaints]: [string[], string[]] = [[], []];
      context.on('request', (request) => requested.push(request.url()));
      context.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
      });
      context.on('weberror', (error) => complaints.push(`script: ${error.error().message}`));
      return { page: await context.newPage(), requested, complaints };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
