import type { Page } from 'playwright-core';

/** Far more than there is to see. */
const MOST = 80;

/**
 * Opens the page at a URL, every page of its site that this one links to, and so on.
 *
 * @param look is called when a page is there
 * @returns the paths that were opened
 */
export async function crawl(page: Page, start: string, look: (path: string) => Promise<void>): Promise<string[]> {
  const { origin } = new URL(start);
  const seen = new Set([start]);
  const opened: string[] = [];
  for (const url of seen) {
    if (opened.length >= MOST) throw new Error(`more than ${MOST} pages: is one linked under ever new URLs?`);
    await page.goto(url);
    await page.getByRole('main').first().waitFor();
    const path = url.slice(origin.length);
    await look(path);
    opened.push(path);
    for (const href of await page.evaluate<string[]>('[...document.links].map(({ href }) => href.split("#")[0])')) {
      if (href.startsWith(`${origin}/`) && !href.startsWith(`${origin}/queues`)) seen.add(href);
    }
  }
  return opened;
}
